"""The evaluation tables: accuracies with 95 % intervals, two models compared on the same items.

Promises: intervals are percentile bootstraps over items with a stated seed; the macro average over families
gives each family the same weight in prose and by program, and its interval draws families; a paired
difference is tested by the exact McNemar test. Costs: a second for some thousand responses.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.evaluation.mcnemar import exact_p_value
from jz3.evaluation.sampling import by_samples
from jz3.tables.comparison import Comparison
from jz3.tables.score_row import ScoreRow

Floats = NDArray[np.float64]

COVERED, UNCOVERED = "covered", "not covered"


class TabulateParams(Params):
    """How the tables are made."""

    seed: int
    resamples: int = Field(ge=100)
    """Of each bootstrap."""
    published: list[str]
    """Models of `data/raw/published/accuracies.csv` that stand beside ours."""
    families: str
    """The benchmark whose subjects are problem families; its macro average over them is the headline."""


class TabulateMetrics(BaseModel):
    """Per cent, by model."""

    macro_over_families: dict[str, float]
    covered: dict[str, float]
    not_covered: dict[str, float]
    prose: dict[str, float]
    tool: dict[str, float]
    """The last four: of the benchmark of families, by coverage and by setting."""
    mean_over_benchmarks: dict[str, float]


def tabulate(
    grades: pl.DataFrame, covered_subjects: frozenset[str], params: TabulateParams
) -> tuple[pl.DataFrame, pl.DataFrame, TabulateMetrics]:
    """Scores, comparisons of each pair of models, and the headline.

    `grades` holds the grades of all models, with a column `model`.
    """
    covered = pl.col("subject").is_in(sorted(covered_subjects))
    marked = grades.with_columns(
        coverage=pl.when(pl.col("subject").is_null())
        .then(None)
        .otherwise(pl.when(covered).then(pl.lit(COVERED)).otherwise(pl.lit(UNCOVERED)))
    )
    rows = [
        *_by(marked, "all", params),
        *(row for column in ("level", "subject", "coverage") for row in _by(marked, column, params)),
        *_samples(marked, params),
        *_averages(marked, params),
    ]
    scores = pl.DataFrame(rows, schema=ScoreRow.create_empty().schema)
    return scores, _comparisons(marked, params), _headline(scores, params)


def stack(models: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The grades of several models in one table."""
    return pl.concat([grades.with_columns(model=pl.lit(name)) for name, grades in models.items()])


def _by(grades: pl.DataFrame, column: str, params: TabulateParams) -> list[dict[str, Any]]:
    """A row for each model, setting, benchmark and value of a column; `all` takes them together."""
    named = grades.with_columns(pl.lit("all").alias("all")).filter(pl.col(column).is_not_null())
    keys = ["model", "setting", "benchmark", column]
    rows: list[dict[str, Any]] = []
    for values, group in named.group_by(keys, maintain_order=True):
        model, setting, benchmark, value = (str(part) for part in values)
        name = {
            "model": model,
            "setting": setting,
            "benchmark": benchmark,
            "group_by": column,
            "group": value,
        }
        rows.append(name | _score(group, params, "/".join(name.values())))
    return rows


def _score(group: pl.DataFrame, params: TabulateParams, name: str) -> dict[str, Any]:
    """Accuracies over items; several draws of one item count as their mean."""
    items = group.group_by("item_id").agg(
        pl.col("correct", "correct_lenient").mean(), pl.col("contamination").first()
    )
    items = items.sort("item_id")
    return _of_items(items, params, name) | usage(group)


def _of_items(items: pl.DataFrame, params: TabulateParams, name: str) -> dict[str, Any]:
    """Of a table with `correct`, `correct_lenient` and `contamination` for each item."""
    correct = _floats(items, "correct")
    clean = items.filter(pl.col("contamination") == "clean")
    low, high = interval(correct, params.resamples, draw_order(params.seed, name))
    checked = not (items["contamination"] == "unchecked").any()
    return {
        "items": items.height,
        "accuracy": 100 * float(correct.mean()),
        "low": low,
        "high": high,
        "accuracy_lenient": 100 * float(_floats(items, "correct_lenient").mean()),
        "clean_items": clean.height,
        "accuracy_clean": 100 * float(_floats(clean, "correct").mean()) if clean.height else None,
        "contamination": "checked" if checked else "unchecked",
    }


def _floats(table: pl.DataFrame, column: str) -> Floats:
    return table[column].to_numpy().astype(np.float64)


def usage(group: pl.DataFrame) -> dict[str, Any]:
    """What the responses of some grades took, and the certificate of the mix behind them."""
    return {
        "certificate": str(group["certificate"].first()),
        "responses": group.height,
        "prompt_tokens": int(group["prompt_tokens"].sum()),
        "completion_tokens": int(group["completion_tokens"].sum()),
        "truncated": int(group["truncated"].sum()),
    }


def _samples(grades: pl.DataFrame, params: TabulateParams) -> list[dict[str, Any]]:
    """pass@k and majority vote, where items were answered more than once."""
    rows: list[dict[str, Any]] = []
    for values, group in grades.group_by("model", "setting", "benchmark", maintain_order=True):
        model, setting, benchmark = (str(part) for part in values)
        for kind, items in by_samples(group).items():
            name = {
                "model": model,
                "setting": setting,
                "benchmark": benchmark,
                "group_by": "samples",
                "group": kind,
            }
            rows.append(name | _of_items(items, params, "/".join(name.values())) | usage(group))
    return rows


