"""What `select` chose: its spread beside that of the pool, values, checkpoints, and the texts at both ends.

Only the texts that are shown are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from jz3.core.artifacts import In
from jz3.report.markup import Html, classed, element, folded, joined, table
from jz3.report.samples import article, problem_values, whole
from jz3.report.writing import count
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt

EACH = 10  # issue: the ten best and the ten worst texts
BARS = 40  # chosen: wide enough to be seen
WIDTH, HEIGHT, BOTTOM = 640, 200, 24
"""Of the drawing of values, and of its margin, where the ends are named."""

WAYS = {
    "value": "those of highest value",
    "random": "drawn at random",
    "length_matched": "drawn at random, with solutions as long as those of the best",
    "highest_loss": "those of highest loss",
    "longest": "those with the longest solutions",
    "stratified": "those of highest value, each source and level by its share",
}


@dataclass(frozen=True)
class Extremes:
    """Problems of the prompts at either end, as `samples.whole` has them; and how many have a value."""

    best: pl.DataFrame
    worst: pl.DataFrame
    valued: int


def find_extremes(
    ranking: pl.DataFrame,
    problems: In[Problem],
    prompts: In[Prompt],
    passages: In[Passage],
    influence: In[InfluenceScore],
) -> Extremes:
    """Only the rows of EACH prompts at either end are read."""
    values = problem_values(influence)
    ranked = (
        ranking.filter(pl.col("place").is_not_null())
        .sort("value", "prompt_id", descending=[True, False])
        .select("prompt_id")
    )
    keys = problems.scan().select("problem_id", "prompt_id").collect().join(values, on="problem_id")

    def rows(of_prompts: pl.DataFrame) -> pl.DataFrame:
        drawn = of_prompts.with_row_index("place").join(keys, on="prompt_id").drop("prompt_id")
        return whole(drawn, problems, prompts, passages).sort("place", "problem_id")

    return Extremes(rows(ranked.head(EACH)), rows(ranked.reverse().head(EACH)), values.height)


def selection_section(measured: Mapping[str, Any], ranking: pl.DataFrame, extremes: Extremes) -> Html:
    """`measured` are the metrics of `select`; rows of `ranking` are RankedPrompt."""
    valued = ranking.filter(pl.col("place").is_not_null())
    return joined(
        [
            element("p", _summary(measured, valued)),
            _spread(measured["pool"], measured["selected"]),
            element("h3", "Values"),
            _histogram(valued),
            _quantiles(measured["pool_value"], measured["selected_value"]),
            element("h3", "Checkpoints"),
            _agreement(measured["agreement"]),
            element("h3", "Texts of highest value"),
            *_articles("best", extremes.best, extremes.valued),
            element("h3", "Texts of lowest value"),
            *_articles("worst", extremes.worst, extremes.valued),
        ]
    )


def _summary(measured: Mapping[str, Any], valued: pl.DataFrame) -> str:
    chosen = valued["rule"].null_count()
    tasks = ", ".join(f"{task} {count(rows)}" for task, rows in measured["best_task"].items())
    return (
        f"{count(chosen)} of {count(valued.height)} candidate prompts with a value were chosen: "
        f"{WAYS[measured['by']]}. Of these have their value from the task: {tasks or 'none'}."
    )


def _spread(pool: Mapping[str, int], selected: Mapping[str, int]) -> Html:
    """A line for each source, level, kind and length; lift is the share of the chosen over the pool's."""
    totals = {column: _total(pool, column) for column in ("source", "level", "kind", "length")}
    chosen = {column: _total(selected, column) for column in totals}
    lines: list[list[str]] = []
    for name, rows in pool.items():
        column, _, value = name.partition("/")
        share, mine = rows / totals[column], selected.get(name, 0)
        chosen_share = mine / chosen[column] if chosen[column] else 0.0
        shown = [
            count(rows),
            f"{share:.1%}",
            count(mine),
            f"{chosen_share:.1%}",
            f"{chosen_share / share:.2f}",
        ]
        lines.append([_COLUMNS[column], value, *shown])
    head = ["", "is", "pool", "share of the pool", "chosen", "share of the chosen", "lift"]
    return table(head, lines, frozenset(head[2:]))


