"""Questions in a teacher's answers: ten for each prompt, in the styles of several models."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.posed_questions import Posed, read_questions
from jz3.teacher.statements import plain_text
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws

BAG = "A bag holds 3 red and 5 blue balls. What is the probability to draw a red one?"
DIE = "Two dice are thrown. Find the probability that the sum is 4."
PROMPTS = Path(__file__).parents[2] / "data/recipes/synthllm"

LEVEL_1 = {
    "as asked": (
        f"[Question 1]\nOrigin: taken\nLevel: middle school\n{BAG}\n\n"
        f"[Question 2]\nOrigin: new\nLevel: high school\n{DIE}"
    ),
    "gpt, markdown": (
        f"### Question 1\n**Origin:** taken\n**Level:** Middle School\n\n{BAG}\n\n---\n\n"
        f"### Question 2\n**Origin:** new\n**Level:** High School\n\n{DIE}\n"
    ),
    "qwen, thoughts, origin in the heading": (
        "<think>\n[Question 1]\nBad one?\n</think>\n\n"
        f"**Question 1** [taken]\nLevel: middle school\n{BAG}\n\n"
        f"**Question 2** [new]\nLevel: high school (grade 10)\n{DIE}"
    ),
    "llama, chats and numbers": (
        "Here are two questions based on the document:\n\n"
        f"1. **Question:** {BAG}\n   - Origin: existing question\n"
        "   - Level: Middle school\n\n"
        f"2. **Question:** {DIE}\n   - Origin: newly created\n   - Level: secondary"
    ),
    "mistral, tags": (f"Q1 <taken>: {BAG}\nLevel: junior high\n\nQ2 <new>: {DIE}\nLevel: high school\n"),
    "claude, closing tags": (
        f"[Question 1]\nOrigin: extracted from the document\nSchool level: middle school\nQuestion: {BAG}\n"
        "[/Question 1]\n\n[Question 2]\nOrigin: created\nSchool level: high school\n"
        f"Question: {DIE}\n[/Question 2]"
    ),
    "gemini, marks as headings, in a fence": (
        f"```markdown\n### [Question 1]\n**Origin:** taken\n**Level:** middle school\n\n{BAG}\n\n"
        f"### [Question 2]\n**Origin:** new\n**Level:** high school\n\n{DIE}\n```"
    ),
    "deepseek, exercises and a courtesy": (
        f"**Exercise 1**\nOrigin: taken\nLevel: middle school\n{BAG}\n\n"
        f"**Exercise 2**\nOrigin: new\nLevel: high school\n{DIE}\n\nLet me know if you need solutions!"
    ),
}
OF_TWO = {
    "as asked": (
        f"[Question 1]\nConcepts: random draw; fraction\nLevel: middle school\n{BAG}\n\n"
        f"[Question 2]\nConcepts: fraction; sum\nLevel: high school\n{DIE}"
    ),
    "gpt, markdown": (
        f"**Question 1**\n\n*Concepts:* Random draw; Fractions\n*Level:* middle school\n\n{BAG}\n\n"
        f"**Question 2**\n\n*Concepts:* Fractions; Sums\n*Level:* high school\n\n{DIE}"
    ),
    "qwen, thoughts": (
        "<think>draw two</think>\n#### Question 1:\nKey concepts: random draw, fraction\n"
        f"Level: middle school\n{BAG}\n"
        f"#### Question 2:\nKey concepts: fraction, sum\nLevel: high school\n{DIE}"
    ),
    "llama, chats and numbers": (
        "Sure, here are questions that combine the concepts:\n\n"
        f"1) {BAG}\n- Concepts used: random draw; fraction\n"
        f"- Level: middle school\n\n2) {DIE}\n- Concepts used: fraction; sum\n- Level: high school"
    ),
    "mistral, concepts behind": (
        f"Question 1: {BAG}\nConcepts: random draw | fraction\nLevel: middle\n\n"
        f"Question 2: {DIE}\nConcepts: fraction | sum\nLevel: high"
    ),
    "claude, a problem": (
        f"[Problem 1]\nConcepts combined: random draw; fraction\nLevel: middle school\n\nProblem: {BAG}\n\n"
        "[Problem 2]\nConcepts combined: the fraction; sum of dice; sum\nLevel: high school\n\n"
        f"Problem: {DIE}"
    ),
    "gemini, concepts one a line": (
        f"## [Question 1]\n**Concepts:**\n* random draw\n* fraction\n\n**Level:** middle school\n\n{BAG}\n\n"
        f"## [Question 2]\n**Concepts:**\n* fraction\n* sum\n\n**Level:** high school\n\n{DIE}"
    ),
    "deepseek, brackets and plus signs": (
        f"[Question 1]\nConcepts: [random draw] + [fraction]\nLevel: middle school\n{BAG}\n\n"
        f"[Question 2]\nConcepts: [fraction] + [sum]\nLevel: high school\n{DIE}"
    ),
}
LEVEL_3 = {
    manner: text.replace("random draw", "chance").replace("Random draw", "Chances")
    for manner, text in OF_TWO.items()
}
READ = [
    *((name, text, None) for name, text in LEVEL_1.items()),
    *((name, text, ("random draw", "fraction", "sum")) for name, text in OF_TWO.items()),
    *((name, text, ("chance", "fraction", "sum")) for name, text in LEVEL_3.items()),
]


@pytest.mark.parametrize(("manner", "text", "given"), READ)
def test_questions_in_the_manner_of_several_models_are_read(manner, text, given):
    found = read_questions(plain_text(text), 5, given)
    assert [(one.place, one.text, one.level, wrong) for one, wrong in found] == [
        (1, BAG, "middle", None),
        (2, DIE, "high", None),
    ], manner
    if given is None:
        assert [one.origin for one, _ in found] == ["taken", "new"]
    else:
        assert set(found[0][0].concepts) == {given[0], "fraction"}
        assert {"fraction", "sum"} <= set(found[1][0].concepts)


HEAD = "[Question 1]\nOrigin: new\nLevel: high school\nConcepts: fraction; sum\n"
OF_ANSWERS = {
    "unsuitable": "UNSUITABLE",
    "no_question": "The document defines the probability of an event as a fraction.",
}
OF_LEVEL_1 = {
    "names_document": f"{HEAD}What does the passage call the chance of a red ball?",
    "remark": f"{HEAD}{BAG}\n\n**Solution:** \\boxed{{\\frac{{3}}{{8}}}}",
}
OF_LEVELS_2_AND_3 = {
    "too_few_concepts": f"[Question 1]\nConcepts: fraction; dice\nLevel: high school\n{DIE}",
    "same_concepts": f"{HEAD}{BAG}\n\n[Question 2]\nConcepts: sum; fraction\n{DIE}",
    "nothing_asked": f"{HEAD}The chance of a red ball is a fraction of all.",
}


@pytest.mark.parametrize("rule", OF_ANSWERS)
@pytest.mark.parametrize("given", [None, ("fraction", "sum")])
def test_answers_without_questions_have_their_rule(rule, given):
    assert read_questions(plain_text(OF_ANSWERS[rule]), 5, given).rule == rule


@pytest.mark.parametrize(("rule", "text"), [*OF_LEVEL_1.items(), *OF_LEVELS_2_AND_3.items()])
def test_questions_that_cannot_be_solved_alone_have_their_rule(rule, text):
    found = read_questions(plain_text(text), 5, ("fraction", "sum"))
    assert found[-1][1].rule == rule
    assert [wrong for _, wrong in found[:-1]] == [None] * (len(found) - 1)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty_question"),
        ("Prove Theorem 3 for n = 4.", "names_document"),
        ("As defined above, what is the norm of (3, 4)?", "names_document"),
        ("Solve the equation 3 * x + 5 = 11.", None),
        ("The text below is no text. What is 3 + 4?", "names_document"),
        ("A rope of 12 m is divided according to the ratio 1 to 2. How long is the longer part?", None),
        ("Given a triangle with sides 3, 4 and 5, find its area.", None),
        ("What is 3 + 4?\nAnswer: 7", "remark"),
    ],
)
def test_other_questions(text, rule):
    ((_, wrong),) = read_questions(f"[Question 1]\nLevel: middle\n{text}", 5, None)
    assert (wrong and wrong.rule) == rule


def test_more_questions_than_asked_for_are_turned_away():
    text = "\n\n".join(f"[Question {place}]\nWhat is {place} + 1?" for place in range(1, 5))
    rules = [wrong and wrong.rule for _, wrong in read_questions(text, 2, None)]
    assert rules == [None, None, "too_many", "too_many"]


@pytest.mark.parametrize(
    ("school", "level"),
    [
        ("Grade school", "grade"),
        ("elementary", "grade"),
        ("Grade 4", "grade"),
        ("grade 10", "high"),
        ("Junior high school", "middle"),
        ("High school (grades 9-12)", "high"),
        ("secondary school", "high"),
        ("undergraduate", "college"),
        ("hobby", None),
        (None, None),
    ],
)
def test_a_stage_of_school_is_told_by_its_words(school, level):
    assert Posed(1, "?", None, school, ()).level == level


@given(
    st.lists(st.sampled_from(["What is 3 + 4?", "", "Solve x + 1 = 2.", "The text?"]), min_size=1, max_size=7)
)
def test_every_question_of_an_answer_is_judged_once(texts):
    answer = "\n\n".join(f"[Question {number}]\nLevel: high\n{text}" for number, text in enumerate(texts, 1))
    found = read_questions(answer, 5, None)
    assert [one.place for one, _ in found] == list(range(1, len(texts) + 1))
    assert [one.text for one, _ in found] == texts


def test_no_wording_of_a_family_breaks_a_rule():
    for family in FAMILIES:
        values = distinct_draws(family, "teacher", 1, "posed")[0]
        for wording in family.wordings:
            ((one, wrong),) = read_questions(f"[Question 1]\n{wording.format(**values.drawn)}", 1, None)
            assert (wrong, one.text) == (None, wording.format(**values.drawn))


def test_the_prompts_ask_for_what_is_read_and_the_solver_has_the_prompt_of_another_recipe():
    for name in ("level_1", "level_2", "level_3"):
        prompt = (PROMPTS / f"{name}.md").read_text()
        assert all(
            words in prompt for words in ("`[Question 1]`", "`Level:`", "UNSUITABLE", "Questions: {count}")
        )
        assert ("`Origin: taken`" in prompt) == (name == "level_1") != ("`Concepts:`" in prompt)
    solve = (PROMPTS / "solve.md").read_text()
    assert solve == (PROMPTS.parent / "metamath/answer.md").read_text(), (
        "tests/teacher/test_augment.py has ten answers to it"
    )
