"""The evaluation tables: accuracies with 95 % intervals, and two models compared on the same items.

Promises: intervals are percentile bootstraps over items with a given seed; the macro average over families
gives each family the same weight in prose and by program, and its interval resamples families; a paired
difference is tested by the exact McNemar test. Costs a second for some thousand responses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.evaluation.comparisons import comparisons
from jz3.evaluation.coverage import GROUPS, HELD, NOTHING, SEEDS, TEXTS, Ground
from jz3.evaluation.disagreements import disagreements_of
from jz3.evaluation.intervals import Resampling, floats, interval, unit_means
from jz3.evaluation.published import beside_published
from jz3.evaluation.sampling import VERDICTS, by_samples
from jz3.tables.score_row import ScoreRow

MACRO = "macro over families"
ALL = "all families"


class TabulateParams(Params):
    """How the tables are made."""

    seed: Seed
    resamples: int = Field(ge=100)
    """The number of resamples of each bootstrap."""
    published: list[str]
    """Models of `data/raw/published/accuracies.csv` to show beside ours."""
    families: str
    """The benchmark whose subjects are problem families; its macro average over them is the headline."""
    test_families: str | None
    """The counterpart of `families` among the test benchmarks; null if there is none."""
    backward: str | None
    """The benchmark that asks the families backward; null if there is none."""
    test_backward: str | None
    """The counterpart of `backward` among the test benchmarks."""
    composed: str | None
    """The benchmark that joins two families per item; null if there is none."""
    test_composed: str | None
    """The counterpart of `composed` among the test benchmarks."""
    untaught: list[str]
    """Families that no data hold, because every teacher refuses them (`refuses` of its requests)."""

    @property
    def development(self) -> "OfFamilies":
        return OfFamilies(self.families, self.backward, self.composed)

    @property
    def test(self) -> "OfFamilies":
        return OfFamilies(self.test_families, self.test_backward, self.test_composed)


@dataclass(frozen=True)
class OfFamilies:
    """The benchmarks whose subjects are families; None for each that does not exist."""

    forward: str | None
    backward: str | None
    composed: str | None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.forward, self.backward, self.composed) if name is not None]


class TabulateMetrics(BaseModel):
    """Accuracies in per cent, by model."""

    macro_over_families: dict[str, float]
    seeds_and_texts: dict[str, float]
    texts_alone: dict[str, float]
    no_data: dict[str, float]
    """These three are macro averages over the families of a group (jz3/evaluation/coverage.py)."""
    prose: dict[str, float]
    tool: dict[str, float]
    """These two are accuracies on the benchmark of families, by setting."""
    backward: dict[str, float]
    composed: dict[str, float]
    """Macro averages over families, asked backward and joined."""
    mean_over_benchmarks: dict[str, float]


def tabulate(
    grades: pl.DataFrame,
    seeds: frozenset[str],
    of_families: OfFamilies,
    published: pl.DataFrame,
    rivals: Sequence[str],
    params: TabulateParams,
) -> dict[str, pl.DataFrame]:
    """Tables of ScoreRow, Comparison, PublishedRow and Disagreement: `scores`, `comparisons`, `published` and
    `disagreements`.

    - `grades`: the grades of all models, with a column `model`.
    - `rivals`: the models that are compared, two by two: one of each training set, because models that differ
      only in their training seed are no rivals.
    - `seeds`: the families that seeds and instruction data hold.
    - `of_families`: the benchmarks whose subjects are families.
    - `published`: the result of `read_published`.
    """
    families = of_families.forward
    marked = Ground(seeds, frozenset(params.untaught), of_families.names).marked(grades)
    rows = [
        *_by(marked, "all", params),
        *(row for column in ("level", "subject", "coverage") for row in _by(marked, column, params)),
        *_samples(marked, params),
        *_averages(marked, families, params),
        *(row for name in of_families.names for row in _macros(marked, name, params)),
    ]
    scores = pl.DataFrame(rows, schema=ScoreRow.create_empty().schema)
    return {
        "scores": scores,
        "comparisons": comparisons(
            marked.filter(pl.col("model").is_in(rivals)),
            families,
            Resampling(params.seed, params.resamples),
        ),
        "published": beside_published(scores, published),
        "disagreements": disagreements_of(grades),
    }


def stack(models: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The grades of several models in one table."""
    return pl.concat([grades.with_columns(model=pl.lit(name)) for name, grades in models.items()])


def _by(grades: pl.DataFrame, column: str, params: TabulateParams) -> list[dict[str, Any]]:
    """A row for each model, setting, benchmark and value of a column; `all` combines them.

    Several draws of one item count as their mean. Items and usage are counted for all groups at once, since
    there are thousands.
    """
    named = grades.with_columns(pl.lit("all").alias("all")).filter(pl.col(column).is_not_null())
    keys = ["model", "setting", "benchmark", column]
    groups = named.group_by(keys, maintain_order=True).agg(USAGE).with_row_index("group_number")
    items = (
        named.group_by(*keys, "item_id")
        .agg(pl.col(VERDICTS).mean(), pl.col("contamination").first())
        .join(groups.select(*keys, "group_number"), on=keys)
        .sort("group_number", "item_id")
    )
    rows: list[dict[str, Any]] = []
    for group, of_group in zip(
        groups.iter_rows(named=True), items.partition_by("group_number", maintain_order=True), strict=True
    ):
        name = {
            "model": str(group["model"]),
            "setting": str(group["setting"]),
            "benchmark": str(group["benchmark"]),
            "group_by": column,
            "group": str(group[column]),
        }
        used = {count: value for count, value in group.items() if count not in (*keys, "group_number")}
        rows.append(name | _of_items(of_group, params, "/".join(name.values())) | used)
    return rows


