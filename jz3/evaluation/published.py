"""The scores that a paper prints, beside ours on the same benchmarks."""

from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.tables.published_row import PublishedRow

COLUMNS = {
    "model": pl.String,
    "benchmark": pl.String,
    "setting": pl.String,
    "accuracy": pl.Float64,
    "source": pl.String,
}
MEAN = "mean"


class PublishedError(UserError):
    """The file of published figures is damaged, or lacks a model that the parameters name."""


def read_published(directory: InFiles, models: list[str]) -> pl.DataFrame:
    """The published accuracies of some models. Raises PublishedError."""
    file: Path = directory.path / "accuracies.csv"
    try:
        figures = pl.read_csv(file, schema=COLUMNS)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PublishedError(
            f"{file} cannot be read ({' '.join(str(error).split())[:200]}); "
            f"a table of {', '.join(COLUMNS)} was expected. Restore it."
        ) from error
    unknown = sorted(set(models) - set(figures["model"]))
    if unknown:
        raise PublishedError(
            f"{file} has no figures of {', '.join(unknown)}, which tabulate.published names; it has "
            f"{', '.join(figures['model'].unique(maintain_order=True))}. Correct the list."
        )
    return figures.filter(pl.col("model").is_in(models))


def beside_published(scores: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Table of PublishedRow: each of our scores with each published one on its benchmark, then the means."""
    ours = scores.filter(pl.col("group_by") == "all").select(
        "model", "benchmark", "setting", "accuracy", "low", "high"
    )
    theirs = figures.rename({"model": "published_model", "accuracy": "published"})
    joined = ours.join(theirs, on=["benchmark", "setting"]).with_columns(
        difference=pl.col("accuracy") - pl.col("published")
    )
    rows: list[dict[str, Any]] = joined.to_dicts()
    groups = joined.group_by("model", "setting", "published_model", maintain_order=True)
    for (model, setting, published_model), group in groups:
        if group.height < 2:
            continue
        rows.append(
            {
                "model": model,
                "benchmark": MEAN,
                "setting": setting,
                "published_model": published_model,
                "accuracy": group["accuracy"].mean(),
                "low": None,
                "high": None,
                "published": group["published"].mean(),
                "difference": group["difference"].mean(),
                "source": str(group["source"].first()),
            }
        )
    return pl.DataFrame(rows, schema=PublishedRow.create_empty().schema).sort(PublishedRow.primary_key())
