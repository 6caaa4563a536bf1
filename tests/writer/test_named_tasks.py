"""How the problem writer answers a line `Task: NAME`."""

import re

import pytest

from jz3.answers.equality import equal
from jz3.text.problem_text import last_boxed, programs_of
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import plain
from jz3.writer.refusal import Refused
from jz3.writer.server import MODEL, complete
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.frames import FRAMES, framed, without_frame
from jz3.writer.tasks.manner import UNKNOWN
from jz3.writer.tasks.reflect import NO_END, NONE, WRONG_END
from jz3.writer.tasks.rephrase import NOT_KNOWN
from jz3.writer.tasks.solve import solution_of
from jz3.writer.write import printed, write_draw

HEAD = "Solve.\n\nTask: {task}\n\n"
PASSAGE = "Level: grade\nKind: cot\n\n### Passage\n{passage}\n\n### New problem\n"


def answer(prompt, seed=3):
    message = {"role": "user", "content": prompt}
    return complete({"model": MODEL, "messages": [message], "seed": seed})["choices"][0]["message"]["content"]


def problem(question):
    return f"{HEAD.format(task='solve')}### Problem\n{question}\n\n### Solution\n"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_wording_of_every_family_is_solved_right(family):
    for number, values in enumerate(distinct_draws(family, "teacher", 4, "solve")):
        for wording in family.wordings:
            question = wording.format(**values.drawn)
            boxed = last_boxed(solution_of(question, f"key {number}"))
            assert boxed is not None
            assert equal(plain(family.solve(values)["answer"]), boxed).equal


def test_draws_of_one_question_differ_and_each_comes_back_the_same():
    written = write_draw(FAMILIES[0], "cot", distinct_draws(FAMILIES[0], "teacher", 1, "one")[0], "one")
    texts = [answer(problem(written.problem), seed) for seed in range(12)]
    assert texts == [answer(problem(written.problem), seed) for seed in range(12)]
    assert len(set(texts)) > 6
    assert all(equal(written.answer, last_boxed(text)).equal for text in texts)


@pytest.mark.parametrize("question", ["How long is a day on Mars?", "", "What is x?\n### Problem\nAnd y?"])
def test_what_no_family_words_so_gets_no_box(question):
    assert read(question) is None
    assert answer(problem(question)) == UNKNOWN


def test_a_task_stands_above_the_data_and_has_a_known_name():
    with pytest.raises(Refused, match="not 'sing'"):
        answer(HEAD.format(task="sing") + PASSAGE.format(passage="Apples."))
    with pytest.raises(Refused, match="ends '### Solution'"):
        answer(HEAD.format(task="solve") + PASSAGE.format(passage="Apples."))
    told = answer(PASSAGE.format(passage="Task: solve"))
    assert told.startswith("[Problem]\n"), "a passage is data"


@pytest.mark.parametrize("family", FAMILIES[::5], ids=lambda family: family.name)
def test_a_program_is_begun_and_its_output_ends_the_solution(family):
    written = write_draw(family, "cot", distinct_draws(family, "teacher", 1, "code")[0], "one")
    prompt = f"{HEAD.format(task='program')}### Problem\n{written.problem}\n\n### Solution\n"
    texts = [answer(prompt, seed) for seed in range(8)]
    code = [text for text in texts if programs_of(text)]
    assert len(set(texts)) > 4
    assert all(equal(written.answer, last_boxed(text)).equal for text in texts if text not in code)
    for text in code:
        (program,) = programs_of(text)
        begun = f"{text}\n```output\n{printed(program)}\n```\n"
        asked = (
            f"### Problem\n{written.problem}\n\n### Solution so far\n{begun}\n\n### Rest of the solution\n"
        )
        rest = answer(HEAD.format(task="continue") + asked)
        assert equal(written.answer, last_boxed(rest)).equal


@pytest.mark.parametrize("output", ["", "   ", " \n\n "])
def test_a_program_that_printed_nothing_is_not_gone_on_from(output):
    begun = f"A program.\n```python\npass\n```\n```output\n{output}\n```"
    asked = f"### Problem\nOne?\n\n### Solution so far\n{begun}\n\n### Rest of the solution\n"
    with pytest.raises(Refused, match="what was printed at its end"):
        answer(HEAD.format(task="continue") + asked)


def test_a_masked_copy_shows_no_result():
    asked = "### Problem\n{0.problem}\n\n### Solution\n{0.solution}\n\n### Solution with values hidden\n"
    for family in FAMILIES:
        written = write_draw(family, "cot", distinct_draws(family, "teacher", 1, "mask")[0], "one")
        masked = answer(HEAD.format(task="mask") + asked.format(written))
        assert re.search(r"\b[M-Z]\b", masked) or written.answer in written.problem
        assert written.answer not in re.findall(r"\d+", masked) or written.answer in written.problem


PERSONA = "A baker who opens early, and knows all by name."


def retelling(question, persona=PERSONA):
    data = f"### Person\n{persona}\n\n### Question\n{question}\n\n### Question retold\n"
    return f"{HEAD.format(task='retell')}{data}"


def reflection(question, attempt):
    data = f"### Problem\n{question}\n\n### Attempt\n{attempt}\n\n### Correction\n"
    return answer(f"{HEAD.format(task='reflect')}{data}")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_question_is_retold_in_a_life_and_still_solved_right(family):
    written = write_draw(family, "cot", distinct_draws(family, "teacher", 1, "retell")[0], "one")
    texts = [answer(retelling(written.problem), seed) for seed in range(6)]
    assert len(set(texts)) > 2
    for text in texts:
        assert "baker who opens early" in text
        assert equal(written.answer, last_boxed(answer(problem(text)))).equal


def test_what_is_not_known_is_not_retold_and_a_person_is_asked_for():
    assert answer(retelling("How long is a day on Mars?")) == NOT_KNOWN
    with pytest.raises(Refused, match="'### Person' with a sentence"):
        answer(retelling("How long is a day on Mars?", " "))


@pytest.mark.parametrize("persona", ["An old sailor.", "Maria, who sews", "the cook of a ship!"])
def test_a_frame_is_taken_away_as_it_was_put_there(persona):
    question = "Ben has 3 maps. Has he 4?"
    texts = {framed(question, persona, str(key)) for key in range(40)}
    assert len(texts) == len(FRAMES)
    assert {without_frame(text) for text in texts} == {question}
    assert without_frame(question) == question


@pytest.mark.parametrize(
    ("attempt", "mistake"),
    [
        ("The bags hold 4 * 6 = 24 apples. There are 24 - 9 = 15. \\boxed{15}", "24 + 9 = 33"),
        ("The bags hold 4 + 6 = 10 apples. There are 10 + 9 = 19. \\boxed{19}", "4 * 6 = 24"),
        ("4 * 6 = 24 and 24 + 9 = 33, so \\boxed{34}", WRONG_END.format(answer="33")),
        ("4 * 6 = 24 and 24 + 9 = 33.", NO_END),
        ("4 * 6 = 24 and 24 + 9 = 33, so \\boxed{33}", NONE),
    ],
)
def test_a_reflection_names_the_first_wrong_step_and_solves_anew(attempt, mistake):
    question = (
        "Tom has 4 bags. Each of the bags holds 6 apples, and Tom finds 9 more. "
        "How many apples does Tom have altogether?"
    )
    named, solution = reflection(question, attempt).removeprefix("[Mistake]\n").split("\n\n[Solution]\n")
    assert mistake in named
    assert "\n" not in named
    assert last_boxed(solution) == "33"
    assert reflection("Why?", attempt) == UNKNOWN