def _of_items(items: pl.DataFrame, params: TabulateParams, name: str) -> dict[str, Any]:
    """Scores from a table that has each of VERDICTS and `contamination` for each item."""
    correct = floats(items, "correct")
    clean = items.filter(pl.col("contamination") == "clean")
    low, high = interval(correct, params.resamples, draw_order(params.seed, name))
    checked = not (items["contamination"] == "unchecked").any()
    return {
        "items": items.height,
        "accuracy": 100 * float(correct.mean()),
        "low": low,
        "high": high,
        "accuracy_lenient": 100 * float(floats(items, "correct_lenient").mean()),
        "accuracy_math_verify": 100 * float(floats(items, "second_opinion").mean()),
        "clean_items": clean.height,
        "accuracy_clean": 100 * float(floats(clean, "correct").mean()) if clean.height else None,
        "contamination": "checked" if checked else "unchecked",
    }


USAGE = (
    pl.col("certificate").cast(pl.String).first(),
    pl.len().alias("responses"),
    pl.col("prompt_tokens", "completion_tokens").sum(),
    pl.col("truncated").sum().cast(pl.Int64),
)
"""The tokens that the responses of some grades took, and the certificate of the mix behind them."""


def usage(group: pl.DataFrame) -> dict[str, Any]:
    """USAGE of one group."""
    return group.select(USAGE).row(0, named=True)


def _samples(grades: pl.DataFrame, params: TabulateParams) -> list[dict[str, Any]]:
    """pass@k and majority vote, if items were answered more than once."""
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


def _averages(grades: pl.DataFrame, families: str | None, params: TabulateParams) -> list[dict[str, Any]]:
    """Means of means: over families and settings, and over benchmarks and settings."""
    of_families = grades.filter(pl.col("benchmark") == families)
    return [
        *_average(of_families, "subject", str(families), MACRO, params),
        *_average(grades, "benchmark", "all benchmarks", "mean over benchmarks", params),
    ]


def _macros(grades: pl.DataFrame, benchmark: str, params: TabulateParams) -> list[dict[str, Any]]:
    """Macro averages over all families of a benchmark, and over those of each group."""
    of_benchmark = grades.filter(pl.col("benchmark") == benchmark)
    parts = {HELD: (SEEDS, TEXTS), **{group: (group,) for group in GROUPS}}
    named = {ALL: of_benchmark} | {
        name: of_benchmark.filter(pl.col("coverage").is_in(groups)) for name, groups in parts.items()
    }
    return [
        row
        for name, part in named.items()
        for row in _average(part, "subject", benchmark, name, params, "macro")
    ]


def _average(
    grades: pl.DataFrame,
    unit: str,
    benchmark: str,
    group: str,
    params: TabulateParams,
    group_by: str = "average",
) -> list[dict[str, Any]]:
    """The mean over units, each the mean of its settings; the interval resamples units."""
    rows: list[dict[str, Any]] = []
    drawn = group if group_by == "average" else f"{benchmark}/{group}"
    for (model,), of_model in grades.group_by("model", maintain_order=True):
        units = unit_means(of_model, unit)
        values = floats(units, "correct")
        low, high = interval(values, params.resamples, draw_order(params.seed, f"{model}/{drawn}"))
        clean = of_model.filter(pl.col("contamination") == "clean")
        clean_values = floats(unit_means(clean, unit), "correct")
        unchecked = (of_model["contamination"] == "unchecked").any()
        rows.append(
            {
                "model": str(model),
                "setting": "both",
                "benchmark": benchmark,
                "group_by": group_by,
                "group": group,
                "items": of_model["item_id"].n_unique(),
                "accuracy": 100 * float(values.mean()),
                "low": low,
                "high": high,
                "accuracy_lenient": 100 * float(floats(units, "correct_lenient").mean()),
                "accuracy_math_verify": 100 * float(floats(units, "second_opinion").mean()),
                "clean_items": clean["item_id"].n_unique(),
                "accuracy_clean": 100 * float(clean_values.mean()) if clean.height else None,
                "contamination": "unchecked" if unchecked else "checked",
            }
            | usage(of_model)
        )
    return rows


def headline_of(scores: pl.DataFrame, params: TabulateParams) -> TabulateMetrics:
    """The metrics, from the scores on the development benchmarks."""
    families = scores.filter(pl.col("benchmark") == params.families)
    macros = scores.filter(pl.col("group_by") == "macro")

    def by_model(rows: pl.DataFrame) -> dict[str, float]:
        means = rows.group_by("model").agg(pl.col("accuracy").mean()).sort("model")
        return {model: round(accuracy, 4) for model, accuracy in means.iter_rows()}

    def macro(benchmark: str | None, group: str = ALL) -> dict[str, float]:
        of_benchmark = pl.col("benchmark") == pl.lit(benchmark, pl.String)
        return by_model(macros.filter(of_benchmark, group=group))

    everything = families.filter(pl.col("group_by") == "all")
    return TabulateMetrics(
        macro_over_families=by_model(families.filter(pl.col("group") == MACRO)),
        seeds_and_texts=macro(params.families, SEEDS),
        texts_alone=macro(params.families, TEXTS),
        no_data=macro(params.families, NOTHING),
        prose=by_model(everything.filter(pl.col("setting") == "prose")),
        tool=by_model(everything.filter(pl.col("setting") == "tool")),
        backward=macro(params.backward),
        composed=macro(params.composed),
        mean_over_benchmarks=by_model(scores.filter(pl.col("group") == "mean over benchmarks")),
    )
