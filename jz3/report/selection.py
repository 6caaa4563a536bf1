"""What `select` chose: its composition beside the pool's, values, checkpoints, and the texts at both ends.

Only the texts that are shown are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import In
from jz3.core.fan_in import InTables
from jz3.report.candidates import article, problem_values, whole
from jz3.report.plots import ONE, SOFT, drawing, markup
from jz3.report.rendering import folded, joined, paragraph, render, table, titled
from jz3.report.writing import count
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.value import Value

EACH = 10  # issue: the ten best and the ten worst texts
BARS = 40  # chosen: wide enough to be seen
CLAIMED = (
    "As the synthesis model wrote them, before any program was run: an output is what the solution claims, "
    "and nobody has judged an answer."
)

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
    """Problems of the prompts at either end, as returned by `candidates.whole`; and how many have a value."""

    best: pl.DataFrame
    worst: pl.DataFrame
    valued: int


def find_extremes(
    ranking: pl.DataFrame,
    problems: In[Problem],
    prompts: In[Prompt],
    passages: In[Passage],
    of_problems: In[Value],
) -> Extremes:
    """The texts at either end; only the rows of EACH prompts are read for each."""
    values = problem_values(of_problems)
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


def values_of(tables: InTables[Value], measured: Mapping[str, Any]) -> dict[str, In[Value]]:
    """The values that each selection used: those of the method that its metrics name; if no problem has a
    value, the first table, which is then empty.
    """
    found = list(tables.tables().values())
    by_method = {method: table for table in found for method in _methods(table)}
    return {
        name.removeprefix("select/"): by_method.get(values["method"], found[0])
        for name, values in measured.items()
        if name.startswith("select/")
    }


def _methods(values: In[Value]) -> list[str]:
    return values.scan().select(pl.col("method").unique()).collect()["method"].to_list()


def selection_section(measured: Mapping[str, Any], ranking: pl.DataFrame, extremes: Extremes) -> Markup:
    """`measured` are the metrics of `select`; `ranking` has rows of RankedPrompt."""
    valued = ranking.filter(pl.col("place").is_not_null())
    values = (_histogram(valued), _quantiles(measured["pool_value"], measured["selected_value"]))
    return joined(
        [
            paragraph(_summary(measured, valued)),
            _spread(measured["pool"], measured["selected"]),
            titled("Values", *values),
            titled("Checkpoints", _agreement(measured["agreement"])),
            titled(
                "Texts of highest value",
                paragraph(CLAIMED, "note"),
                *_articles("best", extremes.best, extremes.valued),
            ),
            titled("Texts of lowest value", *_articles("worst", extremes.worst, extremes.valued)),
        ]
    )


def _summary(measured: Mapping[str, Any], valued: pl.DataFrame) -> str:
    chosen = valued["rule"].null_count()
    tasks = ", ".join(f"{task} {count(rows)}" for task, rows in measured["best_task"].items())
    from_tasks = f" Of these have their value from the task: {tasks}." if tasks else ""
    return (
        f"{count(chosen)} of {count(valued.height)} candidate prompts with a value by "
        f"{measured['method'] or 'no method'} were chosen: {WAYS[measured['by']]}.{from_tasks}"
    )


def _spread(pool: Mapping[str, int], selected: Mapping[str, int]) -> Markup:
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
    head = ["of the prompt", "is", "pool", "share of the pool", "chosen", "share of the chosen", "lift"]
    return table("Shares of the pool and of the chosen prompts", head, lines, frozenset(head[2:]))


_COLUMNS = {"source": "source", "level": "level", "kind": "kind", "length": "tokens of the solution"}


def _total(counts: Mapping[str, int], column: str) -> int:
    return sum(rows for name, rows in counts.items() if name.startswith(f"{column}/"))


def _quantiles(pool: Mapping[str, float], selected: Mapping[str, float]) -> Markup:
    head = ["value", *(f"{float(share):.0%}" for share in pool)]
    lines = [
        [name, *(f"{value:.3g}" for value in values.values())]
        for name, values in (("pool", pool), ("chosen", selected))
        if values
    ]
    if not pool:
        return paragraph("No prompt has a value.")
    return table("Quantiles of the value", head, lines, frozenset(head[1:]))


def _histogram(valued: pl.DataFrame) -> Markup:
    """Prompts by value, the chosen ones in front of the pool."""
    if valued.is_empty():
        return Markup()
    edges, pool, chosen = binned(valued)
    with drawing(7.2, 2.6) as figure:
        axes = figure.add_subplot()
        axes.stairs(pool, edges, fill=True, color=SOFT, alpha=0.45, label="pool")
        axes.stairs(chosen, edges, fill=True, color=ONE, label="chosen")
        axes.set_xlabel("value")
        axes.set_ylabel("prompts")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
        shown = markup(figure, "values", "prompts by value, pool and chosen")
    caption = "Prompts by value: all that have one, and the chosen ones among them."
    return render("figure.html", drawing=shown, caption=caption)


def binned(valued: pl.DataFrame) -> tuple[list[float], list[int], list[int]]:
    """Edges of BARS equal bins over the values, and the numbers of pool and chosen prompts in each."""
    low, high = float(valued["value"].min()), float(valued["value"].max())  # pyright: ignore[reportArgumentType]
    width = (high - low) / BARS or 1 / BARS
    places = valued.select(
        "rule", place=((pl.col("value") - low) / width).floor().clip(0, BARS - 1).cast(pl.Int64)
    )
    pool = dict(places.group_by("place").len().iter_rows())
    chosen = dict(places.filter(pl.col("rule").is_null()).group_by("place").len().iter_rows())
    edges = [low + width * place for place in range(BARS + 1)]
    bars = range(BARS)
    return edges, [pool.get(place, 0) for place in bars], [chosen.get(place, 0) for place in bars]


def _agreement(agreement: Mapping[str, Mapping[str, float]]) -> Markup:
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
    return table("How far checkpoints agree", ["of", "what", "is"], [*pairs, *alone], frozenset({"is"}))


def _articles(end: str, rows: pl.DataFrame, valued: int) -> list[Markup]:
    shown = [
        article(f"{end} {number}, {row['level']}", row, valued)
        for number, row in enumerate(rows.iter_rows(named=True), start=1)
    ]
    return [shown[0], folded(f"{len(shown) - 1} more", *shown[1:])] if shown else []
