"""Sentences of questions: nothing is lost, and neither a number nor a title is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.sentences import sentences, split_last

LAST = {
    "A pen is 3 dollars. Tom pays with 20 dollars. How many are back?": "How many are back?",
    "If she gives away 5, how many are left?": "If she gives away 5, how many are left?",
    "Of 1,200.50 dollars half is gone. How many of the 1,200 apples are left?": (
        "How many of the 1,200 apples are left?"
    ),
    "What is x plus 3?": "What is x plus 3?",
    "Find x.": "Find x.",
    "There is a bus. x people sit in it.": "x people sit in it.",
    "Mr. Lee and Dr. Ray eat 3 pies. Who is full?": "Who is full?",
    "She pays $5.50. $3 are left. Why?": "Why?",
    "AB meets CD at P. Find AP.": "Find AP.",
    "Mary J. Lee has 3 cats.": "Mary J. Lee has 3 cats.",
    "Room No. 5 is full. And No. 6?": "And No. 6?",
    "He said “No.” Then he left!": "Then he left!",
    "In the sequence 1, 2, ... each term is new.": "In the sequence 1, 2, ... each term is new.",
    "It starts at 5 p.m. How long is it?": "How long is it?",
}


@pytest.mark.parametrize("text", LAST)
def test_the_last_sentence_is_whole(text):
    before, last = split_last(text)
    assert last == LAST[text]
    assert before + last == text


PARTS = st.lists(
    st.sampled_from([*LAST, "Mr.", "1,200", "3.5", ".", "?", "x", "$5.", " ", "\n", "\n\n", "A", "“Yes.”"])
    | st.text(max_size=5),
    max_size=8,
)


@given(PARTS, st.sampled_from([" ", "", "\n"]))
def test_the_sentences_are_the_text(parts, blank):
    text = blank.join(parts)
    found = sentences(text)
    assert "".join(found) == text
    assert all(found) or found == [""]
    before, last = split_last(text)
    assert before + last == text


@given(
    st.lists(st.sampled_from(["Tom has 3.5 dollars.", "Why?", "Mr. Lee pays 1,200!"]), min_size=1, max_size=6)
)
def test_sentences_that_were_joined_come_apart(parts):
    assert [one.strip() for one in sentences(" ".join(parts))] == parts
