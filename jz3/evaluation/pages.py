"""The evaluation tables for people: Markdown and CSV."""

import polars as pl

from jz3.core.artifacts import MANIFEST, OutDir
from jz3.tables.pages_manifest import PagesManifest

FILES = {
    "summary.md": "the main tables",
    "scores.csv": "all scores",
    "scores.md": "all scores",
    "comparisons.csv": "models compared on the same items",
    "comparisons.md": "models compared on the same items",
}


def write_pages(scores: pl.DataFrame, comparisons: pl.DataFrame, pages: OutDir[PagesManifest]) -> None:
    """Write the tables as a directory of files for people."""
    scores = scores.sort("group_by", "benchmark", "group", "setting", "model")
    comparisons = comparisons.sort("benchmark", "setting")
    with pages.open() as directory:
        scores.write_csv(directory / "scores.csv", float_precision=2)
        comparisons.write_csv(directory / "comparisons.csv", float_precision=6)
        (directory / "scores.md").write_text(_scores_table(scores))
        (directory / "comparisons.md").write_text(_comparisons_table(comparisons))
        (directory / "summary.md").write_text(_summary(scores, comparisons))
        (directory / MANIFEST).write_text(PagesManifest(files=FILES).model_dump_json(indent=2) + "\n")


def _summary(scores: pl.DataFrame, comparisons: pl.DataFrame) -> str:
    parts = [
        ("Averages", scores.filter(pl.col("group_by") == "average")),
        ("Benchmarks", scores.filter(pl.col("group_by") == "all")),
        ("By coverage of the instruction data", scores.filter(pl.col("group_by") == "coverage")),
        ("By level", scores.filter(pl.col("group_by") == "level")),
    ]
    tables = [f"## {title}\n\n{_wide(rows)}" for title, rows in parts if rows.height]
    return "\n".join([*tables, f"## Models compared\n\n{_comparisons_table(comparisons)}"])


def _wide(scores: pl.DataFrame) -> str:
    """A column for each model: accuracy in per cent, its 95 % interval."""
    models = sorted(scores["model"].unique())
    shown = scores.with_columns(
        cell=pl.format(
            "{} [{}, {}]", *(pl.col(name).round(1).cast(pl.String) for name in ("accuracy", "low", "high"))
        )
    )
    keys = ["benchmark", "group", "setting", "items", "contamination"]
    table = shown.pivot(on="model", index=keys, values="cell", on_columns=models).sort(keys)
    return _markdown(table)


def _scores_table(scores: pl.DataFrame) -> str:
    return _markdown(scores.with_columns(pl.col(pl.Float64).round(1)))


def _comparisons_table(comparisons: pl.DataFrame) -> str:
    return _markdown(
        comparisons.with_columns(
            pl.col("difference", "low", "high").round(1), pl.col("p_value").round_sig_figs(2)
        )
    )


def _markdown(table: pl.DataFrame) -> str:
    """A table in Markdown; numbers stand to the right."""
    right = ["---:" if dtype.is_numeric() else "---" for dtype in table.dtypes]
    lines = [table.columns, right, *([_cell(value) for value in row] for row in table.iter_rows())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|")
