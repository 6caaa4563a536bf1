"""Every prompt of every recipe has ten written answers, in the manners of at least four model families: six
give what is expected, the others are turned away by their rule.

Most stand beside the tests of what reads them. Here are those of prompts that share the reader of another
prompt, and the list of all: a prompt that is not in it fails.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from jz3.answers.equality import equal
from jz3.generation.chat import ChatAnswer
from jz3.sandbox.settings import Limits
from jz3.teacher.solutions import Solution, read_solution
from jz3.teacher.tool_solutions import Begun, read_tool_solution
from jz3.teacher.tool_use import ToolUse
from jz3.text.problem_text import programs_of
from jz3.writer.write import printed
from tests.teacher import (
    test_augment,
    test_concept_names,
    test_corrections,
    test_decompositions,
    test_masked_references,
    test_metamath,
    test_posed_questions,
    test_retellings,
    test_skills,
    test_statements,
    test_told_problems,
    test_tool_solutions,
)

RECIPES = Path(__file__).parents[2] / "data/recipes"
REASONS = {"truncated": "length", "not_finished": "content_filter"}
TOOL = ToolUse(Limits(wall_seconds=3, cpu_seconds=3, memory_mb=512, output_characters=10_000), 1)
FAMILIES = {"claude", "deepseek", "gemma", "gpt", "llama", "mistral", "qwen"}

# Clara has x dollars. Clara pays 5 dollars for each of 5 maps. How much money does Clara keep? Suppose the
# answer to this question is 14. Which number does x stand for?
UNKNOWN = {
    "as asked": "The problem gives x - 5 * 5 = 14.\nSo x = 14 + 25 = 39.\nThe letter stands for \\boxed{39}.",
    "gpt, headings and a display": (
        "### Solution\n\n**Equation:** $x - 5 \\cdot 5 = 14$\n\n**Solving:** $x = 14 + 25$\n\n$$\\boxed{39}$$"
    ),
    "qwen, thoughts": (
        "<think>\nx - 25 = 14. Is it \\boxed{11}? No.\n</think>\n\nFrom $x-25=14$ we get $x=39$.\n\n"
        "$\\boxed{39}$"
    ),
    "llama, steps": (
        "## Step 1: Write the equation\nx - 25 = 14\n\n## Step 2: Solve it\nx = 39\n\n"
        "The final answer is: $\\boxed{39}$"
    ),
    "claude, says what it does and checks": (
        "I'll set up an equation.\n\nClara spends 25 dollars, so x - 25 = 14 and x is \\boxed{39}.\n\n"
        "Check: 39 - 25 = 14, as it should be."
    ),
    "mistral, names the letter in the box": "She has x dollars.\r\n\r\nx - 25 = 14\r\n\\boxed{x = 39}\r\n",
}
NO_UNKNOWN = {
    "answer_differs": "Clara keeps x - 25 dollars, and this is 14. So the answer is \\boxed{14}.",
    "no_answer": "The equation is x - 25 = 14. So x = 39.",
    "truncated": "The problem gives x - 5 * 5 = 14, so \\boxed{39} is",
    "not_finished": "\\boxed{39}",
}

# There are 2 bags, and each bag holds 8 pens. Call this the stock. Ben has 47 pens and gives away the stock,
# keeping the others. How many pens does Ben keep?
WORD_PROBLEM = {
    "as asked": "The stock is 2 * 8 = 16. The rest is 47 - 16 = 31. The answer is \\boxed{31}.",
    "gpt, headings": (
        "**Solution**\n\n1. **Stock:** $2 \\times 8 = 16$ pens.\n2. **Rest:** $47 - 16 = 31$ pens.\n\n"
        "Ben keeps $\\boxed{31}$ pens."
    ),
    "qwen, thoughts": (
        "<think>\nKeep the others: 47 - 16 = 31. Or 47 + 16 = \\boxed{63}? No.\n</think>\n"
        "The stock has 16 pens, so Ben keeps 47 - 16 pens.\n\n$$\\boxed{31}$$"
    ),
    "llama, a unit in the box": "Step 1: 2 x 8 = 16\nStep 2: 47 - 16 = 31\n\nSo: \\boxed{31 \\text{ pens}}",
    "deepseek, a display": "The bags hold 16 pens, of which none stays:\n\\[\n47 - 16 = \\boxed{31}\n\\]",
    "mistral, carriage returns": "Ben gives away 2 * 8 = 16 pens.\r\nHe keeps \\boxed{31.0}.\r\n",
}
NO_WORD_PROBLEM = {
    "answer_differs": "Ben finds 16 pens more, so he has 47 + 16 = 63. The answer is \\boxed{63}.",
    "no_answer": "It is unclear whether Ben keeps the pens of the stock or the others.",
    "truncated": "The stock is 2 * 8 = 16. The rest is \\boxed{31",
    "not_finished": "The stock is 16.",
}

# In how many ways can 2 of 10 people be chosen? The subject is counting.
CODE = "```python\nfrom math import comb\nprint(comb(10, 2))\n```"
SUBJECT = {
    "as asked": f"This is a number of combinations.\n{CODE}",
    "gpt, heading, and words behind": f"### Solution\nWe choose 2 of 10.\n\n{CODE}\n\nThis prints it.",
    "qwen, thoughts": f"<think>\n```python\nprint(1)\n```\n</think>\nOrder does not matter.\n{CODE}",
    "claude, an output made up": f"A coefficient.\n\n{CODE}\n\n```output\n44\n```\nSo \\boxed{{44}}.",
    "mistral, a notebook": "Combinations.\r\n```py\r\nfrom math import comb\r\ncomb(10, 2)\r\n```\r\n",
    "llama, in words": "Each pair is counted twice: $10 \\cdot 9 / 2 = 45$.\n\nSo it is \\boxed{45}.",
}
NO_SUBJECT = {
    "other_block": "The program printed\n```\n45\n```\nso \\boxed{45}.",
    "box_before_program": f"It is \\boxed{{45}}, which a program confirms.\n{CODE}",
    "answer_differs": "Ordered pairs are counted, so there are \\boxed{90}.",
    "truncated": "This is a number of combinations.\n```python\nfrom math",
}

# The bags hold 4 * 6 = M apples. Altogether there are M + 9 = N apples.
LETTERS = "```python\nM = 4 * 6\nN = M + 9\nprint(N)\n```"
MASKED = {
    "as asked": f"First M is computed, then N.\n{LETTERS}",
    "gpt, heading, and words behind": f"**Solution**\nWe follow the steps.\n\n{LETTERS}\n\nHere N is it.",
    "qwen, thoughts": f"<think>M = 24, N = 33.</think>\nBoth values follow.\n{LETTERS}",
    "claude, an output made up": f"M are in the bags.\n\n{LETTERS}\n```output\n32\n```\nSo \\boxed{{32}}.",
    "deepseek, stopped at the fence": "The bags first.\n```python\nM = 4 * 6\nprint(M + 9)\n",
    "llama, in words": "M = 4 * 6 = 24 and N = M + 9 = 33.\n\nThe answer is $\\boxed{33}$.",
}
NO_MASKED = {
    "answer_differs": "The bags hold M apples, so the answer is \\boxed{N}.",
    "no_answer": "The bags hold 4 * 6 = M apples. Altogether there are M + 9 = N apples.",
    "two_boxes": "Here M = \\boxed{24}, and N = \\boxed{33}.",
    "truncated": "First M is computed.\n```python\nM = 4 *",
}


def reply(text, rule=None):
    return ChatAnswer(text, REASONS.get(rule, "stop"), 1, 1, 0, by_batch=False)


SOLUTIONS = [(UNKNOWN, NO_UNKNOWN, "39"), (WORD_PROBLEM, NO_WORD_PROBLEM, "31")]
PROGRAMS = [(SUBJECT, NO_SUBJECT, "45"), (MASKED, NO_MASKED, "33")]


@pytest.mark.parametrize(
    ("text", "expected"), [(text, expected) for good, _, expected in SOLUTIONS for text in good.values()]
)
def test_solutions_in_the_manner_of_several_models_are_read(text, expected):
    found = read_solution(reply(text), expected)
    assert isinstance(found, Solution), found
    assert equal(expected, found.answer).equal
    assert not re.search(r"think|\A\W*solution", found.text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [(rule, text, expected) for _, bad, expected in SOLUTIONS for rule, text in bad.items()],
)
def test_solutions_that_are_of_no_use_have_their_rule(rule, text, expected):
    assert read_solution(reply(text, rule), expected).rule == rule


@pytest.mark.parametrize(
    ("text", "expected"), [(text, expected) for good, _, expected in PROGRAMS for text in good.values()]
)
def test_programs_in_the_manner_of_several_models_are_gone_on_from(text, expected):
    found = read_tool_solution(reply(text), expected, TOOL)
    if "```" not in text:
        assert isinstance(found, Solution)
        return
    assert isinstance(found, Begun), found
    (program,) = programs_of(found.text)
    assert printed(program) == expected
    assert "output" not in found.text


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [(rule, text, expected) for _, bad, expected in PROGRAMS for rule, text in bad.items()],
)
def test_programs_that_are_of_no_use_have_their_rule(rule, text, expected):
    assert read_tool_solution(reply(text, rule), expected, TOOL).rule == rule


ANSWER = (test_augment.GOOD, [*test_augment.BAD])
OF_QUESTIONS = [*test_posed_questions.OF_ANSWERS, *test_posed_questions.OF_LEVELS_2_AND_3]
TEN = {
    "mass/skills.md": (test_skills.GOOD, [rule for _, rule in test_skills.BAD]),
    "metamath/answer.md": ANSWER,
    "metamath/declare.md": (
        test_statements.STATED,
        [text for text, rule in test_statements.STATEMENTS.items() if rule],
    ),
    "metamath/rephrase.md": (
        test_statements.REPLIES,
        [text for text, rule in test_metamath.REWORDED if rule],
    ),
    "metamath/unknown.md": (UNKNOWN, [*NO_UNKNOWN]),
    "openmathinstruct/continue.md": (test_tool_solutions.RESTS, [*test_tool_solutions.NO_RESTS]),
    "openmathinstruct/default.md": (test_tool_solutions.GOOD, [*test_tool_solutions.BAD]),
    "openmathinstruct/mask.md": (
        test_masked_references.MANNERS,
        [name for name, fault in test_masked_references.FAULTS.items() if fault],
    ),
    "openmathinstruct/masked.md": (MASKED, [*NO_MASKED]),
    "openmathinstruct/subject.md": (SUBJECT, [*NO_SUBJECT]),
    "personamath/reflect.md": (test_corrections.GOOD, [*test_corrections.BAD]),
    "personamath/retell.md": (test_retellings.GOOD, [*test_retellings.BAD]),
    "personamath/solve.md": ANSWER,
    "rvsyn/decompose.md": (test_decompositions.GOOD, [*test_decompositions.BAD]),
    "rvsyn/solve.md": (WORD_PROBLEM, [*NO_WORD_PROBLEM]),
    "rvsyn/tell.md": (test_told_problems.GOOD, [*test_told_problems.BAD]),
    "synthllm/concepts.md": (test_concept_names.GOOD, [*test_concept_names.BAD]),
    "synthllm/level_1.md": (
        test_posed_questions.LEVEL_1,
        [*test_posed_questions.OF_ANSWERS, *test_posed_questions.OF_LEVEL_1],
    ),
    "synthllm/level_2.md": (test_posed_questions.OF_TWO, OF_QUESTIONS),
    "synthllm/level_3.md": (test_posed_questions.LEVEL_3, OF_QUESTIONS),
    "synthllm/solve.md": ANSWER,
}
"""Of each prompt the answers that are read, by manner, and those that are not."""


@pytest.mark.parametrize(
    "prompt", sorted(file.relative_to(RECIPES).as_posix() for file in RECIPES.rglob("*.md"))
)
def test_every_prompt_has_ten_written_answers_of_four_model_families(prompt):
    good, bad = TEN[prompt]
    assert len(good) >= 6
    assert len(bad) >= 4
    assert len(FAMILIES & set(re.findall("[a-z]+", " ".join(good).lower()))) >= 4


def test_prompts_that_share_their_answers_are_the_same_text():
    sharing = defaultdict(set)
    for prompt, (good, _) in TEN.items():
        sharing[id(good)].add((RECIPES / prompt).read_text())
    assert all(len(texts) == 1 for texts in sharing.values())
    solver = RECIPES.parent / "solvers/task.md"
    assert solver.read_text() == (RECIPES / "metamath/answer.md").read_text(), (
        "DART-Math's solver is asked so"
    )
