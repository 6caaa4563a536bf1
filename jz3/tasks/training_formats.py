r"""How others' training sets write question and solution.

gsm8k: `question`, `answer` with calculator marks `<<3*4=12>>` and a last line `#### 12`. math: `problem`,
`solution` with the answer in its last box, `type` or `subject`. sft: `input` with a heading, `output`. For
any other set, the parameters name the fields.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jz3.tasks.fields import SolvedFields, gold_of, gsm8k_gold, needed, noted, text_of
from jz3.tasks.raw import Row
from jz3.text.problem_text import last_boxed

TrainingFormat = Literal["gsm8k", "math", "sft"]


@dataclass(frozen=True)
class Solved:
    """A question with its solution."""

    kind: Literal["cot", "tool"]
    question: str
    solution: str
    answer: str | None
    subject: str | None = None
    level: str | None = None
    """One of our levels; null if the data do not say (MATH's levels 1 to 5 are not ours)."""


def _gsm8k(row: Row) -> Solved:
    """Calculator marks are removed; the last line becomes a sentence with a box, as in other solutions."""
    answer = gsm8k_gold(row["answer"])
    steps = re.sub(r"<<[^<>]*>>", "", row["answer"].rpartition("####")[0]).strip()
    return Solved("cot", row["question"].strip(), f"{steps}\nThe answer is $\\boxed{{{answer}}}$.", answer)


def _math(row: Row) -> Solved:
    subject = row.get("type") or row.get("subject")
    solution = row["solution"].strip()
    return Solved("cot", row["problem"].strip(), solution, last_boxed(solution), subject)


def _sft(row: Row) -> Solved:
    found = re.fullmatch(
        r"## Question\n(.*)\n\n## (Code Solution|Step-by-Step Solution|Solution)\s*", row["input"], re.DOTALL
    )
    if not found:
        message = "the input has no headings '## Question' and '## Solution'"
        raise ValueError(message)
    solution = row["output"].strip()
    kind = "tool" if found[2] == "Code Solution" else "cot"
    return Solved(kind, found[1].strip(), solution, last_boxed(solution))


def _fields(row: Row, fields: SolvedFields) -> Solved:
    solution = text_of(row, fields.solution)
    answer = last_boxed(solution) if fields.answer is None else gold_of(needed(row, fields.answer))
    return Solved(fields.kind, text_of(row, fields.question), solution, answer, noted(row, fields.subject))


def read_solved(row: Row, form: TrainingFormat | SolvedFields) -> Solved:
    """The question and solution of a row. Raises KeyError, TypeError, ValueError or AttributeError for a row
    in another format.
    """
    return _fields(row, form) if isinstance(form, SolvedFields) else READERS[form](row)


READERS: dict[TrainingFormat, Callable[[Row], Solved]] = {"gsm8k": _gsm8k, "math": _math, "sft": _sft}
