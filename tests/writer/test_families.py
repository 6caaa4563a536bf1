"""Every family is right, reads its own problems back, and words them so that no twelve consecutive words lack
a drawn value: otherwise decontamination (13 words) would take a whole family for a leaked benchmark item.
"""

import contextlib
import io
import re
from string import Formatter

import pytest

from jz3.writer.catalogue import BY_LEVEL, FAMILIES, LEVELS, read
from jz3.writer.draws import Draws
from jz3.writer.family import Family, latex, plain

DRAWS = 300

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def drawn(family: Family, count: int = DRAWS):
    return [family.draw(Draws(f"test/{family.name}/{index}")) for index in range(count)]


def printed(program: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(program, {})
    return output.getvalue().strip()


def test_there_are_sixty_families_and_six_a_level():
    assert len(FAMILIES) >= 60
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert all(len(BY_LEVEL[level]) >= 6 for level in LEVELS)


@each_family
def test_the_answer_is_proved_another_way_for_hundreds_of_draws(family):
    for values in drawn(family):
        assert family.proves(values, family.solve(values)["answer"]), values


@each_family
def test_a_wrong_answer_is_not_proved(family):
    for values in drawn(family, 20):
        answer = family.solve(values)["answer"]
        wrong = f"{answer} + 1" if isinstance(answer, str) else answer + 1
        assert not family.proves(values, wrong)


@each_family
def test_the_program_prints_the_answer(family):
    for values in drawn(family, 50):
        solved = family.solve(values)
        assert printed(family.program.format(**values.drawn, **solved)) == plain(solved["answer"])


@each_family
def test_the_program_does_not_hold_the_answer(family):
    """A program computes: it uses drawn values only, not derived ones."""
    names = {name for _, name, _, _ in Formatter().parse(family.program) if name}
    assert names <= set(family.fields)


@each_family
def test_each_wording_reads_back_to_the_same_answer(family):
    assert len(family.wordings) >= 3
    for values in drawn(family, 50):
        for wording in family.wordings:
            problem = wording.format(**values.drawn)
            reading = read(problem)
            assert reading is not None
            assert reading.family is family
            assert reading.answer == family.solve(values)["answer"]


@each_family
def test_every_window_of_twelve_words_holds_a_drawn_value(family):
    for wording in family.wordings:
        marked = wording.format(**dict.fromkeys(family.fields, "DRAWN"))
        words = re.findall(r"\w+", marked)
        for start in range(max(1, len(words) - 11)):
            assert any("DRAWN" in word for word in words[start : start + 12]), words[start : start + 12]


@each_family
def test_the_solution_states_each_result_and_has_no_gap(family):
    for values in drawn(family, 20):
        solved = family.solve(values)
        shown = {name: latex(value) for name, value in solved.items()}
        text = family.solution.format(**values.drawn, **shown)
        assert latex(solved["answer"]) in text
        assert len(text) <= 600


@each_family
def test_the_numbers_differ_enough_for_held_out_draws(family):
    """Benchmarks, instruction data and the teacher divide the number draws of a family among them."""
    seen = {
        tuple(value for value in values.drawn.values() if isinstance(value, int)) for values in drawn(family)
    }
    assert len(seen) >= 150
