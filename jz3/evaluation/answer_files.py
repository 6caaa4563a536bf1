r"""Files of answers and of golds as people have them: their layouts, their fields, and the texts by item.

| layout | recognised by | answer | gold |
|---|---|---|---|
| lm-eval samples | `doc_id` and `resps` | `resps[0][0]`, once per item | `target` |
| OpenAI batch output | `custom_id` and `response` | the message of the first choice | none |
| verl validation dump | `output` and `gts` (or `score`) | `output` | `gts` |
| verl rollouts | `reward_model` | `responses` or `response` | `reward_model.ground_truth` |
| own | all others | the first field of PREDICTED, or turns that end in an answer | the first field of GOLD |

Formats are those of `jz3.raw` (JSONL, JSON, CSV, parquet, ...); numbers of JSON lines stay as they are
written. Names are found in any case; a given one may be nested (`data.answer`). A gold that is the number of
one of the row's `choices`, as MMLU has it, becomes their letter.
"""

import codecs
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from jz3.core.errors import UserError
from jz3.raw.files import field as value_of
from jz3.raw.first_bytes import must_be_as_named
from jz3.raw.given import must_be_a_file
from jz3.raw.lines import lines, read_bytes
from jz3.raw.named_fields import fields_of_question, first_of
from jz3.raw.row import Odd, Row
from jz3.raw.turns import ANSWERING, ASKING, TURNS, last_of_speakers, turns_of

WHOLE = (
    "response", "responses", "output", "outputs", "completion", "generation", "generated_text",
    "generated_solution", "model_output", "answer_text",
)  # fmt: skip
"""Names of the field with a model's whole response, the most certain first."""
PREDICTED = ("predicted", "prediction", "pred", "model_answer", *WHOLE)
"""Names of the field with a model's answer or response, the most certain first."""
GOLD = (
    "gold", "gold_answer", "ground_truth", "expected", "expected_answer", "reference", "target", "gts",
    "final_answer", "label", "answer", "correct", "solution",
)  # fmt: skip
"""Names of the field that holds the right answer, the surest first."""
IDS = ("item_id", "id", "custom_id", "unique_id", "question_id", "problem_id", "doc_id", "idx", "index")
QUESTIONS = ("question", "problem", "input", "prompt")
CHOICES = ("choices", "options")
"""Names of the field that lists the choices of a row."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STDIN = Path("-")


@dataclass(frozen=True)
class Fields:
    """Field names that the user gave; None means that the name is guessed."""

    predicted: str | None = None
    gold: str | None = None
    identity: str | None = None


@dataclass(frozen=True)
class AnswerFile:
    """The rows of a file, in order, and how they are read."""

    path: Path
    layout: str
    rows: Sequence[Row]
    predicted: str | None
    """The field of the answer; None if there is none."""
    gold: str | None
    identity: str | None
    bad: Sequence[str] = field(default_factory=list)
    """A line for each row that cannot be read."""
    numbered: bool = False
    """Whether the golds were numbers of choices; they are letters now."""

    def names(self) -> str:
        """The fields of the first row, also those within others, for people."""
        inner = (
            (name, cast("Row", value) if isinstance(value, dict) else {})
            for name, value in self.rows[0].items()
        )
        return ", ".join(
            part for name, held in inner for part in ([f"{name}.{key}" for key in held] or [name])
        )

    def said(self, *names: str) -> str:
        """For people: how the file is read."""
        parts = [f"{name} from `{value}`" for name in names if (value := getattr(self, name)) is not None]
        return f"{self.path}: {self.layout}, {len(self.rows)} rows; {', '.join(parts)}"


def read_file(path: Path, fields: Fields) -> AnswerFile:
    """Read a whole file and detect its layout. Raises UserError if it is missing, empty or lacks a field."""
    rows: list[Row] = []
    bad: list[str] = []
    for place, found in _rows(path):
        if isinstance(found, Odd):
            bad.append(f"{path}, {place}: {found.reason}; expected an object. Fix the line.")
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
        if given is None or given in names:
            continue
        if all(value_of(row, given) is None for row in rows):
            raise UserError(f"{path} has no field `{given}`; it has {', '.join(names)}. Give one of these.")
    gold = fields.gold or first_of(GOLD, names)
    numbered = gold is not None and _are_numbers_of_choices(rows, gold)
    identity = fields.identity or first_of(IDS, names)
    if identity is not None and identity in names:
        rows = _with_whole_ids(rows, identity)
    return AnswerFile(
        path,
        f"{layout} with numbered choices" if numbered else layout,
        [row | {gold: letter_of(text_of(row, gold))} for row in rows] if gold and numbered else rows,
        fields.predicted or first_of(PREDICTED, names) or _answered_turns(rows, names),
        gold,
        identity,
        bad,
        numbered,
    )


def _with_whole_ids(rows: list[Row], name: str) -> list[Row]:
    """The rows with ids as whole numbers, if all are written as `7.0`, as pandas may do."""
    ids = [text_of(row, name) for row in rows]
    if not all(one is None or re.fullmatch(r"\d+\.0", one) for one in ids):
        return rows
    return [
        row if one is None else row | {name: one.removesuffix(".0")}
        for row, one in zip(rows, ids, strict=True)
    ]


def _answered_turns(rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The field of turns, if in most rows the last turn is an answer: others are prompts."""
    name = first_of(TURNS, names)
    turns = [turns_of(row.get(name)) for row in rows] if name is not None else []
    ends = [found[-1][0] in ANSWERING for found in turns if found]
    return name if 2 * sum(ends) > len(rows) else None


