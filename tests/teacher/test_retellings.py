"""Retold questions: which of a teacher's texts still ask for the same thing, and who retells which seed."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from jz3.teacher.personas import Persona, PersonasError, drawn_personas, read_personas
from jz3.teacher.retellings import LARGEST_OVERLAP, not_a_retelling, overlap
from jz3.teacher.stated_numbers import stated_numbers
from jz3.teacher.statements import plain_text
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.frames import framed

FOLDER = InFiles(Path(__file__).parents[2] / "data/recipes/personamath")
PERSONAS = read_personas(FOLDER)
SEED = "A van holds 7 crates of 8 jars each, and 6 jars break on the way. How many whole jars arrive?"
TOLD = "A beekeeper packs 7 crates of 8 jars of honey each. On the road 6 break. How many jars arrive whole?"

GOOD = {
    "gpt, plain": TOLD,
    "gpt, heading in bold": f"**Question retold:**\n\n{TOLD}",
    "qwen, thoughts": f"<think>\nKeep 7, 8 and 6, maybe 9 hives?\n</think>\n\n{TOLD}",
    "llama, chats": f"Sure! Here's the question retold from the life of a beekeeper:\n\n{TOLD}",
    "claude, numbers in words": (
        "At dawn a beekeeper stacks seven crates, each with eight jars of honey, into the van. By the time "
        "she reaches the market, six of the jars have broken. How many jars are still whole?"
    ),
    "mistral, in quotation marks": f'Rewritten question: "{TOLD}"',
}
BAD = {
    "numbers_changed": "A beekeeper with 12 hives packs 7 crates of 8 jars; 6 break. How many are whole?",
    "persona_named": "You are a beekeeper with 7 crates of 8 jars. When 6 break, how many are whole?",
    "remark": f"{TOLD}\n\n*Note: all numbers and the quantity asked for were kept.*",
    "nothing_asked": "A beekeeper packs 7 crates of 8 jars each, and 6 jars break on the road.",
}


@pytest.mark.parametrize("manner", GOOD)
def test_retellings_in_the_manner_of_several_models_are_read(manner):
    text = plain_text(GOOD[manner])
    assert not_a_retelling(SEED, text) is None
    assert text == TOLD or (manner.startswith("claude") and text == GOOD[manner])


@pytest.mark.parametrize("rule", BAD)
def test_texts_that_do_not_ask_for_the_same_have_their_rule(rule):
    assert not_a_retelling(SEED, plain_text(BAD[rule])).rule == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "reply_is_empty"),
        (SEED, "same_text"),
        (f"Say, {SEED.lower()}", "same_text"),
        (f"This is about a beekeeper. {SEED}", None),
        (f"{TOLD} There are 7 * 8 = 56 jars.", "numbers_changed"),
        (f"{TOLD} Solution: \\boxed{{50}}", "remark"),
        (f"This version keeps the numbers.\n{TOLD}", "remark"),
        (f"{TOLD}\n\n**Changes made:** jars of honey.", "remark"),
        (f"{TOLD}\n\n**Explanation of the changes**: a beekeeper.", "remark"),
        (f"Answer the following question: {TOLD}", None),
        (f"From the perspective of a beekeeper: {TOLD}", "persona_named"),
        (f"As a beekeeper of the valley, you pack. {TOLD}", "persona_named"),
        ("I'm sorry, but I can't help with that.", "numbers_changed"),
    ],
)
def test_other_texts(text, rule):
    found = not_a_retelling(SEED, text)
    assert (found and found.rule) == rule


def test_what_the_question_says_itself_is_no_remark_and_no_persona():
    question = "You are a cook with 7 eggs. Note that 2 are bad: how many eggs can you use?"
    assert (
        not_a_retelling(question, "You are a baker who has 7 eggs of which 2 are bad. How many are good?")
        is None
    )
    assert (
        not_a_retelling("Write 12 in base 2.", "A pupil has to do this at the board. Write 12 in base 2.")
        is None
    )


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_overlap_is_symmetric_and_one_for_the_same_words_alone(one, other):
    found = overlap(" ".join(one), " ".join(other))
    assert found == overlap(" ".join(other), " ".join(one))
    assert 0 <= found <= 1
    assert overlap(" ".join(one), " ".join(one).upper()) == 1
    assert found == 1 or one != other


def test_a_long_question_is_the_same_one_with_a_word_changed():
    words = [f"w{number}" for number in range(200)]
    assert overlap(" ".join(words), " ".join([*words[:100], "new", *words[101:]])) > LARGEST_OVERLAP
    assert overlap(" ".join(words[:30]), " ".join([*words[:15], "new", *words[16:30]])) < LARGEST_OVERLAP


def test_personas_are_sentences_of_ours_from_eleven_groups_and_hold_no_number():
    assert set(Counter(one.group for one in PERSONAS).values()) == {8}
    assert len({one.group for one in PERSONAS}) == 11
    assert {one.licence for one in PERSONAS} == {"Apache-2.0"}
    for one in PERSONAS:
        assert one.text[0].isupper()
        assert one.text.endswith(".")
        assert one.text.count(".") == 1
        numbers = stated_numbers(one.text)
        assert (str(numbers), numbers.ones) == ("none", 0)


def test_no_persona_and_no_family_makes_the_writer_break_a_rule():
    for number, family in enumerate(FAMILIES):
        values = distinct_draws(family, "teacher", 1, "frame")[0]
        questions = [wording.format(**values.drawn) for wording in family.wordings]
        persona = PERSONAS[number % len(PERSONAS)].text
        for question in questions:
            refusal = not_a_retelling(question, framed(question, persona, f"key {number}"))
            assert refusal is None, (refusal, question)


@settings(max_examples=25)
@given(
    seed_id=st.text(max_size=8),
    count=st.integers(0, 30),
    more=st.integers(0, 30),
    seed=st.integers(0, 9),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=6),
)
def test_more_personas_keep_those_before_and_take_each_group_in_turn(seed_id, count, more, seed, sizes):
    personas = [
        Persona(f"{group}/{number}", str(group), "MIT", "A text.")
        for group, size in enumerate(sizes)
        for number in range(size)
    ]
    drawn = list(drawn_personas(personas, seed_id, count, seed))
    assert list(drawn_personas(personas[::-1], seed_id, count + more, seed))[:count] == drawn
    assert len(set(drawn)) == len(drawn) == count
    for start in range(0, count - len(sizes) + 1, len(sizes)):
        turn = [one.group for one, _ in drawn[start : start + len(sizes)]]
        assert sorted(turn) == [str(group) for group in range(len(sizes))]


def test_seeds_are_retold_by_different_personas():
    firsts = Counter(next(drawn_personas(PERSONAS, f"s{n}", 1, 0))[0].persona_id for n in range(2_000))
    assert len(firsts) == len(PERSONAS)
    assert max(firsts.values()) < 3 * 2_000 / len(PERSONAS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("id,text\n", "has the columns id, text"),
        ("persona_id,group,licence,text\n", "has no persona"),
        ("persona_id,group,licence,text\na,b,MIT,\n", "line 2: text is empty"),
        ("persona_id,group,licence,text\na,b,MIT,A cook, who cooks.\n", "line 2: a cell too many"),
        ("persona_id,group,licence,text\na,b,MIT,One.\na,c,MIT,Two.\n", "the persona 'a' twice"),
    ],
)
def test_a_table_of_personas_that_cannot_be_read_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "personas.csv").write_text(text)
    with pytest.raises(PersonasError, match=message):
        read_personas(InFiles(tmp_path))
