"""Keep the first of problems that are the same."""

from choosing import key_of
from rows import read, write

first = {}
for row in sorted(read("data/filtered.jsonl"), key=lambda row: row["id"]):
    first.setdefault(key_of(row["problem"]), row)
write("data/unique.jsonl", first.values())
