"""A question and its solution as turns: the output of a program is a turn of its own.

The assistant writes the fence that opens an output block and is stopped there while the program runs
(`jz3/evaluation/tool_loop.py`); the output and the closing fence are the tool's.
"""

from collections.abc import Sequence

import polars as pl

from jz3.curation.marked_thoughts import before_solution, with_thought
from jz3.tables.turn import Role, Turn, turn_lists, turn_rows
from jz3.text.fences import fenced_blocks
from jz3.text.training_text import training_input
from jz3.text.turn_text import input_and_output, plain_parts

_LINES = r"(?:[^`~]*\n)?"
_FENCE = "```"
_ONE_PROGRAM = (
    rf"\A{_LINES}{_FENCE}python\n{_LINES}{_FENCE}\n{_LINES}{_FENCE}output\n{_LINES}{_FENCE}(?:\n[^`~]*)?\z"
)
"""A program, its output, and no other mark that could be a fence (98 % of the released tool rows)."""
_BETWEEN_FENCES = ("before", "program", "between", "result", "after")

_Said = tuple[str, Role, bool]
"""The column of a turn, the speaker, and whether it is learnt."""


def with_turns(rows: pl.DataFrame, *, learn_output: bool) -> pl.DataFrame:
    """The rows (`problem`, `solution`, `kind`, `thought`) with their turns, input and output, in any order.

    Rows that are prose or one program are built as whole columns, the others one by one.
    """
    answered = rows.with_columns(output=before_solution("solution"))
    prose = rows["kind"].cast(pl.String) == "cot"
    parts = answered.filter(~prose)
    one, ends = parts["solution"].str.contains(_ONE_PROGRAM), pl.col("rest") == ""
    programs = _divided(parts.filter(one)).with_columns(head=before_solution("head"))
    said: _Said = ("output", "assistant", True)
    head: _Said = ("head", "assistant", True)
    shown: _Said = ("shown", "tool", learn_output)
    rest: _Said = ("rest", "assistant", True)
    made = [
        _of_columns(answered.filter(prose), "cot", [said]),
        _of_columns(programs.filter(ends), "tool", [head, shown]),
        _of_columns(programs.filter(~ends), "tool", [head, shown, rest]),
        _of_each(parts.filter(~one), learn_output=learn_output),
    ]
    return pl.concat(frame.select(made[0].columns) for frame in made)


def _divided(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one program with its solution up to the output (`head`), the output (`shown`) and the `rest`.

    The fences are searched as plain text: groups of the pattern take three times as long.
    """
    pieces = pl.col("solution").str.splitn(_FENCE, len(_BETWEEN_FENCES))
    after = pl.col("after")
    return rows.with_columns(pieces.struct.rename_fields(_BETWEEN_FENCES).struct.unnest()).with_columns(
        head=pl.concat_str("before", "program", "between", pl.lit("output\n"), separator=_FENCE),
        shown=pl.concat_str(pl.col("result").str.strip_prefix("output\n"), pl.lit(_FENCE), after.str.head(1)),
        rest=after.str.slice(1),
    )


def _of_columns(rows: pl.DataFrame, kind: str, answer: Sequence[_Said]) -> pl.DataFrame:
    asked: _Said = ("problem", "user", False)
    turns: list[tuple[Role, pl.Series, bool]] = [
        (role, rows[column], learn) for column, role, learn in (asked, *answer)
    ]
    headed = pl.format(training_input("{}", kind), "problem")
    return rows.with_columns(turn_rows(turns), input=headed)


def _of_each(rows: pl.DataFrame, *, learn_output: bool) -> pl.DataFrame:
    made = [
        with_thought(solved_turns(problem, solution, kind, learn_output=learn_output), thought)
        for problem, solution, kind, thought in rows.select(_ANSWERED).iter_rows()
    ]
    texts = [
        input_and_output(plain_parts(turns, kind)) for turns, kind in zip(made, rows["kind"], strict=True)
    ]
    return rows.with_columns(
        turn_lists(made).alias("turns"),
        pl.Series("input", [before for before, _ in texts], pl.String),
        pl.Series("output", [after for _, after in texts], pl.String),
    )


_ANSWERED = ("problem", "solution", "kind", "thought")


def solved_turns(question: str, solution: str, kind: str, *, learn_output: bool) -> list[Turn]:
    """The turns of a row; a solution without a program is one turn. `learn_output` says whether the output of
    programs is learnt, as in the released code.
    """
    answer = (
        _answer_turns(solution, learn_output) if kind == "tool" else [Turn("assistant", solution, learn=True)]
    )
    return [Turn("user", question, learn=False), *answer]


def _answer_turns(solution: str, learn_output: bool) -> list[Turn]:  # noqa: FBT001
    turns: list[Turn] = []
    place = 0
    for start, end in printed_spans(solution):
        turns.append(Turn("assistant", solution[place:start], learn=True))
        turns.append(Turn("tool", solution[start:end], learn_output))
        place = end
    rest = solution[place:]
    return [*turns, Turn("assistant", rest, learn=True)] if rest else turns


def printed_spans(solution: str) -> list[tuple[int, int]]:
    """The span of each program's output: from after the opening fence of the first output block that follows
    the program to the end of the line with the closing fence.
    """
    spans: list[tuple[int, int]] = []
    computed = False
    for block in fenced_blocks(solution):
        opened = solution.find("\n", block.start, block.end) + 1
        if computed and block.is_output and opened:
            end = block.end + solution.startswith("\n", block.end)
            spans.append((opened, end))
            computed = False
        computed = computed or block.is_program
    return spans
