"""What the problem writer answers to a line `Task: NAME`."""

import pytest

from jz3.answers.equality import equal
from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import plain
from jz3.writer.refusal import Refused
from jz3.writer.server import MODEL, complete
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.manner import UNKNOWN
from jz3.writer.tasks.solve import solution_of
from jz3.writer.write import write_draw

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
