"""What the problem writer answers to a line `Task: NAME`."""

import re

import pytest

from jz3.answers.equality import equal
from jz3.text.problem_text import last_boxed, programs_of
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import plain
from jz3.writer.refusal import Refused
from jz3.writer.server import MODEL, complete
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.manner import UNKNOWN
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
