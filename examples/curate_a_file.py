"""Curate a column of problems of your own, and see what each rule took. Needs `pip install 'jz3[curate]'`.

    python examples/curate_a_file.py FILE.jsonl [FIELD]

`jz3 curate FILE -o OUT` does all of this and leaves rows, certificate and card.
"""

import sys

import polars as pl

import jz3

file, field = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "problem"
rows = pl.read_ndjson(file).with_row_index("row").with_columns(pl.col("row").cast(pl.String))

benchmark = [
    "A baker sells 12 loaves in the morning and 15 in the afternoon; how many loaves are sold in all?"
]
verdicts = pl.concat(
    [
        jz3.dedup(rows[field]),
        jz3.decontaminate(rows[field], {"own_benchmark": benchmark}),
    ]
).filter(pl.col("rule").is_not_null())

print(verdicts.group_by("rule").len().sort("rule"))
kept = rows.join(verdicts, on="row", how="anti")
print(f"{kept.height} of {rows.height} rows kept")
