r"""How each benchmark writes question and gold answer, and how they are read without damage.

The formats are those of the public files (counts: gsm8k 1319, math-oai 500, svamp 1000, asdiv 2215,
mawps 2065, carp_en 976, gsm-hard 1319, minerva_math 272, aqua 254, sat_math 32, mmlu_stem 3018, tabmwp 1000;
aime 30 a year, amc23 40, olympiadbench 675 (English, open, without images, on mathematics), gaokao2023en 385,
college_math 2818).
A gold answer is left as its authors wrote it; what is equal to it is the grader's business.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from jz3.raw.files import field
from jz3.tasks.choices import choices_of, letter_of
from jz3.tasks.fields import ItemFields, gold_of, gsm8k_gold, needed, noted, number_text, text_of
from jz3.tasks.raw import Row
from jz3.text.problem_text import last_boxed

Format = Literal[
    "gsm8k", "math", "math-oai", "svamp", "asdiv", "mawps", "carp_en", "gsm-hard", "minerva_math", "aqua",
    "sat_math", "mmlu_stem", "tabmwp", "lm_eval", "aime", "amc23", "olympiadbench", "gaokao2023en",
    "college_math",
]  # fmt: skip


@dataclass(frozen=True)
class ItemText:
    """An item of a benchmark."""

    question: str
    gold: str
    choices: tuple[str, ...] | None = None
    subject: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class Unfit:
    """A row that is no item, with the rule."""

    rule: str
    evidence: str = ""
    """Its content; empty if the reader of the row knows it."""


def _gsm8k(row: Row) -> ItemText:
    return ItemText(row["question"].strip(), gsm8k_gold(row["answer"]))


def _math(row: Row) -> ItemText:
    return ItemText(
        row["problem"].strip(), row["answer"].strip(), subject=row["subject"], level=str(row["level"])
    )


def _full_math(row: Row) -> ItemText:
    """A row of the whole MATH set, as its authors publish it: the answer is the last box of the solution."""
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
    return _chosen(row["question"].strip(), row["options"], row["correct"])


def _sat(row: Row) -> ItemText:
    return _chosen(row["question"].strip(), row["options"], row["Answer"])


def _mmlu(row: Row) -> ItemText:
    subject = row["type"] if "type" in row else row["subject"]
    return _chosen(row["question"].strip(), row["choices"], _place(row["answer"]), subject)


def _place(gold: Any) -> Any:  # noqa: ANN401 (any JSON)
    """A place that is a text, as a number."""
    return int(gold) if isinstance(gold, str) and re.fullmatch(r"\s*-?[0-9]+\s*", gold) else gold


def _chosen(
    question: str,
    choices: Any,  # noqa: ANN401 (any JSON)
    gold: Any,  # noqa: ANN401 (any JSON)
    subject: str | None = None,
    level: str | None = None,
    first: int = 0,
) -> ItemText:
    found = choices_of(choices)
    return ItemText(question, letter_of(gold, found, first), found.texts, subject, level)


def _tabmwp(row: Row) -> ItemText:
    title = f"Table: {row['table_title']}\n" if row.get("table_title") else ""
    options = f"\nOptions: {', '.join(row['choices'])}" if row.get("choices") else ""
    gold = str(row["answer"]).strip()
    if row["ans_type"] in ("integer_number", "decimal_number"):
        gold = _table_number(gold)
    return ItemText(f"{title}{row['table']}\n\n{row['question'].strip()}{options}", gold)


def _table_number(gold: str) -> str:
    """`1,200` is 1200, `3/4` is 0.75, `25%` is 0.25; a fraction without a finite decimal stays one."""
    percent = gold.endswith("%")
    value = Fraction(gold.replace(",", "").removesuffix("%").strip()) / (100 if percent else 1)
    if value.denominator == 1:
        return str(value.numerator)
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    return format(decimal.normalize(), "f") if Fraction(decimal) == value else str(value)


QUESTION_FIELDS = ("question", "problem", "query", "input", "content")
CHOICE_FIELDS = ("choices", "options")
ANSWER_FIELDS = ("answer", "final_answer", "expected_answer")
SUBJECT_FIELDS = ("subject", "data_topic", "problem_type", "type")


def _field(row: Row, names: tuple[str, ...]) -> Any:  # noqa: ANN401 (any JSON)
    """The first field with one of the names, ignoring case; None if there is none."""
    lower = {name.lower(): value for name, value in row.items()}
    return next((lower[name] for name in names if lower.get(name) is not None), None)


def _question(row: Row) -> str:
    question = _field(row, QUESTION_FIELDS)
    if question is None:
        message = f"there is none of {', '.join(QUESTION_FIELDS)}"
        raise ValueError(message)
    return str(question).strip()


def _lm_eval(row: Row) -> ItemText:
    """A line of a `samples_*.jsonl` of lm-eval: the data set's row under `doc`, the gold under `target`."""
    document: Row = row["doc"]
    question, choices = _question(document), _field(document, CHOICE_FIELDS)
    target = row["target"]
    if not choices:
        return ItemText(question, gold_of(target))
    return _chosen(question, choices, _place(target))


