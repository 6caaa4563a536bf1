"""Turns of whole columns are those of each row alone, whatever a solution contains."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.curation.marked_thoughts import with_thought
from jz3.curation.solution_turns import solved_turns, with_turns
from jz3.tables.turn import read_turns
from jz3.text.turn_text import input_and_output, plain_parts
from tests.curation.rows import needs_samples, sampled

PIECES = [
    "```python\n",
    "```output\n",
    "```\n",
    "```",
    "~~~\n",
    "`x`",
    "print(3)\n",
    "3\n",
    "Add.\n",
    "\n",
    " ",
    "{}",
]
SCHEMA = {"problem": pl.String, "solution": pl.String, "kind": pl.String, "thought": pl.String}
lines = st.sampled_from(["", "Add.\n", "print(3)\n", "a {b}", "\n"])
whole = st.builds(
    "{}```{}\n{}```\n{}```{}\n{}```{}".format,
    lines,
    st.sampled_from(["python", "python", "text", "py", "cpp"]),
    lines,
    lines,
    st.sampled_from(["output", "output", "python", "json"]),
    lines,
    st.sampled_from(["", "\n", "\nSo 3.", " So 3.", "\n\n"]),
)
solutions = whole | st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
kinds, thoughts = st.sampled_from(["cot", "tool"]), st.sampled_from([None, " Hm. "])


def of_each(row, learn_output):
    problem, solution, kind, thought = row
    turns = with_thought(solved_turns(problem, solution, kind, learn_output=learn_output), thought)
    return (*row, turns, *input_and_output(plain_parts(turns, kind)))


def agrees(rows, learn_output):
    frame = pl.DataFrame(rows, SCHEMA, orient="row")
    made = with_turns(frame, learn_output=learn_output).select(*SCHEMA, "turns", "input", "output")
    found = [(*row[:4], read_turns(row[4]), *row[5:]) for row in made.iter_rows()]
    key = lambda row: (row[1], row[2], row[3] or "")  # noqa: E731
    return sorted(found, key=key) == sorted((of_each(row, learn_output) for row in rows), key=key)


@given(st.lists(st.tuples(st.just("Why {}?"), solutions, kinds, thoughts), max_size=6), st.booleans())
@settings(max_examples=100)
def test_columns_give_what_each_row_gives(rows, learn_output):
    assert agrees(rows, learn_output)


@needs_samples
def test_so_they_do_of_released_rows():
    rows = sampled("tool", 200)
    assert agrees([(row["problem"], row["solution"], "tool", None) for row in rows], learn_output=True)