_COLUMNS = {"source": "source", "level": "level", "kind": "kind", "length": "tokens of the solution"}


def _total(counts: Mapping[str, int], column: str) -> int:
    return sum(rows for name, rows in counts.items() if name.startswith(f"{column}/"))


def _quantiles(pool: Mapping[str, float], selected: Mapping[str, float]) -> Html:
    head = ["value", *(f"{float(share):.0%}" for share in pool)]
    lines = [
        [name, *(f"{value:.3g}" for value in values.values())]
        for name, values in (("pool", pool), ("chosen", selected))
        if values
    ]
    return table(head, lines, frozenset(head[1:])) if pool else element("p", "No prompt has a value.")


def _histogram(valued: pl.DataFrame) -> Html:
    """Prompts by value, the chosen ones before the pool."""
    if valued.is_empty():
        return Html()
    low, high = float(valued["value"].min()), float(valued["value"].max())  # pyright: ignore[reportArgumentType]
    width = (high - low) / BARS or 1.0
    binned = valued.select(
        "rule", place=((pl.col("value") - low) / width).floor().clip(0, BARS - 1).cast(pl.Int64)
    )
    pool = dict(binned.group_by("place").len().iter_rows())
    chosen = dict(binned.filter(pl.col("rule").is_null()).group_by("place").len().iter_rows())
    most = max(pool.values())
    bars = [
        _bar(place, rows[place] / most, name)
        for name, rows in (("pool", pool), ("chosen", chosen))
        for place in sorted(rows)
    ]
    ends = [
        element("text", f"{value:.3g}", attributes={"x": x, "y": HEIGHT - 6, "text-anchor": anchor})
        for value, x, anchor in ((low, 0, "start"), (high, WIDTH, "end"))
    ]
    attributes = {
        "viewBox": f"0 0 {WIDTH} {HEIGHT}",
        "class": "plot",
        "role": "img",
        "aria-label": "prompts by value, pool and chosen",
    }
    caption = f"Prompts by value: grey the pool, green the chosen; the highest bar is {count(most)} prompts"
    return element(
        "figure", element("svg", *bars, *ends, attributes=attributes), element("figcaption", caption)
    )


def _bar(place: int, share: float, name: str) -> Html:
    height = share * (HEIGHT - BOTTOM)
    attributes = {
        "x": f"{place * WIDTH / BARS + 1:.1f}",
        "y": f"{HEIGHT - BOTTOM - height:.1f}",
        "width": f"{WIDTH / BARS - 2:.1f}",
        "height": f"{height:.1f}",
        "class": name,
    }
    return element("rect", attributes=attributes)


def _agreement(agreement: Mapping[str, Mapping[str, float]]) -> Html:
    pairs = [
        [
            f"checkpoints {pair.replace('-', ' and ')}",
            "rank correlation of all values (Spearman)",
            f"{value:.3f}",
        ]
        for pair, value in agreement["spearman"].items()
    ]
    alone = [
        [
            f"checkpoint {number}",
            "of the best by all checkpoints, would be chosen by this alone",
            f"{share:.1%}",
        ]
        for number, share in agreement["chosen_alone"].items()
    ]
    return table(["of", "what", "is"], [*pairs, *alone], frozenset({"is"}))


def _articles(end: str, rows: pl.DataFrame, valued: int) -> list[Html]:
    shown = [
        article(f"{end} {number}, {row['level']}", row, valued)
        for number, row in enumerate(rows.iter_rows(named=True), start=1)
    ]
    return [classed("div", "texts", shown[0]), folded(f"{len(shown) - 1} more", *shown[1:])] if shown else []