def _competition(row: Row) -> ItemText:
    """Open questions of recent sets: `problem` or `question`; `answer`, or a solution with a box."""
    answer = _field(row, ANSWER_FIELDS)
    gold = gold_of(row["solution"] if answer is None else answer)
    subject = _field(row, SUBJECT_FIELDS)
    return ItemText(
        _question(row), gold, subject=None if subject is None else noted({"subject": subject}, "subject")
    )


def _aime(row: Row) -> ItemText:
    """Answers are whole numbers from 0 to 999; some files keep leading zeros."""
    item = _competition(row)
    if not re.fullmatch(r"[0-9]{1,3}", item.gold.strip("$ .")):
        message = f"the gold '{item.gold}' is no whole number from 0 to 999"
        raise ValueError(message)
    return ItemText(item.question, item.gold.strip("$ ."))


def _olympiad(row: Row) -> ItemText | Unfit:
    """Rows of OlympiadBench: proofs have no gold, and some need an image. Several answers are a list."""
    if str(row.get("modality", "")).startswith("Multi") or any(row.get(f"image_{n}") for n in range(1, 10)):
        return Unfit("needs_an_image")
    if not row["final_answer"]:
        return Unfit("no_gold")
    context = f"{row['context'].strip()}\n\n" if row.get("context") else ""
    return ItemText(
        context + row["question"].strip(), gold_of(row["final_answer"]), subject=noted(row, "subfield")
    )


def read_fields(row: Row, fields: ItemFields) -> ItemText:
    """Read a row by the names of its fields. Raises KeyError, TypeError or ValueError."""
    question = text_of(row, fields.question)
    subject, level = noted(row, fields.subject), noted(row, fields.level)
    answer = needed(row, fields.answer)
    match fields.choices:
        case None:
            return ItemText(question, gold_of(answer), None, subject, level)
        case str():
            choices = needed(row, fields.choices)
        case names:
            choices = [field(row, name) for name in names]
            while choices and choices[-1] in (None, ""):  # an item with fewer choices than others
                choices.pop()
    return _chosen(question, choices, answer, subject, level, fields.first_choice)


def read_item(row: Row, form: Format | ItemFields) -> ItemText | Unfit:
    """The item of a row; Unfit if it has no question or gold."""
    item = read_fields(row, form) if isinstance(form, ItemFields) else READERS[form](row)
    if isinstance(item, Unfit):
        return item
    if not item.question:
        return Unfit("no_question")
    return item if item.gold else Unfit("no_gold")


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
    "aime": _aime,
    "amc23": _competition,
    "olympiadbench": _olympiad,
    "gaokao2023en": _competition,
    "college_math": _competition,
}
