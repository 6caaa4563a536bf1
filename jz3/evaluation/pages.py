"""The evaluation tables for people: Markdown and CSV."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from jz3.core.artifacts import MANIFEST, OutDir
from jz3.tables.pages_manifest import PagesManifest

WHAT = {
    "scores": "all scores",
    "comparisons": "models compared on the same items",
    "published": "our scores beside published ones",
    "disagreements": "responses on which plain math-verify gives another verdict",
    "costs": "requests, tokens and money by stage",
}
FILES = {"summary.md": "the main tables"} | {
    f"{name}.{ending}": what for name, what in WHAT.items() for ending in ("csv", "md")
}


@dataclass(frozen=True)
class Tables:
    """Tables of ScoreRow, Comparison, PublishedRow, Disagreement and Cost."""

    scores: pl.DataFrame
    comparisons: pl.DataFrame
    published: pl.DataFrame
    disagreements: pl.DataFrame
    costs: pl.DataFrame


def write_pages(tables: Tables, pages: OutDir[PagesManifest]) -> None:
    """Write the tables as a directory of files for people."""
    scores = tables.scores.sort("group_by", "benchmark", "group", "setting", "model")
    comparisons = tables.comparisons.sort("benchmark", "setting")
    shown = {
        "scores": _scores_table(scores),
        "comparisons": _comparisons_table(comparisons),
        "published": _rounded(tables.published),
        "disagreements": _markdown(tables.disagreements),
        "costs": _markdown(tables.costs),
    }
    exact = {
        "scores": scores,
        "comparisons": comparisons,
        "published": tables.published,
        "disagreements": tables.disagreements,
        "costs": tables.costs,
    }
    with pages.open() as directory:
        for name, table in exact.items():
            table.write_csv(directory / f"{name}.csv", float_precision=6 if name == "comparisons" else 2)
            (directory / f"{name}.md").write_text(shown[name], encoding="utf-8")
        (directory / "summary.md").write_text(_summary(scores, shown, tables), encoding="utf-8")
        (directory / MANIFEST).write_text(PagesManifest(files=FILES).model_dump_json(indent=2) + "\n")


def _summary(scores: pl.DataFrame, shown: Mapping[str, str], tables: Tables) -> str:
    parts = [
        ("Averages", scores.filter(pl.col("group_by") == "average")),
        ("Benchmarks", scores.filter(pl.col("group_by") == "all")),
        ("Several answers to each item", scores.filter(pl.col("group_by") == "samples")),
        ("By coverage of the instruction data", scores.filter(pl.col("group_by") == "coverage")),
        ("By level", scores.filter(pl.col("group_by") == "level")),
    ]
    written = [f"## {title}\n\n{_wide(rows)}" for title, rows in parts if rows.height]
    written.append(f"## Models compared\n\n{shown['comparisons']}")
    if tables.published.height:
        written.append(f"## Beside published figures\n\n{shown['published']}")
    written.append(f"## Requests and tokens\n\n{shown['costs']}")
    written.append(f"## Certificates\n\n{_certificates(scores)}")
    return "\n".join(written)


def _certificates(scores: pl.DataFrame) -> str:
    """Of the mix that each model was trained on."""
    return _markdown(scores.select("model", "certificate").unique().sort("model"))


def _rounded(table: pl.DataFrame) -> str:
    return _markdown(table.with_columns(pl.col(pl.Float64).round(1)))


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
    return _rounded(scores)


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
