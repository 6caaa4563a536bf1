"""Judges responses against the gold answers.

Promises: every verdict names its rule; results of strict and lenient extraction are side by side; plain
math-verify gives a second opinion; for each item, the grade says whether the certificate of the model's mix
covers the benchmark and whether it found the item in the training data.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal_with
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import AnswerVerdict, Symbolic
from jz3.answers.values import Tolerance
from jz3.core.errors import UserError
from jz3.core.params import Params
from jz3.core.progress import progress
from jz3.evaluation.certificates import Contamination
from jz3.evaluation.letters import LETTERS
from jz3.tables.grade import Grade
from jz3.tables.ledger import Ledger


class GradeParams(Params):
    """What counts as equal; the rules are in docs/evaluation.md."""

    symbolic_seconds: float = Field(gt=0)
    """CPU seconds that sympy gets for one pair; after that the answers count as different."""
    test: list[str]
    """Benchmarks whose grades are kept apart, so that no figure by which choices are made includes them."""


class GradeMetrics(BaseModel):
    """Rows are all responses; all other figures leave out those to test benchmarks."""

    rows: Ledger
    answered: float
    """Responses from which strict extraction takes an answer."""
    correct: float
    correct_lenient: float
    disagreements: int
    """Responses on which plain math-verify and our rules disagree."""
    by_rule: dict[str, int]
    certificates: dict[str, str]
    """Digest of the rows that each certificate covers, by name."""


def grade(
    responses: pl.DataFrame, items: pl.DataFrame, contamination: Contamination, params: GradeParams
) -> tuple[pl.DataFrame, GradeMetrics]:
    """A grade for each response, and the metrics of those to development benchmarks.

    Raises UserError if a benchmark of `params.test` has no response.
    """
    rows = responses.join(items, on="item_id", how="left", suffix="_item").sort("item_id", "setting", "draw")
    _check_answered(rows["benchmark"], params)
    earlier: list[dict[str, Any]] = []
    graded: list[dict[str, Any]] = []
    with Symbolic(params.symbolic_seconds) as symbolic:
        for row in progress(rows.iter_rows(named=True), "grade", rows.height, "responses"):
            if earlier and not _same_item(earlier[0], row):
                earlier.clear()
            judged = _grade(row, contamination, symbolic)
            judged["same_as"] = _same_as(judged, earlier, symbolic)
            earlier.append(judged)
            graded.append(judged)
    grades = pl.DataFrame(graded, schema=Grade.create_empty().schema)
    development, _ = apart(grades, params)
    return grades, _metrics(development, grades.height, contamination)


def apart(grades: pl.DataFrame, params: GradeParams) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The grades of development benchmarks, and those of test benchmarks."""
    of_test = pl.col("benchmark").is_in(params.test)
    return grades.filter(~of_test), grades.filter(of_test)


def _check_answered(benchmarks: pl.Series, params: GradeParams) -> None:
    """Raise UserError for a test benchmark without responses: a misspelt one would influence choices."""
    missing = sorted(set(params.test) - set(benchmarks))
    if missing:
        raise UserError(
            f"grade.test names {', '.join(missing)}, to which there is no response; benchmarks that `answer` "
            f"asks were expected. Add them to answer.prose.benchmarks or answer.tool.benchmarks, or take "
            f"them out of grade.test."
        )


def _same_item(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return (a["item_id"], a["setting"]) == (b["item_id"], b["setting"])


def _grade(row: dict[str, Any], contamination: Contamination, symbolic: Symbolic) -> dict[str, Any]:
    if row["choices"]:
        strict = lenient = extract_choice(row["text"], LETTERS[: len(row["choices"])]).answer
    else:
        strict, lenient = (
            extract_strict(row["text"]).answer,
            extract_lenient(row["text"], form_of(row["gold"])).answer,
        )
    tolerance = rules_of(row["benchmark"]).tolerance
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
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "truncated": row["finish_reason"] == "length",
        "certificate": contamination.name,
        "contamination": contamination.of(row["benchmark"], row["item_id"]),
    }


def _same_as(row: dict[str, Any], earlier: Sequence[dict[str, Any]], symbolic: Symbolic) -> int | None:
    """The first draw of the same item with an equal answer: a majority vote counts these."""
    if row["predicted"] is None:
        return None
    tolerance = rules_of(row["benchmark"]).tolerance
    for other in earlier:
        if other["same_as"] == other["draw"] and (
            equal_with(other["predicted"], row["predicted"], tolerance, symbolic).equal
        ):
            return other["draw"]
    return row["draw"]


def _verdict(gold: str, predicted: str | None, tolerance: Tolerance, symbolic: Symbolic) -> AnswerVerdict:
    if predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    return equal_with(gold, predicted, tolerance, symbolic)


def _metrics(grades: pl.DataFrame, responses: int, contamination: Contamination) -> GradeMetrics:
    def share(column: pl.Expr) -> float:
        return round(float(grades.select(column.mean()).item() or 0.0), 6)

    return GradeMetrics(
        rows=Ledger(read=responses, kept=responses, rejected={}, failed=0),
        answered=share(pl.col("predicted").is_not_null()),
        correct=share(pl.col("correct")),
        correct_lenient=share(pl.col("correct_lenient")),
        disagreements=grades.filter(pl.col("correct") != pl.col("second_opinion")).height,
        by_rule=dict(sorted(grades["rule"].value_counts().iter_rows())),
        certificates=contamination.certificates,
    )
