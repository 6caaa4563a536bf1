"""Answers with programs: what is read from them, what is kept, and what the next request is shown."""

import re

import pytest

from jz3.generation.chat import ChatAnswer
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits
from jz3.teacher.solutions import Solution
from jz3.teacher.tool_solutions import Begun, printing, read_tool_solution, trimmed, with_output
from jz3.teacher.tool_use import ToolUse
from jz3.text.problem_text import Unusable

LIMITS = Limits(wall_seconds=3, cpu_seconds=3, memory_mb=512, output_characters=10_000)
FIRST = ToolUse(LIMITS, 1)
RAN = ToolUse(LIMITS, 1, "We compute.\n```python\nprint(3 * 4)\n```\n```output\n12\n```\n")


def reply(text, reason="stop"):
    return ChatAnswer(text, reason, 1, 1, 0, by_batch=False)


GOOD = {
    "as asked": "We compute.\n```python\nprint(3 * 4)\n```",
    "llama, output made up": "We compute.\n\n```python\nprint(3 * 4)\n```\n"
    "```output\n13\n```\nThe answer is \\boxed{13}.",
    "gpt, in a list": "**Solution:**\nWe compute.\n   ```py\n   print(3 * 4)\n   ```\n   So \\boxed{12}",
    "qwen, thoughts": "<think>```python\nprint(5)\n```</think>\nWe compute.\n```Python\nprint(3 * 4)\n```\n",
    "deepseek, stopped at the fence": "We compute.\n```python\nprint(3 * 4)\n",
    "mistral, as a notebook": "We compute.\r\n```python\r\n3 * 4\r\n```\r\nSo it is 12.",
}
BAD = {
    "other_block": "It prints\n```output\n12\n```\nso \\boxed{12}.",
    "box_before_program": "It is \\boxed{12}, as\n```python\nprint(3 * 4)\n```\nsays.",
    "two_boxes": "It is $\\boxed{12}$.\nThe answer is \\boxed{12}.",
    "answer_differs": "Three fours are \\boxed{13}.",
    "no_answer": "I know no such problem.",
    "truncated": "We compute.\n```python\nprint(3 *",
}


@pytest.mark.parametrize("manner", GOOD)
def test_an_answer_is_cut_off_behind_its_first_program(manner):
    begun = read_tool_solution(reply(GOOD[manner]), "12", FIRST)
    assert begun == Begun("We compute.\n```python\nprint(3 * 4)\n```", LIMITS)


@pytest.mark.parametrize("rule", BAD)
def test_what_is_of_no_use_has_its_rule(rule):
    read = read_tool_solution(reply(BAD[rule], "length" if rule == "truncated" else "stop"), "12", FIRST)
    assert read.rule == rule


def test_an_answer_in_words_is_a_solution():
    read = read_tool_solution(reply("Three fours are \\boxed{12}.\nI hope that helps!"), "12", FIRST)
    assert read == Solution("Three fours are \\boxed{12}.", "12")


def test_the_rest_stands_behind_the_real_output():
    read = read_tool_solution(reply("So the answer is \\boxed{12}."), "12", RAN)
    assert read == Solution(f"{RAN.begun}So the answer is \\boxed{{12}}.", "12")
    repeated = read_tool_solution(reply("```output\n12\n```\nSo \\boxed{12}."), "12", RAN)
    assert repeated.rule == "other_block"


RESTS = {
    "as asked": "So the answer is \\boxed{12}.",
    "gpt, display": "The program prints 12, hence\n\n$$\\boxed{12}$$",
    "qwen, thoughts": "<think>It printed 12, or \\boxed{13}?</think>\nThus \\boxed{12}.",
    "llama, chats on": "Great! The result is $\\boxed{12}$.\n\nLet me know if you need more.",
    "claude, heading": "## Solution\nThree fours are $\\boxed{12}$.",
    "mistral, carriage returns": "It is\r\n\\[\r\n\\boxed{12}\r\n\\]\r\n",
}
NO_RESTS = {
    "other_block": "```output\n13\n```\nSo \\boxed{13}.",
    "answer_differs": "The program prints 12, and one more makes \\boxed{13}.",
    "no_answer": "The program prints 12.",
    "truncated": "So the answer is \\boxed{12}.",
}


@pytest.mark.parametrize("manner", RESTS)
def test_the_rest_in_the_manner_of_several_models_is_read(manner):
    read = read_tool_solution(reply(RESTS[manner]), "12", RAN)
    assert isinstance(read, Solution)
    assert read.answer == "12"
    assert read.text.startswith(RAN.begun)
    assert not re.search("think|13|## Sol|Let me", read.text.removeprefix(RAN.begun))


@pytest.mark.parametrize("rule", NO_RESTS)
def test_a_rest_that_is_of_no_use_has_its_rule(rule):
    reason = "length" if rule == "truncated" else "stop"
    assert read_tool_solution(reply(NO_RESTS[rule], reason), "12", RAN).rule == rule


def test_one_more_program_than_allowed_is_turned_away():
    more = reply("And then\n```python\nprint(1)\n```")
    assert read_tool_solution(more, "12", RAN).rule == "too_many_programs"
    again = read_tool_solution(more, "12", ToolUse(LIMITS, 2, RAN.begun))
    assert again.text == f"{RAN.begun}And then\n```python\nprint(1)\n```"


@pytest.mark.parametrize(
    ("status", "stdout", "expected"),
    [
        ("ok", "12\n", "```output\n12\n```\n"),
        ("ok", "", "no_output"),
        ("ok", "a\n```\n", "no_output"),
        ("error", "12\n", "program_failed"),
        ("timeout", "", "program_timeout"),
        ("output-limit", "1" * 99, "program_failed"),
    ],
)
def test_what_a_program_did_ends_a_solution_or_is_shown(status, stdout, expected):
    begun = Begun("We compute.\n```python\nprint(3 * 4)\n```", LIMITS)
    shown = with_output(begun, [ProgramResult(status, stdout, "", 0)])
    assert shown.rule == expected if isinstance(shown, Unusable) else shown == f"{begun.text}\n{expected}"


def test_only_what_a_second_program_adds_is_shown():
    begun = Begun(f"{RAN.begun}```python\nprint(7)\n```", LIMITS)
    results = [ProgramResult("ok", "12\n", "", 0), ProgramResult("ok", "12\n7\n", "", 0)]
    assert with_output(begun, results) == f"{begun.text}\n```output\n7\n```\n"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("x = 3\nx * 4", "x = 3\nprint(x * 4)"),
        ("x = 3; x * 4  # twelve", "x = 3; print(x * 4)"),
        ("(3\n * 4)", "print((3\n * 4))"),
        ("ä = 3; ä", "ä = 3; print(ä)"),
        ("print(3)\n3 * 4", "print(3)\n3 * 4"),
        ("x = 3", "x = 3"),
        ("3 *", "3 *"),
        ("", ""),
        ("\0", "\0"),
        ("(" * 10_000, "(" * 10_000),
    ],
)
def test_a_last_expression_is_printed_where_nothing_else_is(program, expected):
    assert printing(program) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n\\boxed{1}\nb", "a\n\\boxed{1}"),
        ("\\[\n\\boxed{1}\n\\]\nb", "\\[\n\\boxed{1}\n\\]"),
        ("a\n\\boxed{\\begin{matrix}\n1\\end{matrix}}\nb", "a\n\\boxed{\\begin{matrix}\n1\\end{matrix}}\nb"),
        ("a\nb", "a\nb"),
    ],
)
def test_what_follows_the_box_is_cut_off(text, expected):
    assert trimmed(text) == expected
