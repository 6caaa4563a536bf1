"""The evaluation tables: accuracies with 95 % intervals, two models compared on the same items.

Promises: intervals are percentile bootstraps over items with a stated seed; the macro average over families
gives each family the same weight in prose and by program, and its interval draws families; a paired
difference is tested by the exact McNemar test. Costs: a second for some thousand responses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.evaluation.coverage import GROUPS, HELD, NOTHING, SEEDS, TEXTS, Ground
from jz3.evaluation.disagreements import disagreements_of
from jz3.evaluation.mcnemar import exact_p_value, least_lead
from jz3.evaluation.published import beside_published
from jz3.evaluation.sampling import VERDICTS, by_samples
from jz3.evaluation.shares import holm
from jz3.tables.comparison import Comparison
from jz3.tables.score_row import ScoreRow

Floats = NDArray[np.float64]

MACRO = "macro over families"
ALL = "all families"
ALL_ITEMS = "all"
"""As ScoreRow and Comparison call the items of a benchmark together."""


class TabulateParams(Params):
    """How the tables are made."""

    seed: Seed
    resamples: int = Field(ge=100)
    """Of each bootstrap."""
    published: list[str]
    """Models of `data/raw/published/accuracies.csv` that stand beside ours."""
    families: str
    """The benchmark whose subjects are problem families; its macro average over them is the headline."""
    test_families: str | None
    """The same of the test benchmarks, where they have one."""
    backward: str | None
    """The benchmark that asks them backward, where there is one."""
    test_backward: str | None
    """The same of the test benchmarks."""
    composed: str | None
    """The benchmark that joins two of them, where there is one."""
    test_composed: str | None
    """The same of the test benchmarks."""
    untaught: list[str]
    """Families that no data hold, as every teacher refuses them (`refuses` of its requests)."""

    @property
    def development(self) -> "OfFamilies":
        return OfFamilies(self.families, self.backward, self.composed)

    @property
    def test(self) -> "OfFamilies":
        return OfFamilies(self.test_families, self.test_backward, self.test_composed)


@dataclass(frozen=True)
class Compared:
    """What two models are compared on."""

    benchmark: str
    group: str
    setting: str


@dataclass(frozen=True)
class OfFamilies:
    """The benchmarks whose subjects are families, each None where there is none."""

    forward: str | None
    backward: str | None
    composed: str | None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.forward, self.backward, self.composed) if name is not None]


class TabulateMetrics(BaseModel):
    """Per cent, by model."""

    macro_over_families: dict[str, float]
    seeds_and_texts: dict[str, float]
    texts_alone: dict[str, float]
    no_data: dict[str, float]
    """These three: macro over the families of a group (jz3/evaluation/coverage.py)."""
    prose: dict[str, float]
    tool: dict[str, float]
    """These two: of the benchmark of families, by setting."""
    backward: dict[str, float]
    composed: dict[str, float]
    """Macro over families of the benchmarks that ask them so."""
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

    `grades` holds the grades of all models, with a column `model`; `rivals` are those that are compared, two
    by two: one of each training set, as another training seed is no rival; `seeds` are the families that
    seeds and instruction data hold; `of_families` are the benchmarks whose subjects are families; `published`
    is what `read_published` gives.
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
        "comparisons": _comparisons(marked.filter(pl.col("model").is_in(rivals)), families, params),
        "published": beside_published(scores, published),
        "disagreements": disagreements_of(grades),
    }


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
    items = group.group_by("item_id").agg(pl.col(VERDICTS).mean(), pl.col("contamination").first())
    items = items.sort("item_id")
    return _of_items(items, params, name) | usage(group)


def _of_items(items: pl.DataFrame, params: TabulateParams, name: str) -> dict[str, Any]:
    """Of a table with each of VERDICTS and `contamination` for each item."""
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
        "accuracy_math_verify": 100 * float(_floats(items, "second_opinion").mean()),
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
    """The mean over units, each the mean of its settings; the interval draws units."""
    rows: list[dict[str, Any]] = []
    drawn = group if group_by == "average" else f"{benchmark}/{group}"
    for (model,), of_model in grades.group_by("model", maintain_order=True):
        units = _units(of_model, unit)
        values = _floats(units, "correct")
        low, high = interval(values, params.resamples, draw_order(params.seed, f"{model}/{drawn}"))
        clean = of_model.filter(pl.col("contamination") == "clean")
        clean_values = _floats(_units(clean, unit), "correct")
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
                "accuracy_lenient": 100 * float(_floats(units, "correct_lenient").mean()),
                "accuracy_math_verify": 100 * float(_floats(units, "second_opinion").mean()),
                "clean_items": clean["item_id"].n_unique(),
                "accuracy_clean": 100 * float(clean_values.mean()) if clean.height else None,
                "contamination": "unchecked" if unchecked else "checked",
            }
            | usage(of_model)
        )
    return rows


def _units(grades: pl.DataFrame, unit: str) -> pl.DataFrame:
    """VERDICTS of each unit (family, benchmark), the mean of its settings."""
    # Sorted before every mean: the last digit of a sum hangs on its order.
    cells = grades.group_by(unit, "setting").agg(pl.col(VERDICTS).mean())
    cells = cells.sort(unit, "setting")
    return cells.group_by(unit).agg(pl.col(VERDICTS).mean()).sort(unit)


def _comparisons(grades: pl.DataFrame, families: str | None, params: TabulateParams) -> pl.DataFrame:
    """Each pair of models on each benchmark and setting, and over all families and those of each group."""
    rows = _of_group(grades, ALL_ITEMS, families, params)
    of_families = grades.filter(pl.col("benchmark") == families)
    for group in GROUPS:
        rows += _of_group(of_families.filter(pl.col("coverage") == group), group, families, params)
    return pl.DataFrame(rows, schema=Comparison.create_empty().schema)


def _of_group(
    grades: pl.DataFrame, group: str, families: str | None, params: TabulateParams
) -> list[dict[str, Any]]:
    rows = [
        row
        for (benchmark, setting), items in grades.group_by(["benchmark", "setting"], maintain_order=True)
        for row in _on_items(Compared(str(benchmark), group, str(setting)), items, params)
    ]
    of_families = grades.filter(pl.col("benchmark") == families)
    return rows + [_over_families(of_families, group, pair, params) for pair in _pairs(of_families)]


def _pairs(grades: pl.DataFrame) -> list[tuple[str, str]]:
    return list(combinations(grades["model"].unique(maintain_order=True).to_list(), 2))


def _on_items(on: Compared, items: pl.DataFrame, params: TabulateParams) -> list[dict[str, Any]]:
    """Each pair of models on one benchmark in one setting, with p-values corrected for the pairs."""
    rows = [_comparison(on, items, pair, params) for pair in _pairs(items)]
    corrected = holm([row["p_value"] for row in rows])
    return [row | {"p_holm": p_holm} for row, p_holm in zip(rows, corrected, strict=True)]


def _comparison(
    on: Compared, items: pl.DataFrame, pair: tuple[str, str], params: TabulateParams
) -> dict[str, Any]:
    ours, theirs = _paired(
        lambda name: (
            items.filter(pl.col("model") == name)
            .group_by("item_id")
            .agg(pl.col("correct").mean())
            .sort("item_id")
        ),
        pair,
    )
    wins, losses = int((ours > theirs).sum()), int((theirs > ours).sum())
    lead = least_lead(wins + losses)
    return _difference(ours - theirs, on, pair, params) | {
        "items": len(ours),
        "p_value": exact_p_value(wins, losses),
        "least_difference": None if lead is None else 100 * lead / len(ours),
    }


def _over_families(
    grades: pl.DataFrame, group: str, pair: tuple[str, str], params: TabulateParams
) -> dict[str, Any]:
    """Two macro averages; the interval draws families, and takes each with the answers of both models."""
    ours, theirs = _paired(lambda name: _units(grades.filter(pl.col("model") == name), "subject"), pair)
    on = Compared(str(grades["benchmark"].first()), group, "both")
    return _difference(ours - theirs, on, pair, params) | {
        "items": grades["item_id"].n_unique(),
        "p_value": None,
        "p_holm": None,
        "least_difference": None,
    }


def _paired(units_of: Callable[[str], pl.DataFrame], pair: tuple[str, str]) -> tuple[Floats, Floats]:
    """`correct` of the units that both models answered, in one order."""
    first, second = (units_of(name) for name in pair)
    unit = first.columns[0]
    joined = first.join(second, on=unit, suffix="_against").sort(unit)
    return _floats(joined, "correct"), _floats(joined, "correct_against")


def _difference(
    differences: Floats, on: Compared, pair: tuple[str, str], params: TabulateParams
) -> dict[str, Any]:
    of_group = () if on.group == ALL_ITEMS else (on.group,)
    seed = draw_order(params.seed, "/".join((on.benchmark, on.setting, *of_group, *pair)))
    low, high = interval(differences, params.resamples, seed)
    return {
        "benchmark": on.benchmark,
        "group": on.group,
        "setting": on.setting,
        "model": pair[0],
        "against": pair[1],
        "difference": 100 * float(differences.mean()),
        "low": low,
        "high": high,
    }


def headline_of(scores: pl.DataFrame, params: TabulateParams) -> TabulateMetrics:
    """What stands in the metrics, of the development benchmarks' scores."""
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
