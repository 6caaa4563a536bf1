"""The problem writer that errs on purpose: the same errors each time, at known rates, of known kinds; nothing
in an answer reveals them, and right answers are those of the writer that does not err.
"""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import BY_LEVEL, FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.erring import programs, questions, steps, stories, texts
from jz3.writer.erring.planted import RATES, REFLECTION, USUAL_RATE, err, rate_of
from jz3.writer.server import ERRING_MODEL, MODEL, complete, planted
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw

BAGS = "The bags hold 4 * 6 = 24 apples. Altogether there are 24 + 9 = 33 apples.\nThe answer is \\boxed{33}."
WAYS = "In 19 * 18 / 2 = 342 / 2 = 171 ways. Also 3 * 40 = 120. So 171 + 120 = 291.\n\\boxed{291}"
KEYS = [Draws(str(number)) for number in range(30)]
CODE = "We compute.\n```python\na = 4\nb = 6\nprint(a * b + 9)\n```"
COPY = "The bags hold 4 * 6 = M apples. Altogether there are M + 9 = N apples."
POSED = (
    "[Question 1]\nConcepts: digit; decimal\nLevel: high school\nJack multiplies 17 and 36. What is the last "
    "digit?\n\n[Question 2]\nConcepts: route; node\nLevel: college\nFind the number of routes."
)
NAMED = "Level: college\nSubject: algebra\nTopic: matrix\n- determinant\n- inverse"
STORY = (
    "Anna adds 3 to 4; this is the sum. Anna multiplies the sum by 5. Call this the product. "
    "What is the product?"
)


def answer(model, prompt, seed):
    message = {"role": "user", "content": prompt}
    choice = complete({"model": model, "messages": [message], "seed": seed})["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def solving(question):
    return f"Solve.\n\nTask: solve\n\n### Problem\n{question}\n\n### Solution\n"


def writing(level="aime", kind="cot"):
    return f"Write.\n\nLevel: {level}\nKind: {kind}\n\n### Passage\nApples.\n\n### New problem\n"


def question_of(level, number=0):
    family = BY_LEVEL[level][number % len(BY_LEVEL[level])]
    return write_draw(family, "cot", distinct_draws(family, "teacher", 1, f"q{number}")[0], "w").problem


PROMPTS = [writing(), writing("middle", "tool"), solving(question_of("grade")), solving(question_of("aime"))]


@settings(max_examples=40)
@given(prompt=st.sampled_from(PROMPTS), seed=st.integers(0, 2**40))
def test_what_was_planted_is_known_afterwards_and_the_rest_is_right(prompt, seed):
    right, erred = planted(prompt, seed)
    assert answer(MODEL, prompt, seed) == (right, "stop")
    assert answer(ERRING_MODEL, prompt, seed) == (erred.text, erred.finish_reason)
    assert (erred.kind is None) == (erred.text == right)


@pytest.mark.parametrize("level", ["grade", "aime"])
def test_errors_come_at_the_rate_of_the_level_of_a_question_and_of_a_prompt(level):
    count = 300
    asked = [solving(question_of(level, number)) for number in range(8)]
    read = sum(planted(asked[seed % 8], seed)[1].kind is not None for seed in range(count))
    named = sum(planted(writing(level), seed)[1].kind is not None for seed in range(count))
    assert read / count == pytest.approx(RATES[level], abs=0.07)
    assert named / count == pytest.approx(RATES[level], abs=0.07)


def test_a_level_that_is_not_known_has_the_usual_rate_and_reflection_half():
    assert rate_of("solve", solving("Why?")) == rate_of(None, writing("galactic")) == USUAL_RATE
    prompt, right = solving(question_of("aime")), "[Mistake]\nNone.\n\n[Solution]\n2 * 3 = 6. \\boxed{6}"
    kinds = [[err(task, prompt, right, str(key)).kind for key in range(600)] for task in ("solve", "reflect")]
    whole, half = (sum(kind is not None for kind in some) / 600 for some in kinds)
    assert half == pytest.approx(whole * REFLECTION, abs=0.06)


def test_a_task_without_kinds_of_its_own_errs_by_the_general_ones():
    seen = Counter(
        err("sing", "Sing.", text, str(key)).kind for text in (BAGS, CODE, STORY) for key in range(400)
    )
    general = {"cut_end", "early_end", "slip", "wrong_operation", "no_box", "program_fails", "wrong_program"}
    assert set(seen) == {None, "number_changed"} | general
    assert all(err("sing", "Sing.", "I do not know songs.", str(key)).kind is None for key in range(200))


def test_a_slip_is_carried_on_to_the_box():
    for draws in KEYS:
        text = steps.slipped(BAGS, draws)
        first, last = (int(part.split(" ")[0]) for part in (text.split(" = ")[1], text.split(" = ")[2]))
        assert last_boxed(text) == str(last)
        assert (first, last) != (24, 33)
        assert first == 24 or f"{first} + 9 = {first + 9} apples" in text
    assert steps.slipped("No step.", KEYS[0]) is None
    assert last_boxed(steps.slipped("It is \\boxed{7}.", KEYS[0])) != "7"


def test_another_operation_is_worked_out_and_carried_on_also_where_terms_stand_in_a_chain():
    texts_ = {steps.otherwise_computed(WAYS, draws) for draws in KEYS}
    assert "In 19 + 18 / 2 = 28 ways. Also 3 * 40 = 120. So 28 + 120 = 148.\n\\boxed{148}" in texts_
    assert "In 19 * 18 / 2 = 342 / 2 = 171 ways. Also 3 * 40 = 120. So 171 - 120 = 51.\n\\boxed{51}" in texts_
    assert len(texts_) > 3


@pytest.mark.parametrize("spoil", [steps.slipped, steps.otherwise_computed])
def test_most_mistakes_reach_the_answer_and_some_cancel_out(spoil):
    same = Counter()
    for family in FAMILIES:
        written = write_draw(family, "cot", distinct_draws(family, "teacher", 1, "slip")[0], "w")
        for draws in KEYS[:4]:
            text = spoil(written.solution, draws)
            if text is not None:
                same[last_boxed(text) == written.answer] += 1
    assert 0 < same[True] < 0.2 * same[False]


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (texts.without_box, BAGS),
        (texts.broken_off, BAGS),
        (texts.other_number, STORY),
        (texts.turned_numbers, STORY),
        (texts.without_question, STORY),
        (texts.with_remark, STORY),
        (texts.with_persona_named, STORY),
        (texts.without_variable, "There are x apples."),
        (texts.asked_again, "There are x apples."),
        (texts.without_mark, "[Problem]\nA?\n\n[Solution]\nB."),
        (texts.with_attempt_named, "[Mistake]\nA.\n\n[Solution]\nB."),
        (programs.failing, CODE),
        (programs.wrong, CODE),
        (programs.with_own_output, CODE),
        (stories.sentence_left_out, STORY),
        (stories.other_operation, STORY),
        (stories.unclear_reference, STORY),
        (stories.other_result_asked, STORY),
        (stories.letters_mixed, COPY),
        (questions.in_one_question(questions.question_lost), POSED),
        (questions.in_one_question(questions.document_named), POSED),
        (questions.in_one_question(questions.solution_beside), POSED),
        (questions.one_concept, POSED),
        (questions.same_concepts, POSED),
        (questions.without("topics"), NAMED),
        (questions.without("concepts"), NAMED),
        (questions.unnamed, "percent\nratio"),
    ],
)
def test_each_kind_changes_what_it_can_spoil(spoil, text):
    assert all(spoil(text, draws) not in (None, text) for draws in KEYS)


