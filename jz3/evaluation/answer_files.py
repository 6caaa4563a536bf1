r"""Files of answers and of golds as people have them: which layout, which field, and the texts by item.

| layout | known by | answer | gold |
|---|---|---|---|
| lm-eval samples | `doc_id` and `resps` | `resps[0][0]`, once an item | `target` |
| OpenAI batch output | `custom_id` and `response` | the message of the first choice | none |
| verl validation dump | `output` and `gts` (or `score`) | `output` | `gts` |
| verl rollouts | `reward_model` | `responses` or `response` | `reward_model.ground_truth` |
| own | all others | the first of PREDICTED that is there | the first of GOLD that is there |

Formats are those of `jz3.raw` (JSONL, JSON, CSV, parquet, ...); numbers of JSON lines stay as they are
written.
"""

import codecs
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from jz3.core.errors import UserError
from jz3.raw.row import Odd, Row

WHOLE = (
    "response", "responses", "output", "outputs", "completion", "generation", "generated_text",
    "model_output", "answer_text",
)  # fmt: skip
"""Names of the field that holds all that a model said, the surest first."""
PREDICTED = ("predicted", "prediction", "pred", "model_answer", *WHOLE)
"""Names of the field that holds what a model said, the surest first."""
GOLD = (
    "gold", "gold_answer", "ground_truth", "expected", "expected_answer", "reference", "target", "gts",
    "final_answer", "label", "answer", "Answer", "correct", "solution",
)  # fmt: skip
"""Names of the field that holds the right answer, the surest first."""
IDS = ("item_id", "id", "custom_id", "unique_id", "question_id", "problem_id", "ID", "doc_id", "idx", "index")
QUESTIONS = ("question", "problem", "Question", "input", "prompt")
STDIN = Path("-")


@dataclass(frozen=True)
class Fields:
    """Names that were given; None is guessed."""

    predicted: str | None = None
    gold: str | None = None
    identity: str | None = None


@dataclass(frozen=True)
class AnswerFile:
    """The rows of a file, in its order, and how they are read."""

    path: Path
    layout: str
    rows: Sequence[Row]
    predicted: str | None
    """The field of the answer; None where there is none."""
    gold: str | None
    identity: str | None
    bad: Sequence[str] = field(default_factory=list)
    """A line for each row that cannot be read."""

    def said(self, *names: str) -> str:
        """How the file is read, for people."""
        parts = [f"{name} from `{value}`" for name in names if (value := getattr(self, name)) is not None]
        return f"{self.path}: {self.layout}, {len(self.rows)} rows; {', '.join(parts)}"


def read_file(path: Path, fields: Fields) -> AnswerFile:
    """A whole file and its layout. Raises UserError where it is absent, empty or has no such field."""
    rows: list[Row] = []
    bad: list[str] = []
    for place, found in _rows(path):
        if isinstance(found, Odd):
            bad.append(f"{path}, {place}: {found.reason}; expected an object. Mend the line.")
        else:
            rows.append(found)
    if not rows:
        if bad:
            raise UserError(
                f"none of the {len(bad)} lines of {path} could be graded; objects with answers were "
                f"expected. The first: {bad[0]}"
            )
        raise UserError(f"{path} is empty; objects with answers were expected. Give another file.")
    layout, rows = _layout(rows)
    names = list(dict.fromkeys(name for row in rows[:1000] for name in row))
    for given in (fields.predicted, fields.gold, fields.identity):
        if given is not None and given not in names:
            raise UserError(f"{path} has no field `{given}`; it has {', '.join(names)}. Give one of these.")
    return AnswerFile(
        path,
        layout,
        rows,
        fields.predicted or _first(PREDICTED, names),
        fields.gold or _first(GOLD, names),
        fields.identity or _first(IDS, names),
        bad,
    )


def texts_of(row: Row, name: str) -> list[str | None]:
    """What a model said, in each of its answers where a field holds a list of them (also in a list of one,
    as lm-eval has it). Of turns, the last.
    """
    value: Any = row.get(name)
    while isinstance(value, list) and len(cast("list[Any]", value)) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not value:
        return [text_of(row, name)]
    answers = cast("list[Any]", value)
    if all(isinstance(one, dict) and "content" in one for one in answers):
        answers = [answers[-1]["content"]]
    return [text_of({name: one}, name) for one in answers]


