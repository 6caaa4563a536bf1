"""Say of each answer whether it is right."""

from grading import is_right
from rows import read, write

write(
    "data/graded.jsonl",
    (row | {"right": is_right(row["problem"], row["answer"])} for row in read("data/unique.jsonl")),
)