def interval(values: Floats, resamples: int, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean, in per cent."""
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return 100 * float(low), 100 * float(high)


def _averages(grades: pl.DataFrame, params: TabulateParams) -> list[dict[str, Any]]:
    """Means of means: over families and settings, and over benchmarks and settings."""
    of_families = grades.filter(pl.col("benchmark") == params.families)
    return [
        *_average(of_families, "subject", params.families, "macro over families", params),
        *_average(grades, "benchmark", "all benchmarks", "mean over benchmarks", params),
    ]


def _average(
    grades: pl.DataFrame, unit: str, benchmark: str, group: str, params: TabulateParams
) -> list[dict[str, Any]]:
    """The mean over units, each the mean of its settings; the interval draws units."""
    rows: list[dict[str, Any]] = []
    for (model,), of_model in grades.group_by("model", maintain_order=True):
        # Sorted before every mean: the last digit of a sum hangs on its order.
        cells = of_model.group_by(unit, "setting").agg(pl.col("correct", "correct_lenient").mean())
        cells = cells.sort(unit, "setting")
        units = cells.group_by(unit).agg(pl.col("correct", "correct_lenient").mean()).sort(unit)
        values = units["correct"].to_numpy().astype(np.float64)
        low, high = interval(values, params.resamples, draw_order(params.seed, f"{model}/{group}"))
        clean = of_model.filter(pl.col("contamination") == "clean")
        clean_cells = clean.group_by(unit, "setting").agg(pl.col("correct").mean()).sort(unit, "setting")
        clean_units = clean_cells.group_by(unit).agg(pl.col("correct").mean()).sort(unit)["correct"]
        unchecked = (of_model["contamination"] == "unchecked").any()
        rows.append(
            {
                "model": str(model),
                "setting": "both",
                "benchmark": benchmark,
                "group_by": "average",
                "group": group,
                "items": of_model["item_id"].n_unique(),
                "accuracy": 100 * float(values.mean()),
                "low": low,
                "high": high,
                "accuracy_lenient": 100 * float(units["correct_lenient"].to_numpy().mean()),
                "clean_items": clean["item_id"].n_unique(),
                "accuracy_clean": 100 * float(clean_units.to_numpy().mean()) if clean.height else None,
                "contamination": "unchecked" if unchecked else "checked",
            }
            | usage(of_model)
        )
    return rows


def _comparisons(grades: pl.DataFrame, params: TabulateParams) -> pl.DataFrame:
    """Each pair of models on each benchmark and setting."""
    models = grades["model"].unique(maintain_order=True).to_list()
    rows = [
        _comparison(str(benchmark), str(setting), group, model, against, params)
        for (benchmark, setting), group in grades.group_by(["benchmark", "setting"], maintain_order=True)
        for place, model in enumerate(models)
        for against in models[place + 1 :]
    ]
    return pl.DataFrame(rows, schema=Comparison.create_empty().schema)


def _comparison(
    benchmark: str, setting: str, group: pl.DataFrame, model: str, against: str, params: TabulateParams
) -> dict[str, Any]:
    def correct(name: str) -> pl.DataFrame:
        return group.filter(pl.col("model") == name).group_by("item_id").agg(pl.col("correct").mean())

    pairs = correct(model).join(correct(against), on="item_id", suffix="_against").sort("item_id")
    ours, theirs = (pairs[column].to_numpy().astype(np.float64) for column in ("correct", "correct_against"))
    seed = draw_order(params.seed, f"{benchmark}/{setting}/{model}/{against}")
    low, high = interval(ours - theirs, params.resamples, seed)
    return {
        "benchmark": benchmark,
        "setting": setting,
        "model": model,
        "against": against,
        "items": pairs.height,
        "difference": 100 * float((ours - theirs).mean()),
        "low": low,
        "high": high,
        "p_value": exact_p_value(int((ours > theirs).sum()), int((theirs > ours).sum())),
    }


def _headline(scores: pl.DataFrame, params: TabulateParams) -> TabulateMetrics:
    families = scores.filter(pl.col("benchmark") == params.families)

    def by_model(rows: pl.DataFrame) -> dict[str, float]:
        means = rows.group_by("model").agg(pl.col("accuracy").mean()).sort("model")
        return {model: round(accuracy, 4) for model, accuracy in means.iter_rows()}

    def group(name: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
        return lambda rows: rows.filter(pl.col("group") == name)

    everything = families.filter(pl.col("group_by") == "all")
    return TabulateMetrics(
        macro_over_families=by_model(group("macro over families")(families)),
        covered=by_model(group(COVERED)(families)),
        not_covered=by_model(group(UNCOVERED)(families)),
        prose=by_model(everything.filter(pl.col("setting") == "prose")),
        tool=by_model(everything.filter(pl.col("setting") == "tool")),
        mean_over_benchmarks=by_model(group("mean over benchmarks")(scores)),
    )
