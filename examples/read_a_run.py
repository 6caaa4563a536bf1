"""Read a finished run: its scores, how many rows are right, and one row back to its licence.

python examples/read_a_run.py            # in a clone after `dvc repro`
"""

from pathlib import Path

import polars as pl

from jz3.graph.trace import trace

root = Path.cwd()

# Every table is parquet, one file or a folder of parts; jz3/tables/ has the schema of each.
pl.Config.set_tbl_rows(-1)
scores = pl.read_parquet(root / "data/tables/scores.parquet").filter(pl.col("group_by") == "all")
print(scores.select("model", "benchmark", "setting", "accuracy", "low", "high"))

# The final sets load with `datasets.load_dataset("data/mix", "jiuzhang")` too.
rows = pl.read_parquet(root / "data/mix/jiuzhang/*.parquet")
print(rows.group_by("part", "kind").len().sort("part", "kind"))

# Verdicts of the checker, which no rule of curation sees; null where it cannot read the problem.
checked = pl.read_parquet(root / "data/checked/jiuzhang.parquet")
print(
    checked.group_by("kind")
    .agg(pl.len(), pl.col("family").count().alias("read"), pl.col("right").sum())
    .sort("kind")
)

# From a row back to the passage that it was written from, with its licence.
written = rows.filter(pl.col("part") == "pretrain")
for step in trace(root, written["row_id"][0]):
    if step.what == "passage":
        print(step.row["origin"], step.row["licence"])
        break