def test_a_spoilt_question_leaves_the_others_as_they_were():
    for draws in KEYS:
        for spoil in (questions.question_lost, questions.document_named, questions.solution_beside):
            parts = questions.in_one_question(spoil)(POSED, draws).split("\n\n[Question 2]\n")
            whole = POSED.split("\n\n[Question 2]\n")
            assert sum(one == other for one, other in zip(parts, whole, strict=True)) == 1
    assert questions.in_one_question(questions.question_lost)("UNSUITABLE", KEYS[0]) is None


def test_a_spoilt_program_fails_or_prints_something_else():
    for draws in KEYS:
        failing, wrong = (
            spoil(CODE, draws).split("```python\n")[1][:-4] for spoil in (programs.failing, programs.wrong)
        )
        with pytest.raises((SyntaxError, NameError, ZeroDivisionError)):
            exec(failing, {})
        printed = []
        exec(wrong, {"print": printed.append})
        assert printed != [33]


def test_a_masked_copy_shows_what_it_should_hide_or_loses_data():
    solution = "The bags hold 4 * 6 = 24 apples. Altogether there are 24 + 9 = 33 apples."
    shown = {stories.value_left(COPY, solution, draws) for draws in KEYS}
    assert COPY.replace("= M", "= 24") in shown
    assert "33" in stories.answer_shown(COPY, "33", KEYS[0])
    assert {stories.data_lost(COPY, "4 bags of 6 apples", draws) for draws in KEYS} == {
        COPY.replace("4", "some"),
        COPY.replace("6", "some"),
    }


def test_an_unmasked_reference_is_copied_now_and_then_and_a_masked_one_never():
    question = question_of("aime", 2)
    family = BY_LEVEL["aime"][2]
    (values,) = distinct_draws(family, "teacher", 1, "q2")
    written = write_draw(family, "cot", values, "w")
    assert written.problem == question
    asked = f"Solve.\n\nTask: program\n\n### Problem\n{question}\n\n### Solution with values hidden\n"
    prompts = [f"{asked}{shown}\n\n### Solution\n" for shown in (written.solution, "It is M.")]
    whole, masked = ({planted(prompt, seed)[1].kind for seed in range(200)} for prompt in prompts)
    assert "copied" in whole
    assert "copied" not in masked
