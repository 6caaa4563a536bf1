"""`jz3 grade FILE.jsonl`: verdicts for anybody's file of answers or whole responses.

A line holds `gold`, `predicted` and perhaps `benchmark`, which decides the tolerance and whether the
answers are letters of choices; `predicted` may be null, which is no answer. Verdicts come in the order of the
lines, one by one, so a file of any length passes through. A line that cannot be graded is named, and the
others are graded.
"""

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal, equal_choices
from jz3.answers.extract import NOTHING, extract_lenient
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import AnswerVerdict
from jz3.core.errors import UserError


@dataclass(frozen=True, slots=True)
class GradeLine:
    gold: str
    predicted: str | None
    """None where there is none: `no_answer`."""
    benchmark: str | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be graded, and what is wrong with it."""

    message: str


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """The verdict on a line of a file; `error` says what is wrong with one that cannot be graded."""

    line: int
    equal: bool
    rule: str
    error: str | None = None


def grade_answers(path: Path) -> Iterator[LineVerdict]:
    """A verdict for each line of a file whose `predicted` are final answers. Raises UserError."""
    return _verdicts(path, grade_answer)


def grade_responses(path: Path) -> Iterator[LineVerdict]:
    """A verdict for each line of a file whose `predicted` are whole responses. Raises UserError."""
    return _verdicts(path, grade_response)


def _verdicts(path: Path, judge: Callable[[GradeLine], AnswerVerdict]) -> Iterator[LineVerdict]:
    for number, line in read_lines(path):
        if isinstance(line, BadLine):
            yield LineVerdict(number, equal=False, rule="bad_line", error=line.message)
        else:
            verdict = judge(line)
            yield LineVerdict(number, verdict.equal, verdict.rule)


def grade_answer(line: GradeLine) -> AnswerVerdict:
    if line.predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    rules = rules_of(line.benchmark)
    if rules.letters:
        return equal_choices(line.gold, line.predicted)
    return equal(line.gold, line.predicted, rules.tolerance)


def grade_response(line: GradeLine) -> AnswerVerdict:
    """The verdict on the answer that lenient extraction finds; `no_answer` where it finds none."""
    if line.predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    rules = rules_of(line.benchmark)
    found = (
        extract_choice(line.predicted, rules.letters)
        if rules.letters
        else extract_lenient(line.predicted, form_of(line.gold))
    )
    if found is NOTHING or found.answer is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    return grade_answer(GradeLine(line.gold, found.answer, line.benchmark))


def read_lines(path: Path) -> Iterator[tuple[int, GradeLine | BadLine]]:
    """Number and content of the lines, blank ones passed over. Raises UserError where there is no file."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; expected a file of JSON lines. Check the path."
        ) from error
    with file:
        for number, content in enumerate(file, 1):
            if number == 1:
                content = content.removeprefix(codecs.BOM_UTF8)
            if content.strip():
                yield number, _line(content, f"{path}, line {number}")


def _line(content: bytes, place: str) -> GradeLine | BadLine:
    try:
        # Numbers stay as they are written: an integer of any length, a decimal with all its digits.
        fields: Any = json.loads(
            content.decode(), parse_int=str, parse_float=str, parse_constant=lambda name: name
        )
    except UnicodeDecodeError:
        return BadLine(f"{place}: not UTF-8; expected JSON in UTF-8. Convert the file.")
    except (json.JSONDecodeError, RecursionError):
        return BadLine(f"{place}: not JSON; expected an object a line. Mend the line.")
    if not isinstance(fields, dict):
        return BadLine(f"{place}: not an object; expected gold and predicted. Mend the line.")
    for name in ("gold", "predicted"):
        is_null = name == "predicted" and name in fields and fields[name] is None
        if not is_null and not isinstance(fields.get(name), str):
            return BadLine(
                f"{place}: field {name} is missing or no text; expected a text or a number. Mend the line."
            )
    benchmark = fields.get("benchmark")
    if benchmark is not None and not isinstance(benchmark, str):
        return BadLine(f"{place}: field benchmark is no text; expected a name. Mend the line.")
    return GradeLine(fields["gold"], fields["predicted"], benchmark)


def as_json(verdict: LineVerdict) -> str:
    """One line: `{"equal": true, "rule": "number"}`; of a line that cannot be graded the error as well."""
    shown: dict[str, object] = {"equal": verdict.equal, "rule": verdict.rule}
    if verdict.error is not None:
        shown |= {"line": verdict.line, "error": verdict.error}
    return json.dumps(shown)


def named(verdicts: Iterable[LineVerdict], tell: Callable[[str], object]) -> Iterator[LineVerdict]:
    """The verdicts, with `tell` called for each line that cannot be graded.

    Raises UserError at the end where no line could be.
    """
    read = graded = 0
    for verdict in verdicts:
        read += 1
        if verdict.error is None:
            graded += 1
        else:
            tell(verdict.error)
        yield verdict
    if read and not graded:
        raise UserError(
            f"none of the {read} lines could be graded; JSON objects with gold and predicted were expected. "
            f"Look at the lines named above."
        )


def summary(verdicts: Iterable[LineVerdict]) -> str:
    """For people: how many are equal, and how many each rule decided, the most frequent first."""
    counts = Counter((verdict.equal, verdict.rule) for verdict in verdicts)
    total = sum(counts.values())
    if total == 0:
        return "no lines"
    right = sum(count for (is_equal, _), count in counts.items() if is_equal)
    lines = [f"{right} of {total} equal ({100 * right / total:.2f} %)", ""]
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    lines += [
        f"{'equal' if is_equal else 'different':9}  {rule:24} {count:8}" for (is_equal, rule), count in ranked
    ]
    return "\n".join(lines)
