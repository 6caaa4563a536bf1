"""Judges responses against the gold answers.

Promises: every verdict names its rule; strict and lenient extraction stand side by side; plain math-verify is
asked as a second opinion; each item says whether the certificate of the mix that the model was trained on
covers its benchmark and found it in the training data.
"""

from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from jz3.answers.equality import equal_with
from jz3.answers.extract import extract_choice, extract_lenient, extract_strict
from jz3.answers.symbolic import AnswerVerdict, Symbolic
from jz3.answers.values import Tolerance
from jz3.core.params import Params
from jz3.core.progress import progress
from jz3.evaluation.certificates import Contamination
from jz3.evaluation.templates import LETTERS
from jz3.tables.grade import Grade
from jz3.tables.ledger import Ledger


class GradeParams(Params):
    """What counts as equal; the rules are in docs/evaluation.md."""

    absolute_tolerance: float = Field(ge=0)
    """Of a decimal against a whole number."""
    relative_tolerance: float = Field(ge=0)
    """Of other decimals."""
    symbolic_seconds: float = Field(gt=0)
    """Time that sympy gets for one pair; after it the answers are different."""


class GradeMetrics(BaseModel):
    """Rows are responses. Shares are of all responses."""

    rows: Ledger
    answered: float
    """Responses from which strict extraction takes an answer."""
    correct: float
    correct_lenient: float
    disagreements: int
    """Responses on which plain math-verify gives another verdict."""
    by_rule: dict[str, int]
    certificates: dict[str, str]
    """Digest of the rows that each certificate covers, by name."""


def grade(
    responses: pl.DataFrame, items: pl.DataFrame, contamination: Contamination, params: GradeParams
) -> tuple[pl.DataFrame, GradeMetrics]:
    """A grade for each response."""
    rows = responses.join(items, on="item_id", how="left", suffix="_item").sort("response_id")
    tolerance = Tolerance(absolute=params.absolute_tolerance, relative=params.relative_tolerance)
    with Symbolic(params.symbolic_seconds) as symbolic:
        graded = [
            _grade(row, contamination, tolerance, symbolic)
            for row in progress(rows.iter_rows(named=True), "grade", rows.height, "responses")
        ]
    grades = pl.DataFrame(graded, schema=Grade.create_empty().schema)
    return grades, _metrics(grades, contamination)


def _grade(
    row: dict[str, Any], contamination: Contamination, tolerance: Tolerance, symbolic: Symbolic
) -> dict[str, Any]:
    if row["choices"]:
        strict = lenient = extract_choice(row["text"], LETTERS[: len(row["choices"])]).answer
    else:
        strict, lenient = extract_strict(row["text"]).answer, extract_lenient(row["text"]).answer
    verdict = _verdict(row["gold"], strict, tolerance, symbolic)
    return {
        "response_id": row["response_id"],
        "item_id": row["item_id"],
        "benchmark": row["benchmark"],
        "setting": row["setting"],
        "draw": row["draw"],
        "subject": row["subject"],
        "level": row["level"],
        "gold": row["gold"],
        "predicted": strict,
        "correct": verdict.equal,
        "correct_lenient": _verdict(row["gold"], lenient, tolerance, symbolic).equal,
        "rule": verdict.rule,
        "second_opinion": strict is not None and symbolic.second_opinion(row["gold"], strict).equal,
        "contamination": contamination.of(row["benchmark"], row["item_id"]),
    }


def _verdict(gold: str, predicted: str | None, tolerance: Tolerance, symbolic: Symbolic) -> AnswerVerdict:
    if predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    return equal_with(gold, predicted, tolerance, symbolic)


def _metrics(grades: pl.DataFrame, contamination: Contamination) -> GradeMetrics:
    def share(column: pl.Expr) -> float:
        return round(float(grades.select(column.mean()).item() or 0.0), 6)

    return GradeMetrics(
        rows=Ledger(read=grades.height, kept=grades.height, rejected={}, failed=0),
        answered=share(pl.col("predicted").is_not_null()),
        correct=share(pl.col("correct")),
        correct_lenient=share(pl.col("correct_lenient")),
        disagreements=grades.filter(pl.col("correct") != pl.col("second_opinion")).height,
        by_rule=dict(sorted(grades["rule"].value_counts().iter_rows())),
        certificates=contamination.certificates,
    )