def letter_of(number: str | None) -> str | None:
    """The letter of a choice by its number, from 0; other texts as they are."""
    return LETTERS[int(number)] if number is not None and _is_place(number, len(LETTERS)) else number


def _is_place(text: str, count: int) -> bool:
    return text.isdecimal() and len(text) < 3 and int(text) < count


def _are_numbers_of_choices(rows: Sequence[Row], gold: str) -> bool:
    """Whether each row lists its choices and the gold is the number of one, but not always one of them."""
    own = 0
    for row in rows:
        listed = next((row[name] for name in CHOICES if isinstance(row.get(name), list)), None)
        text = text_of(row, gold)
        if listed is None or text is None or not _is_place(text, min(len(listed), len(LETTERS))):
            return False
        own += text in map(str, listed)
    return own < len(rows)


def texts_of(row: Row, name: str) -> list[str | None]:
    """The answers in a field: several if it holds a list of them (also as the only element of a list, as in
    lm-eval). Of turns, the last answer, or what is said last.
    """
    value: Any = value_of(row, name)
    turns = turns_of(value)
    if turns is not None:
        answer = last_of_speakers(turns, ANSWERING)
        return [turns[-1][1] if answer is None else answer]
    while isinstance(value, list) and len(cast("list[Any]", value)) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not value:
        return [text_of(row, name)]
    answers = cast("list[Any]", value)
    if all(isinstance(one, dict) and "content" in one for one in answers):
        answers = [answers[-1]["content"]]
    return [text_of({name: one}, name) for one in answers]


def question_of(row: Row, names: Sequence[str]) -> str:
    """The texts of fields as one; of turns, the question before the last answer."""
    texts: list[str] = []
    for name in names:
        turns = turns_of(value_of(row, name))
        texts.append((last_of_speakers(turns, ASKING) if turns else text_of(row, name)) or "")
    return " ".join(texts)


def question_fields(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The fields in which rows may have their question, the surest first; several that make one together."""
    names = list(dict.fromkeys(name for row in rows[:1000] for name in row))
    found = [name for one in (*QUESTIONS, *TURNS) if (name := first_of([one], names)) is not None]
    told = {
        name: max((tuple(fields_of_question(row, name)) for row in rows[:1000]), key=len) for name in found
    }
    return [fields for name in found for fields in dict.fromkeys((told[name], (name,)))]


def text_of(row: Row, name: str | None) -> str | None:
    """A field as a text; of a list the first. None where nothing is there."""
    value: Any = value_of(row, name) if name is not None else None
    while isinstance(value, list):
        value = cast("list[Any]", value)[0] if value else None
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, bool)) else str(value)


def _rows(path: Path) -> Iterator[tuple[str, Row | Odd]]:
    if path == STDIN:
        yield from _json_lines(enumerate(sys.stdin.buffer, 1))
        return
    must_be_a_file(path, "a file of answers", pipes=True)
    if not path.is_file():
        with path.open("rb") as piped:
            yield from _json_lines(enumerate(piped, 1))
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        must_be_as_named(path, path.suffix.lower())
        found = list(_json_lines(lines(path)))
        yield from found if any(isinstance(row, dict) for _, row in found) else _entries(path) or found
    else:
        from jz3.raw.files import read_rows

        for _, (place, row) in read_rows([path], path.parent):
            yield place.removeprefix(f"{path.name} "), row


def _json_lines(numbered: Iterable[tuple[int, bytes | Odd]]) -> Iterator[tuple[str, Row | Odd]]:
    for number, line in numbered:
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 and isinstance(line, bytes) else line
        if isinstance(content, Odd):
            yield f"line {number}", content
        elif content.strip():
            yield f"line {number}", _object(content)


def _entries(path: Path) -> list[tuple[str, Row | Odd]]:
    """The objects of a file that is one list of them, or one object over many lines."""
    data = read_bytes(path)
    try:
        value: Any = None if isinstance(data, Odd) else _parsed(data)
    except (ValueError, RecursionError):
        return []
    if isinstance(value, dict):
        return [("entry 1", cast("Row", value))]
    return [
        (
            f"entry {number}",
            cast("Row", row) if isinstance(row, dict) else Odd("not_an_object", "not an object", ""),
        )
        for number, row in enumerate(cast("list[Any]", value) if isinstance(value, list) else [], 1)
    ]


def _object(content: bytes) -> Row | Odd:
    try:
        found: Any = _parsed(content)
    except UnicodeDecodeError:
        return Odd("not_utf8", "not UTF-8", "")
    except (json.JSONDecodeError, RecursionError):
        return Odd("not_json", "not JSON", "")
    return found if isinstance(found, dict) else Odd("not_an_object", "not an object", "")


def _parsed(content: bytes) -> Any:  # noqa: ANN401 (any JSON)
    """Numbers stay as they are written: an integer of any length, a decimal with all its digits."""
    return json.loads(content.decode(), parse_int=str, parse_float=str, parse_constant=lambda name: name)


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
    """lm-eval has a line for each filter of an item, all with the same response; keep one."""
    seen: dict[str, Row] = {}
    for row in rows:
        key = str(row["doc_id"])
        doc: Any = row.get("doc")
        if key not in seen:
            own = cast("Row", doc) if isinstance(doc, dict) else {}
            question = {name: own[name] for name in own if name.lower() in (*QUESTIONS, "body")}
            seen[key] = question | {"doc_id": key, "response": row["resps"], "target": row.get("target")}
    return list(seen.values())


def _batch(row: Row) -> Row:
    """The text of a chat, completion or response; a failed request has none."""
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
