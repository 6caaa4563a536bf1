"""What a model thinks is neither problem nor solution, whatever marks surround it."""

import re

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jz3.answers.extract import extract_lenient, extract_strict
from jz3.notation.thoughts import (
    MARK,
    PAIRS,
    TAGS,
    marks_in,
    read_thoughts,
    split_thought,
    without_thoughts,
)
from jz3.text.problem_text import Unusable, read_completion

ANSWER = "[Problem]\nTom has 3 apples. How many?\n\n[Solution]\nHe has \\boxed{3}."
PROMPT = "...\n### New problem\n"
MARKS = [
    *((f"<{tag}>", f"</{tag}>") for tag in TAGS),
    *PAIRS,
    ("<THINK>", "</THINK>"),
    ("< think >", "< / think >"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<|channel|>commentary to=python <|constrain|>code<|message|>", "<|channel|>final<|message|>"),
    ("<|channel|> analysis <|message|>", "<|channel|>final <|constrain|>JSON<|message|>"),
]


@pytest.mark.parametrize(("opening", "closing"), MARKS)
@pytest.mark.parametrize(
    "thought", ["", "[Problem] and [Solution]", "[Problem]\nA\n[Solution]\nB \\boxed{9}"]
)
def test_a_thought_is_not_read(opening, closing, thought):
    plain = read_completion(ANSWER, "stop", "cot", PROMPT)
    before = f"{opening}\n{thought}\n{closing}\n{ANSWER}"
    inside = ANSWER.replace("He has", f"{opening}{thought}{closing}He has")
    opened_by_the_prompt = f"{thought}\n{closing}\n{ANSWER}"
    for text in (before, inside, opened_by_the_prompt):
        assert read_completion(text, "stop", "cot", PROMPT) == plain
    cut_off = read_completion(f"{opening}\n{thought}", "stop", "cot", PROMPT)
    assert isinstance(cut_off, Unusable)
    assert cut_off.rule == "open_thought"


@pytest.mark.parametrize(("opening", "closing"), MARKS)
def test_the_grader_cuts_what_parse_cuts(opening, closing):
    for text in (
        f"{opening}So \\boxed{{9}}.{closing}\nIt is \\boxed{{3}}.",
        f"So \\boxed{{9}}.{closing}\nIt is \\boxed{{3}}.",
        f"It is \\boxed{{3}}.{opening}Or \\boxed{{9}}?",
    ):
        assert [extract(text).answer for extract in (extract_strict, extract_lenient)] == ["3", "3"]
        assert "9" not in without_thoughts(text)
        assert pl.Series([text]).str.contains(MARK).item()


def test_a_thought_stands_before_a_problem_that_the_prompt_opened():
    read = read_completion(f"<think>pears?</think>\n{ANSWER[10:]}", "stop", "cot", "grade cot\n[Problem]\n")
    assert not isinstance(read, Unusable)
    assert read.problem == "Tom has 3 apples. How many?"


@given(st.text(alphabet="<think>/ ab\n"))
def test_a_text_without_marks_is_as_it_was(text):
    assert without_thoughts(text) == text or pl.Series([text]).str.contains(MARK).item()


@given(st.lists(st.sampled_from(["<think>", "</think>", "x", "y "])))
def test_no_mark_is_left(parts):
    left = without_thoughts("".join(parts))
    assert "think" not in left


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "x", "y ", "[THINK]", "\n"]))


@given(PIECES.map("".join))
def test_what_is_no_thought_is_the_same_however_it_is_read(text):
    read = read_thoughts(text)
    assert read.answer == without_thoughts(text)
    assert all(thought.strip() for thought in read.thoughts)
    thought, answer = split_thought(text)
    assert (thought, answer) == ("", text) or answer == without_thoughts(answer) == read.answer


@pytest.mark.parametrize(("opening", "closing"), MARKS)
def test_one_thought_before_its_answer_is_taken_apart(opening, closing):
    for text in (f"{opening}\n9?\n{closing}\n3", f"9?\n{closing}\n3"):
        assert split_thought(text) == ("9?", "\n3")
    for text in (f"{opening}9?", f"3{opening}9?{closing}", f"{opening}8?{closing}{opening}9?{closing}3", "3"):
        assert split_thought(text) == ("", text)


def test_messages_between_channels_leave_no_frame_in_the_thought():
    text = "<|channel|>analysis<|message|>9?<|end|><|start|>assistant<|channel|>final<|message|>3"
    assert split_thought(text) == ("9?", "3")


SHARDS = [
    *(mark for pair in MARKS for mark in pair),
    *"<[◁|>/ ",
    "think",
    "final",
    "\n",
    "<|channel|>analysis ",
    "<|message|>",
]


@given(st.lists(st.sampled_from(SHARDS), max_size=12).map("".join))
@example("<|channel|>analysis [think]<|message|>")  # one mark inside another
def test_marks_are_those_of_one_search(text):
    assert [mark.span() for mark in marks_in(text)] == [mark.span() for mark in re.finditer(MARK, text)]
