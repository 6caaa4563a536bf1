"""Completions read in frames give the same as one by one, whatever a model writes."""

import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from jz3.text.completions import OPENING, read_completions
from jz3.text.problem_text import Unusable, read_completion
from tests.curation.rows import SHARED, needs_samples

PIECES = st.one_of(
    st.sampled_from(
        ["[Solution]\n", "\n[Solution]\n", "\n\n[Solution]\n", "[SOLUTION]", "<solution>", "[/Solution]"]
    ),
    st.sampled_from(
        ["[Problem]\n", "[New Problem]", "[end of problem]", "[ Solutıon ]", "[\x1dproblem]", "Solution:\n"]
    ),
    st.sampled_from(["**", "---\n", "\n##\n", "\r\n", "\n", " ", "\x1c", "What is 2?", "It is 2.", "é"]),
    st.sampled_from(
        ["```python\nprint(1)\n```\n", "```output\n1\n```\n", "```output\n\n1\n```", "```\n", "`x`"]
    ),
    st.sampled_from(["<think>", "</think>\n", "[THINK]", "<|channel|>final<|message|>"]),
    st.sampled_from(["<|im_end|>\n", "</s>", "<|im_start|>assistant\n", "<|eot_id|>"]),
    st.sampled_from(["  ```python\nx\n  ```\n", "```python\n\n```\n"]),
    st.sampled_from(["\\boxed{1}", "\\boxed{\\frac{1}{2}", "\\boxed 3", "\\boxed", "\\fbox{4}."]),
)
TEXT = st.lists(PIECES, max_size=9).map("".join)
LIKELY = st.tuples(TEXT, TEXT).map("\n[Solution]\n".join)
ROWS = st.lists(
    st.tuples(
        LIKELY | TEXT,
        st.sampled_from(["stop", "stop", "length"]),
        st.sampled_from(["cot", "tool"]),
        st.sampled_from([True, True, False]),
    ),
    max_size=6,
)


def one_by_one(rows):
    for text, reason, kind, opened in rows:
        read = read_completion(text, reason, kind, OPENING if opened else "")
        if isinstance(read, Unusable):
            yield None, None, None, read.rule, read.evidence
        else:
            yield read.problem, read.solution, read.answer, None, None


def in_a_frame(rows):
    names = {"text": pl.String, "finish_reason": pl.String, "kind": pl.String, "opened": pl.Boolean}
    return read_completions(pl.DataFrame(rows, schema=names, orient="row")).rows()


@given(ROWS)
def test_a_frame_is_read_as_its_completions_are_one_by_one(rows):
    assert in_a_frame(rows) == list(one_by_one(rows))


@needs_samples
def test_released_rows_are_read_as_they_are_one_by_one():
    rows = []
    for kind in ("cot", "tool"):
        for line in (SHARED / "samples" / f"{kind}.jsonl").read_text().splitlines()[:300]:
            row = json.loads(line)
            question = row["input"].split("## Question\n")[1].split("\n\n## ")[0]
            rows.append((f"{question}\n\n[Solution]\n{row['output']}", "stop", kind, True))
    assert in_a_frame(rows) == list(one_by_one(rows))
