"""Keep the problems that are long enough."""

from choosing import is_long_enough
from rows import read, write
from settings import settings

least = settings("filter")["least_words"]
write(
    "data/filtered.jsonl",
    (row for row in read("data/problems.jsonl") if is_long_enough(row["problem"], least)),
)
