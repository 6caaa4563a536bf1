"""The command that asks a teacher whether answers are the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jz3.cli.output import Json, show
from jz3.cli.root import root
from jz3.core.errors import UserError

if TYPE_CHECKING:
    from jz3.teacher.judge import JudgeAccount, JudgePlan, Pair

SHOWN = 20
"""Disagreements to print; the file has all of them."""


def judge(
    pairs: Annotated[Path, typer.Argument(help="rows with `gold` and `predicted`; - is stdin")],
    *,
    by: Annotated[str, typer.Option("--by", help="a teacher of distill.teachers in params.yaml")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the opinions, as JSON lines; none with --plan")
    ] = None,
    unread: Annotated[
        bool, typer.Option("--unread", help="ask only about answers that the rules cannot read")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="count the requests and their cost, and ask nothing")
    ] = False,
    json: Json = False,
) -> None:
    """Ask a teacher whether answers are the same: a second opinion, which never overrules the rules.

    Example: jz3 judge pairs.jsonl --by writer -o opinions.jsonl
    """
    import orjson

    from jz3.core.artifacts import InFiles
    from jz3.core.execution import EXECUTION_FILE, load_execution
    from jz3.core.params import PARAMS_FILE, load_params
    from jz3.core.placing import must_be_free, placed_file
    from jz3.teacher import judge as judging
    from jz3.teacher.teacher import Teachers

    if (out is None) != plan:
        raise UserError(
            "jz3 judge writes opinions to a file, or plans; one of -o FILE and --plan was expected. Give one."
        )
    place = root()
    if out is not None:
        must_be_free(out, _foreign, folder=False)  # before anything is paid for
    asked = pairs_of(pairs)
    execution = load_execution(place / EXECUTION_FILE)
    teachers = judging.teacher_named(by, load_params(Teachers, "distill", place / PARAMS_FILE))
    prompts, model = InFiles(place / "data/judges"), teachers.teachers[by].model
    if out is None:
        counted = judging.plan(asked, prompts, teachers, execution, unread=unread)
        show(_planned(counted, by, model), counted.model_dump(), json=json)
        return
    opinions, account = judging.judge(asked, prompts, teachers, execution, unread=unread)
    rows = [opinion.row(number, by, model) for number, opinion in enumerate(opinions, 1)]
    with placed_file(out, _foreign) as part:
        part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    apart = [row for row in rows if row["disagrees"]]
    document = {"by": by, "model": model, **account.model_dump(), "disagreements": apart}
    show("\n".join([*_compared(account, by, model), *map(_disagreement, apart[:SHOWN])]), document, json=json)


def pairs_of(path: Path) -> "list[Pair]":
    """The pairs of a file: `gold` and `predicted`, and optionally `question`, `benchmark` and `equal`.

    Fields may have any of the names that `jz3 grade` knows.
    """
    from jz3.cli.output import remark
    from jz3.evaluation.answer_files import Fields, question_fields, question_of, read_file, text_of, texts_of
    from jz3.evaluation.joining import gold_answer
    from jz3.teacher.judge import Pair

    file = read_file(path, Fields())
    if file.gold is None or file.predicted is None:
        raise UserError(
            f"{path} has no {'right answer' if file.gold is None else 'answer of a model'}; fields such as "
            f"`gold` and `predicted` were expected, found {file.names()}. Rename its fields."
        )
    for line in file.bad:
        remark(line)
    question = next(iter(question_fields(file.rows)), ())
    pairs: list[Pair] = []
    for number, row in enumerate(file.rows, 1):
        gold, given = text_of(row, file.gold), texts_of(row, file.predicted)
        if gold is None:
            raise UserError(
                f"{path}, row {number} has no `{file.gold}`; a right answer was expected in each, which the "
                f"other is compared with. Fix the row."
            )
        if len(given) > 1:
            raise UserError(
                f"{path}, row {number} has {len(given)} answers in `{file.predicted}`; one was expected in "
                f"each. Write a row for each answer."
            )
        pairs.append(
            Pair(
                gold=gold_answer(gold) if "####" in gold else gold,
                predicted=given[0],
                question=question_of(row, question),
                benchmark=text_of(row, "benchmark"),
                known=_known(row.get("equal")),
            )
        )
    return pairs


def _known(equal: object) -> bool | None:
    """The truth that a row states: true or false, or the words, as CSV files have them."""
    words = {"true": True, "false": False}
    return words.get(equal.lower()) if isinstance(equal, str) else equal if isinstance(equal, bool) else None


def _planned(counted: "JudgePlan", by: str, model: str) -> str:
    left = counted.requests - counted.stored
    cost = "no price is known" if counted.most_usd is None else f"at most {counted.most_usd:,.2f} USD"
    return (
        f"{counted.pairs:,} pairs are {counted.requests:,} requests to {by} ({model}); the row store has "
        f"{counted.stored:,}; the other {left:,} cost: {cost}"
    )


def _compared(account: "JudgeAccount", by: str, model: str) -> list[str]:
    given = account.agreeing + account.disagreeing
    lines = [
        f"{account.pairs:,} pairs, {given:,} verdicts of {by} ({model}): {account.agreeing:,} agree with the "
        f"rules, {account.disagreeing:,} do not; {account.without_verdict:,} asked without a verdict"
    ]
    if account.rules_right is not None and account.judge_right is not None:
        lines.append(
            f"right on {account.known:,} pairs whose truth is known: rules {account.rules_right:.2%}, judge "
            f"{account.judge_right:.2%}; where they disagree rules "
            f"{account.rules_right_where_they_disagree:,}, judge "
            f"{account.judge_right_where_they_disagree:,}"
        )
    return lines


def _disagreement(row: dict[str, object]) -> str:
    rules, judge = ("same" if row[name] else "different" for name in ("rules", "judge"))
    pair = f"{row['gold']!r} and {row['predicted']!r}"
    return f"  {row['row']}: {pair}: rules {rules} ({row['rule']}), judge {judge}"


def _foreign(path: Path) -> str | None:
    """Why a file must not be replaced: it does not contain opinions."""
    first = path.read_bytes().partition(b"\n")[0]
    ours = first.startswith(b'{"row":1,') and b'"disagrees":' in first
    return None if ours else "holds no opinions of a judge"
