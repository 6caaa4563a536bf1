import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.tables.words import KINDS, LEVELS
from jz3.writer.catalogue import BY_LEVEL, FAMILIES, read
from jz3.writer.family import latex, plain
from jz3.writer.splits import part_of
from jz3.writer.write import printed, write_problem

level_with_families = st.sampled_from([level for level in LEVELS if BY_LEVEL[level]])


@given(level_with_families, st.sampled_from(KINDS), st.text(max_size=80), st.text(max_size=20))
def test_what_is_written_reads_back_to_the_answer_in_the_box(level, kind, passage, key):
    written = write_problem(level, kind, passage, key, "teacher")
    reading = read(written.problem)
    assert reading is not None
    assert reading.family.name == written.family
    assert reading.family.level == level
    assert part_of(reading.family, reading.values) == "teacher"
    shown = {"cot": latex, "tool": plain}[kind](reading.answer)
    assert written.answer == shown
    assert written.solution.endswith(f"\nThe answer is \\boxed{{{shown}}}.")
    assert written == write_problem(level, kind, passage, key, "teacher")


def test_a_tool_problem_shows_what_its_program_prints():
    for index in range(50):
        written = write_problem("grade", "tool", "apples", str(index), "teacher")
        program, output = re.fullmatch(
            r"```python\n(.*)\n```\n```output\n(.*)\n```\nThe answer is .*", written.solution, re.DOTALL
        ).groups()
        assert output == printed(program) == written.answer


def test_the_words_of_a_passage_call_for_a_family():
    family = FAMILIES[0]
    about = " ".join(family.words[:3])
    named = [write_problem(family.level, "cot", about, str(i), "teacher").family for i in range(300)]
    plain_ = [write_problem(family.level, "cot", "", str(i), "teacher").family for i in range(300)]
    assert named.count(family.name) > 2 * plain_.count(family.name)
    assert set(plain_) == {other.name for other in BY_LEVEL[family.level]}


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_lean(kind):
    for level in LEVELS:
        for index in range(20):
            if BY_LEVEL[level]:
                assert len(write_problem(level, kind, "", str(index), "teacher").text) <= 900
