"""An answer by program is made of what the model wrote and what its programs really printed."""

import pytest

from jz3.evaluation.templates import JIUZHANG, JIUZHANG_TORA, shown
from jz3.evaluation.tool_loop import Attempt, answer_with_tools, program_so_far
from jz3.generation.api import Generated
from jz3.sandbox.pool import open_sandbox
from jz3.sandbox.settings import Limits, SandboxSettings

SETTINGS = SandboxSettings(
    workers=1,
    required_level=2,
    limits=Limits(wall_seconds=5, cpu_seconds=5, memory_mb=256, output_characters=2000),
)


@pytest.fixture(scope="module")
def sandbox():
    with open_sandbox(SETTINGS) as opened:
        yield opened


def scripted(*texts):
    """A model that writes these texts, one a call, whatever it reads; it keeps what it read."""
    waiting, read = list(texts), []

    def generate(requests):
        read.extend(request.prompt for request in requests)
        return [Generated(waiting.pop(0), "stop", prompt_tokens=3, completion_tokens=2) for _ in requests]

    return generate, read


def answered(sandbox, *texts, rounds=4, shown_characters=400):
    generate, read = scripted(*texts)
    attempt = Attempt(prompt="Q\n", seed=1)
    (done,) = answer_with_tools(
        [attempt], generate, sandbox.run_all, rounds=rounds, shown_characters=shown_characters
    )
    return done, read


def test_a_program_runs_and_the_model_reads_its_output(sandbox):
    done, read = answered(sandbox, "```python\nprint(6 * 7)\n```\n", "The answer is \\boxed{42}.")
    assert done.text == ("```python\nprint(6 * 7)\n```\n```output\n42\n```\nThe answer is \\boxed{42}.")
    assert read[1] == "Q\n" + done.text.removesuffix("The answer is \\boxed{42}.")
    assert (done.calls, done.prompt_tokens, done.completion_tokens) == (2, 6, 4)


def test_a_second_program_sees_the_first_and_shows_only_its_own_output(sandbox):
    done, _ = answered(
        sandbox,
        "```python\nx = 5\nprint(x)\n```\n",
        "```python\nprint(x + 1)\n```\n",
        "\\boxed{6}",
    )
    assert done.text.count("```output\n5\n```") == 1
    assert "```output\n6\n```" in done.text


def test_an_output_that_speaks_of_errors_is_no_error(sandbox):
    done, _ = answered(sandbox, "```python\nprint('finance ...')\n```\n", "\\boxed{1}")
    assert "```output\nfinance ...\n```" in done.text


def test_an_error_is_shown_by_its_last_line(sandbox):
    done, _ = answered(sandbox, "```python\n1 / 0\n```\n", "\\boxed{1}")
    assert "```output\nZeroDivisionError: division by zero\n```" in done.text


def test_an_answer_without_a_program_ends_at_once_and_rounds_are_bounded(sandbox):
    done, read = answered(sandbox, "I do not know.", "never asked")
    assert (done.text, len(read)) == ("I do not know.", 1)
    done, read = answered(sandbox, *["```python\nprint(1)\n```\n"] * 9, rounds=3)
    assert done.calls == len(read) == 3


def test_a_long_output_is_shown_by_its_ends(sandbox):
    done, _ = answered(sandbox, "```python\nprint('a' * 50 + 'b' * 50)\n```\n", "", shown_characters=10)
    assert "```output\naaaaa...bbbbb\n```" in done.text


def test_a_program_is_built_from_the_answer_alone():
    assert program_so_far("text ```python\na = 1\n``` more ```python\nb = 2\n```") == "a = 1\nb = 2\n"


def test_prompts_are_those_of_the_training_rows():
    assert JIUZHANG.prompt("Why?", None) == "## Question\nWhy?\n\n## Solution\n"
    assert JIUZHANG_TORA.prompt("Why?", None).endswith("\n\n## Code Solution\n")
    assert shown("Which?", ["3", "4"]) == "Which?\nAnswer Choices: (A) 3 (B) 4"
