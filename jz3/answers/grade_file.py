"""`jz3 grade FILE.jsonl`: verdicts for anybody's file of answers or whole responses.

A line holds `gold`, `predicted` and perhaps `benchmark`, which decides the tolerance and whether the
answers are letters of choices. Verdicts come in the order of the lines, one by one, so a file of any length
passes through.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.equality import equal, equal_choices
from jz3.answers.choices import extract_choice
from jz3.answers.extract import NOTHING, extract_lenient
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import AnswerVerdict
from jz3.core.errors import UserError


@dataclass(frozen=True, slots=True)
class GradeLine:
    gold: str
    predicted: str
    benchmark: str | None


def grade_answers(path: Path) -> Iterator[AnswerVerdict]:
    """A verdict for each line of a file whose `predicted` are final answers. Raises UserError."""
    return (grade_answer(line) for line in read_lines(path))


def grade_responses(path: Path) -> Iterator[AnswerVerdict]:
    """A verdict for each line of a file whose `predicted` are whole responses. Raises UserError."""
    return (grade_response(line) for line in read_lines(path))


def grade_answer(line: GradeLine) -> AnswerVerdict:
    rules = rules_of(line.benchmark)
    if rules.letters:
        return equal_choices(line.gold, line.predicted)
    return equal(line.gold, line.predicted, rules.tolerance)


def grade_response(line: GradeLine) -> AnswerVerdict:
    """The verdict on the answer that lenient extraction finds; `no_answer` where it finds none."""
    rules = rules_of(line.benchmark)
    found = (
        extract_choice(line.predicted, rules.letters)
        if rules.letters
        else extract_lenient(line.predicted, form_of(line.gold))
    )
    if found is NOTHING or found.answer is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    return grade_answer(GradeLine(line.gold, found.answer, line.benchmark))


def read_lines(path: Path) -> Iterator[GradeLine]:
    """The lines of a file; blank ones are passed over. Raises UserError that names the malformed line."""
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; expected a file of JSON lines. Check the path."
        ) from error
    with file:
        try:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield _line(text, f"{path}, line {number}")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8; expected JSON lines in UTF-8. Convert the file.") from error


def _line(text: str, place: str) -> GradeLine:
    try:
        fields: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{place}: not JSON; expected an object a line. Mend the line.") from error
    if not isinstance(fields, dict):
        raise UserError(f"{place}: not an object; expected gold and predicted. Mend the line.")
    for name in ("gold", "predicted"):
        if not isinstance(fields.get(name), str | int | float) or isinstance(fields.get(name), bool):
            raise UserError(
                f"{place}: field {name} is missing or no text; expected a text or a number. Mend the line."
            )
    benchmark = fields.get("benchmark")
    if benchmark is not None and not isinstance(benchmark, str):
        raise UserError(f"{place}: field benchmark is no text; expected a name. Mend the line.")
    return GradeLine(str(fields["gold"]), str(fields["predicted"]), benchmark)


def as_json(verdict: AnswerVerdict) -> str:
    """One line: `{"equal": true, "rule": "number"}`."""
    return json.dumps({"equal": verdict.equal, "rule": verdict.rule})


def summary(verdicts: Iterable[AnswerVerdict]) -> str:
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
