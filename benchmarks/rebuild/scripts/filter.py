"""Keep the problems that are long enough."""

from choosing import words_of
from rows import read, write
from settings import settings

least = settings("filter")["least_words"]
write(
    "data/filtered.jsonl",
    (row for row in read("data/problems.jsonl") if words_of(row["problem"]) >= least),
)
