r"""How each benchmark writes question and gold answer, and how they are read without damage.

The formats are those of the public files (counts: gsm8k 1319, math-oai 500, svamp 1000, asdiv 2215,
mawps 2065, carp_en 976, gsm-hard 1319, minerva_math 272, aqua 254, sat_math 32, mmlu_stem 3018, tabmwp 1000).
A gold answer is left as its authors wrote it; what is equal to it is the grader's business.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from jz3.tasks.raw import Row
from jz3.text.problem_text import last_boxed

Format = Literal[
    "gsm8k", "math", "math-oai", "svamp", "asdiv", "mawps", "carp_en", "gsm-hard", "minerva_math", "aqua",
    "sat_math", "mmlu_stem", "tabmwp", "lm_eval",
]  # fmt: skip

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class ItemText:
    """An item as a benchmark has it."""

    question: str
    gold: str
    choices: tuple[str, ...] | None = None
    subject: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class Unfit:
    """A row that is no item, by a rule."""

    rule: str


def number_text(value: float) -> str:
    """A number as digits: 145.0 is `145`, and 1e-05 is `0.00001`."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def _gsm8k(row: Row) -> ItemText:
    return ItemText(row["question"].strip(), gsm8k_gold(row["answer"]))


def gsm8k_gold(answer: str) -> str:
    """`... #### 1,200` gives `1200`. Raises ValueError where there is no mark."""
    _, mark, gold = answer.rpartition("####")
    if not mark:
        message = "the answer has no '####'"
        raise ValueError(message)
    return gold.strip().replace(",", "")


def _math(row: Row) -> ItemText:
    return ItemText(
        row["problem"].strip(), row["answer"].strip(), subject=row["subject"], level=str(row["level"])
    )


def _full_math(row: Row) -> ItemText:
    """A row of the whole MATH set, as its authors ship it: the answer is the last box of the solution."""
    gold = last_boxed(row["solution"])
    if gold is None:
        message = "the solution has no box"
        raise ValueError(message)
    level = row["level"].removeprefix("Level ").strip()
    return ItemText(row["problem"].strip(), gold.strip(), subject=row["type"], level=level)


def _svamp(row: Row) -> ItemText:
    body = row["Body"].strip()
    body = body if body.endswith(".") else f"{body}."
    return ItemText(
        f"{body} {row['Question'].strip()}", number_text(float(row["Answer"])), subject=row["Type"]
    )


def _asdiv(row: Row) -> ItemText | Unfit:
    if ";" in row["answer"]:
        return Unfit("several_answers")
    gold = re.sub(r"(?<=\S)\s+\([^()]*\)", "", row["answer"]).strip()
    hints = {"yes": "Yes or No", "no": "Yes or No", "true": "True or False", "false": "True or False"}
    hint = hints.get(gold.lower())
    question = f"{row['body'].strip()} {row['question'].strip()}"
    return ItemText(f"{question} ({hint})" if hint else question, gold, subject=row["solution_type"])


def _mawps(row: Row) -> ItemText:
    return ItemText(row["input"].strip(), number_text(float(row["target"])), subject=row["type"])


def _carp(row: Row) -> ItemText:
    gold = row["answer"].strip()
    for long, short in ((r"\neq", r"\ne"), (r"\leq", r"\le"), (r"\geq", r"\ge")):
        gold = re.sub(re.escape(long) + r"(?![A-Za-z])", lambda _, short=short: short, gold)
    return ItemText(row["content"].strip(), gold)


def _gsm_hard(row: Row) -> ItemText:
    return ItemText(row["input"].strip(), number_text(float(row["target"])))


def _minerva(row: Row) -> ItemText:
    gold = last_boxed(row["solution"])
    if gold is None:
        message = "the solution has no box"
        raise ValueError(message)
    return ItemText(row["problem"].strip(), gold, subject=row["type"])


def _aqua(row: Row) -> ItemText:
    choices = tuple(_unlettered(option, LETTERS[place]) for place, option in enumerate(row["options"]))
    return ItemText(row["question"].strip(), row["correct"].strip(), choices)


def _unlettered(option: str, letter: str) -> str:
    return re.sub(rf"^\s*\(?{letter}\)\s*", "", option).strip()


def _sat(row: Row) -> ItemText:
    found = re.split(r"(?:^|\s)\(?([A-E])\)\s*", row["options"])
    letters, choices = found[1::2], tuple(text.strip() for text in found[2::2])
    if letters != list(LETTERS[: len(letters)]) or len(letters) < 2:
        message = f"the options are lettered {letters}"
        raise ValueError(message)
    return ItemText(row["question"].strip(), row["Answer"].strip(), choices)


def _mmlu(row: Row) -> ItemText:
    subject = row["type"] if "type" in row else row["subject"]
    return ItemText(
        row["question"].strip(), LETTERS[int(row["answer"])], tuple(map(str, row["choices"])), subject
    )


def _tabmwp(row: Row) -> ItemText:
    title = f"Table: {row['table_title']}\n" if row.get("table_title") else ""
    options = f"\nOptions: {', '.join(row['choices'])}" if row.get("choices") else ""
    gold = str(row["answer"]).strip()
    if row["ans_type"] in ("integer_number", "decimal_number"):
        gold = _table_number(gold)
    return ItemText(f"{title}{row['table']}\n\n{row['question'].strip()}{options}", gold)


def _table_number(gold: str) -> str:
    """`1,200` is 1200, `3/4` is 0.75, `25%` is 0.25; a fraction without an end as decimal stays one."""
    percent = gold.endswith("%")
    value = Fraction(gold.replace(",", "").removesuffix("%").strip()) / (100 if percent else 1)
    if value.denominator == 1:
        return str(value.numerator)
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    return format(decimal.normalize(), "f") if Fraction(decimal) == value else str(value)


QUESTION_FIELDS = ("question", "problem", "query", "input", "content")


def _lm_eval(row: Row) -> ItemText:
    """A line of a `samples_*.jsonl` of lm-eval: the data set's row under `doc`, the gold under `target`."""
    document: Row = row["doc"]
    named = [document[name] for name in QUESTION_FIELDS if name in document]
    if not named:
        message = f"the document has none of {', '.join(QUESTION_FIELDS)}"
        raise ValueError(message)
    question = str(named[0]).strip()
    choices: Any = document.get("choices")
    if isinstance(choices, dict):
        choices = choices["text"]
    target = row["target"]
    if choices:
        place = int(target) if str(target).strip().isdigit() else None
        gold = LETTERS[place] if place is not None else str(target).strip(" ().")
        return ItemText(question, gold, tuple(map(str, choices)))
    gold = number_text(target) if isinstance(target, float) else str(target)
    gold = gsm8k_gold(gold) if "####" in gold else last_boxed(gold) or gold.strip()
    return ItemText(question, gold)


READERS: dict[Format, Callable[[Row], ItemText | Unfit]] = {
    "gsm8k": _gsm8k,
    "math": _full_math,
    "math-oai": _math,
    "svamp": _svamp,
    "asdiv": _asdiv,
    "mawps": _mawps,
    "carp_en": _carp,
    "gsm-hard": _gsm_hard,
    "minerva_math": _minerva,
    "aqua": _aqua,
    "sat_math": _sat,
    "mmlu_stem": _mmlu,
    "tabmwp": _tabmwp,
    "lm_eval": _lm_eval,
}
