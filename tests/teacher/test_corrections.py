r"""Reflections: only the new solution is read, and one that mentions the attempt is not accepted."""

from pathlib import Path

import pytest

from jz3.answers.equality import equal
from jz3.generation.chat import ChatAnswer
from jz3.teacher.corrections import corrected, read_correction
from jz3.teacher.solutions import Solution

RECIPES = Path(__file__).parents[2] / "data/recipes"
QUESTION = "A van holds 7 crates of 8 jars each, and 6 jars break. How many jars are whole?"
SOLUTION = "The crates hold 7 * 8 = 56 jars.\nOf these 56 - 6 = 50 are whole.\nThe answer is \\boxed{50}."

GOOD = {
    "as asked": f"[Mistake]\nIt adds the broken jars instead of taking them away.\n\n[Solution]\n{SOLUTION}",
    "gpt, headings": f"### Mistake\nThe attempt adds 6.\n\n### Solution\n{SOLUTION}",
    "claude, bold with colons": f"**[Mistake]** 56 + 6 is wrong.\n\n**[Solution]**\n\n{SOLUTION}",
    "qwen, thoughts": f"<think>[Solution] \\boxed{{6}}</think>[Mistake]\nIt adds.\n\n[Solution]\n{SOLUTION}",
    "llama, numbered": f"## 1. Mistake\nThe last step.\n\n## 2. Corrected Solution:\n{SOLUTION}",
    "gemini, in a fence": f"```markdown\n[Mistake]\nIt adds.\n\n[Solution]\n{SOLUTION}\n```",
    "deepseek, escaped, and a rule": f"\\[Mistake\\]\nIt adds.\n\n\\[Solution\\]\n{SOLUTION}\n\n---",
    "claude, tags": f"<mistake>\nIt adds.\n</mistake>\n\n<solution>\n{SOLUTION}\n</solution>",
    "qwen, wide brackets": f"【**Mistake**】\nIt adds.\n\n【**Solution**】\n{SOLUTION}",
    "gpt, closing marks and a courtesy": (
        f"[Mistake]\nIt adds.\n[/Mistake]\n[Solution]\n{SOLUTION}\n[/Solution]\n\nI hope this helps!"
    ),
    "mistral, carriage returns": f"Mistake: the sign.\r\n\r\nSolution: {SOLUTION}".replace("\n", "\r\n"),
}
BAD = {
    "no_correction": f"The attempt adds the broken jars. {SOLUTION}",
    "attempt_named": f"[Mistake]\nIt adds.\n\n[Solution]\nUnlike your answer, we subtract. {SOLUTION}",
    "still_wrong": "[Mistake]\nIt multiplies.\n\n[Solution]\n7 * 8 + 6 = 62, so \\boxed{62}.",
    "no_answer": "[Mistake]\nIt adds.\n\n[Solution]\n7 * 8 - 6 = 50. #### 50",
}


def reply(text, reason="stop"):
    return ChatAnswer(text, reason, 1, 1, 0, by_batch=False)


@pytest.mark.parametrize("manner", GOOD)
def test_reflections_in_the_manner_of_several_models_are_read(manner):
    found = read_correction(reply(GOOD[manner]), "50", QUESTION)
    assert isinstance(found, Solution)
    assert found.text.replace("\r", "") == SOLUTION
    assert equal("50", found.answer).equal


@pytest.mark.parametrize("rule", BAD)
def test_reflections_that_are_of_no_use_have_their_rule(rule):
    assert read_correction(reply(BAD[rule]), "50", QUESTION).rule == rule


@pytest.mark.parametrize(
    ("text", "reason", "rule"),
    [
        (GOOD["as asked"][:-5], "length", "truncated"),
        (GOOD["as asked"], "content_filter", "not_finished"),
        (f"[Solution]\n{SOLUTION}\n\n[Mistake]\nIt adds.", "stop", "no_correction"),
        (f"[Mistake]\nIt adds.\n[Solution]\n{SOLUTION}\n[Solution]\n{SOLUTION}", "stop", "no_correction"),
        ("[Mistake]\nIt adds.\n\n[Solution]\n", "stop", "no_correction"),
        (f"[Solution]\n{SOLUTION} So the error was the sign.", "stop", "attempt_named"),
    ],
)
def test_other_reflections(text, reason, rule):
    assert read_correction(reply(text, reason), "50", QUESTION).rule == rule


def test_a_solution_after_another_reflection_starts_from_what_stands_under_the_mark():
    assert corrected(reply(BAD["still_wrong"]), QUESTION) == "7 * 8 + 6 = 62, so \\boxed{62}."


def test_a_word_of_the_question_does_not_name_an_attempt():
    question = "The percent error of 50 measured as 51 is wanted. What is the error?"
    text = "[Mistake]\nIt divides.\n[Solution]\nThe error is 1 / 50 = 0.02, that is \\boxed{2}."
    assert isinstance(read_correction(reply(text), "2", question), Solution)


def test_seeds_are_solved_with_the_prompt_whose_answers_other_tests_read():
    prompts = [(RECIPES / name).read_text() for name in ("personamath/solve.md", "metamath/answer.md")]
    assert prompts[0] == prompts[1], "tests/teacher/test_augment.py has ten answers to it"
