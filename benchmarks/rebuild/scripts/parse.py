"""Read problems out of completions."""

from parsing import parse
from rows import read, write

parsed = [(row["id"], parse(row["completion"])) for row in read("data/completions.jsonl")]
write(
    "data/problems.jsonl",
    ({"id": row_id, "problem": found[0], "answer": found[1]} for row_id, found in parsed if found[0]),
)
