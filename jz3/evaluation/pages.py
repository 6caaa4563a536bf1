"""The evaluation tables for people: Markdown and CSV."""

from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from jz3.core.artifacts import MANIFEST, OutDir
from jz3.tables.pages_manifest import PagesManifest

WHAT = {
    "arms": "what stands behind each model, and what it scores",
    "scores": "all scores",
    "comparisons": "models compared on the same items",
    "spread": "scores of each training set over its training seeds",
    "published": "our scores beside published ones",
    "disagreements": "responses on which plain math-verify gives another verdict",
    "costs": "requests, tokens and money by stage",
    "operators": "rows of each operator of a recipe, and those that it kept",
    "overlaps": "synthetic questions that two arms share",
}


def write_pages(tables: Mapping[str, pl.DataFrame], pages: OutDir[PagesManifest]) -> None:
    """Write the tables as a directory of files for people.

    `tables` are of Arm, ScoreRow, Comparison, SeedSpread, PublishedRow, Disagreement, Cost, OperatorYield and
    Overlap, by the names in `WHAT`; `scores` and `comparisons` must be among them.
    """
    files = {"summary.md": "the main tables"}
    with pages.open() as directory:
        for name, table in _in_order(tables).items():
            table.write_csv(directory / f"{name}.csv", float_precision=6 if name == "comparisons" else 2)
            (directory / f"{name}.md").write_text(_shown(name, table), encoding="utf-8")
            files |= {f"{name}.{ending}": WHAT[name] for ending in ("csv", "md")}
        (directory / "summary.md").write_text(summary(tables), encoding="utf-8")
        (directory / MANIFEST).write_text(PagesManifest(files=files).model_dump_json(indent=2) + "\n")


def _in_order(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables in the order of `WHAT`, with their rows in an order for readers."""
    sorted_by = {
        "scores": ("group_by", "benchmark", "group", "setting", "model"),
        "comparisons": ("benchmark", "group", "setting", "model", "against"),
    }
    return {
        name: tables[name].sort(sorted_by[name]) if name in sorted_by else tables[name]
        for name in WHAT
        if name in tables
    }


def _shown(name: str, table: pl.DataFrame) -> str:
    if name == "comparisons":
        return _comparisons_table(table)
    if name == "arms":
        return _arms_table(table)
    digits = {"scores": 1, "spread": 1, "published": 1, "operators": 3}
    return _markdown(table.with_columns(cs.float().round(digits[name])) if name in digits else table)


def summary(tables: Mapping[str, pl.DataFrame]) -> str:
    """The main tables in Markdown; `tables` as in `write_pages`."""
    in_order = _in_order(tables)
    shown = {name: _shown(name, table) for name, table in in_order.items()}
    scores = in_order["scores"]
    if scores.is_empty():
        return "No response was graded: `grade.test` of params.yaml names no benchmark.\n"
    parts = [
        ("Averages", scores.filter(pl.col("group_by") == "average")),
        ("Benchmarks", scores.filter(pl.col("group_by") == "all")),
        ("Several answers to each item", scores.filter(pl.col("group_by") == "samples")),
        ("Macro over families, by what the data hold of them", scores.filter(pl.col("group_by") == "macro")),
        ("By what the data hold of the family", scores.filter(pl.col("group_by") == "coverage")),
        ("By level", scores.filter(pl.col("group_by") == "level")),
    ]
    written = [f"## Arms\n\n{shown['arms']}"] if "arms" in shown else []
    written += [f"## {title}\n\n{_wide(rows)}" for title, rows in parts if rows.height]
    if "spread" in in_order and (several := in_order["spread"].filter(pl.col("models") > 1)).height:
        written.append(f"## Spread over training seeds\n\n{_shown('spread', several)}")
    written.append(f"## Models compared\n\n{_comparisons_table(_main(in_order['comparisons']))}")
    written.append(f"## Length of answers\n\n{_lengths(scores)}")
    titles = {
        "published": "Beside published figures",
        "costs": "Requests and tokens",
        "operators": "Kept by operator",
        "overlaps": "Questions in common",
    }
    written += [
        f"## {title}\n\n{shown[name]}"
        for name, title in titles.items()
        if name in in_order and in_order[name].height
    ]
    written.append(f"## Certificates\n\n{_certificates(scores)}")
    return "\n".join(written)


def _arms_table(arms: pl.DataFrame) -> str:
    """A line for each figure, a column for each model."""
    names = [name for name in arms.columns if name != "model"]
    lines = {
        "figure": [name.replace("_", " ") for name in names],
        **{row["model"]: [_figure(row[name]) for name in names] for row in arms.iter_rows(named=True)},
    }
    return _markdown(pl.DataFrame(lines))


def _figure(value: float | bool | None) -> str | None:  # noqa: FBT001 (a cell of a table)
    return f"{value:.4g}" if isinstance(value, float) else None if value is None else str(value)


def _lengths(scores: pl.DataFrame) -> str:
    """Tokens of a response, and the share cut at the limit, over all benchmarks of a setting."""
    of_all = scores.filter(pl.col("group_by") == "all").group_by("setting", "model")
    sums = of_all.agg(pl.col("responses", "completion_tokens", "truncated").sum()).sort("setting", "model")
    return _markdown(
        sums.select(
            "setting",
            "model",
            "responses",
            tokens_a_response=(pl.col("completion_tokens") / pl.col("responses")).round(1),
            cut_at_the_limit_per_cent=(100 * pl.col("truncated") / pl.col("responses")).round(1),
        )
    )


def _certificates(scores: pl.DataFrame) -> str:
    """The certificates of the mix that each model was trained on."""
    return _markdown(scores.select("model", "certificate").unique().sort("model"))


def _wide(scores: pl.DataFrame) -> str:
    """A column for each model: accuracy in per cent with its 95 % interval."""
    models = sorted(scores["model"].unique())
    shown = scores.with_columns(
        cell=pl.format(
            "{} [{}, {}]", *(pl.col(name).round(1).cast(pl.String) for name in ("accuracy", "low", "high"))
        )
    )
    keys = ["benchmark", "group", "setting", "items", "contamination"]
    table = shown.pivot(on="model", index=keys, values="cell", on_columns=models).sort(keys)
    return _markdown(table)


def _main(comparisons: pl.DataFrame) -> pl.DataFrame:
    """For more than two models only the macro averages, if there are any; another page has all
    comparisons.
    """
    macros = comparisons.filter(pl.col("setting") == "both")
    several = comparisons.select("model", "against").unique().height > 1
    return macros if several and macros.height else comparisons


def _comparisons_table(comparisons: pl.DataFrame) -> str:
    return _markdown(
        comparisons.with_columns(
            pl.col("difference", "low", "high", "least_difference").round(1),
            pl.col("p_value", "p_holm").round_sig_figs(2),
        )
    )


def _markdown(table: pl.DataFrame) -> str:
    """A table in Markdown; numbers are aligned right."""
    right = ["---:" if dtype.is_numeric() else "---" for dtype in table.dtypes]
    lines = [table.columns, right, *([_cell(value) for value in row] for row in table.iter_rows())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|")