def text_of(row: Row, name: str | None) -> str | None:
    """A field as a text; of a list the first. None where nothing is there."""
    value: Any = row.get(name) if name is not None else None
    while isinstance(value, list):
        value = cast("list[Any]", value)[0] if value else None
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, bool)) else str(value)


def _first(wanted: Sequence[str], there: Sequence[str]) -> str | None:
    return next((name for name in wanted if name in there), None)


def _rows(path: Path) -> Iterator[tuple[str, Row | Odd]]:
    if path == STDIN:
        yield from _json_lines(sys.stdin.buffer)
    elif path.is_dir() or not path.exists():
        found = "a folder" if path.is_dir() else "No such file"
        raise UserError(f"{path}: {found}; expected a file of answers. Check the path.")
    elif path.suffix.lower() in (".jsonl", ".ndjson") or not path.is_file():  # a pipe has JSON lines, too
        with path.open("rb") as lines:
            yield from _json_lines(lines)
    else:
        from jz3.raw.files import read_rows

        for _, (place, row) in read_rows([path], path.parent):
            yield place.removeprefix(f"{path.name} "), row


def _json_lines(lines: Any) -> Iterator[tuple[str, Row | Odd]]:  # noqa: ANN401 (any binary file)
    for number, line in enumerate(lines, 1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            yield f"line {number}", _object(content)


def _object(content: bytes) -> Row | Odd:
    try:
        # Numbers stay as they are written: an integer of any length, a decimal with all its digits.
        found: Any = json.loads(
            content.decode(), parse_int=str, parse_float=str, parse_constant=lambda name: name
        )
    except UnicodeDecodeError:
        return Odd("not_utf8", "not UTF-8", "")
    except (json.JSONDecodeError, RecursionError):
        return Odd("not_json", "not JSON", "")
    return found if isinstance(found, dict) else Odd("not_an_object", "not an object", "")


def _layout(rows: Sequence[Row]) -> tuple[str, list[Row]]:
    first = rows[0]
    if "doc_id" in first and "resps" in first:
        return "lm-eval samples", _lm_eval(rows)
    if "custom_id" in first and "response" in first:
        return "OpenAI batch output", [_batch(row) for row in rows]
    if "reward_model" in first:
        return "verl rollouts", [_rollout(row) for row in rows]
    if "output" in first and ("gts" in first or "score" in first):
        return "verl validation dump", list(rows)
    return "own rows", list(rows)


def _lm_eval(rows: Sequence[Row]) -> list[Row]:
    """lm-eval has a line for each filter of an item; what the model said is the same in all."""
    seen: dict[str, Row] = {}
    for row in rows:
        key = str(row["doc_id"])
        doc: Any = row.get("doc")
        if key not in seen:
            own = cast("Row", doc) if isinstance(doc, dict) else {}
            question = {name: own[name] for name in QUESTIONS if name in own}
            seen[key] = question | {"doc_id": key, "response": row["resps"], "target": row.get("target")}
    return list(seen.values())


def _batch(row: Row) -> Row:
    """The text of a chat, completion or response; a request that failed has none."""
    response: Any = row["response"] or {}
    body: Any = response.get("body") or {}
    text: Any = None
    for choice in body.get("choices") or []:
        text = (choice.get("message") or {}).get("content") or choice.get("text")
        break
    for part in body.get("output") or []:
        for content in part.get("content") or []:
            text = content.get("text") if content.get("type") == "output_text" else text
    return {"custom_id": row["custom_id"], "response": text}


def _rollout(row: Row) -> Row:
    reward: Any = row["reward_model"]
    extra: Any = row.get("extra_info") or {}
    index = {"index": extra["index"]} if isinstance(extra, dict) and "index" in extra else {}
    return {**row, **index, "ground_truth": reward.get("ground_truth")}
