"""Each case of `problem_texts.jsonl` is an answer as models write them, with what must be read from it."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.text.problem_text import (
    ParsedProblem,
    Unusable,
    last_boxed,
    programs_of,
    read_completion,
    read_problem,
    render_problem,
)

CASES = [
    json.loads(line) for line in (Path(__file__).parent / "problem_texts.jsonl").read_text().splitlines()
]
OPENED = "grade cot\nA passage.\n[Problem]\n"
WHOLE = "Level: grade\n### Passage\nA passage.\n\n### New problem\n"


def test_there_are_enough_cases_of_both_sorts():
    assert sum("rule" in case for case in CASES) >= 20
    assert sum("problem" in case for case in CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"].replace(" ", "-"))
def test_an_answer_as_models_write_it(case):
    found = read_completion(
        case["text"], case.get("finish_reason", "stop"), case["kind"], case.get("prompt", WHOLE)
    )
    if "rule" in case:
        assert isinstance(found, Unusable), found
        assert found.rule == case["rule"]
        assert (
            " ... " in found.evidence
            or found.evidence.removeprefix("content_filter: ") in f"[Problem]\n{case['text']}"
        )
    else:
        assert isinstance(found, ParsedProblem), found
        assert found.problem == case["problem"]
        assert found.answer == case["answer"]
        assert found.solution == case.get("solution", found.solution)
        assert found.program == case.get("program")
        assert found.output == case.get("output")


words = st.lists(st.from_regex(r"[a-z0-9+=.,$]{1,8}", fullmatch=True), min_size=1, max_size=12).map(" ".join)
prompts = st.sampled_from([OPENED, WHOLE])


@given(words, words, st.integers(), prompts)
def test_what_is_rendered_for_a_student_is_read_back(problem, steps, answer, prompt):
    solution = f"{steps}\nThe answer is \\boxed{{{answer}}}."
    found = read_completion(render_problem(problem, solution, prompt), "stop", "cot", prompt)
    assert found == ParsedProblem(problem, solution, str(answer), None, None)


@given(words, st.lists(words, min_size=1).map("\n".join), words, prompts)
def test_a_tool_problem_is_read_back_and_its_program_found(problem, program, output, prompt):
    solution = f"```python\n{program}\n```\n```output\n{output}\n```\nThe answer is \\boxed{{{output}}}."
    found = read_completion(render_problem(problem, solution, prompt), "stop", "tool", prompt)
    assert isinstance(found, ParsedProblem)
    assert (found.problem, found.solution) == (problem, solution)
    assert [found.program] == [program] == programs_of(found.solution)
    assert found.output == output


@given(st.text(alphabet="[]ProblemSlutin/*#:`\n -\\boxed{}", max_size=120), st.sampled_from(["cot", "tool"]))
def test_any_text_is_read_or_refused_and_what_is_read_is_not_empty(text, kind):
    found = read_problem(text, kind)
    if isinstance(found, ParsedProblem):
        assert found.problem.strip()
        assert found.solution.strip()
    else:
        assert found.rule


@given(st.text(alphabet="{}\\boxed{12", max_size=60))
def test_a_box_is_matched_or_none(text):
    content = last_boxed(text)
    assert content is None or content in text


def test_long_hostile_texts_are_read_in_time():
    for text in ("\\boxed{" * 20_000, "{" * 100_000, "[Problem]" * 20_000, "```\n" * 30_000, "\n" * 100_000):
        read_problem(text, "tool")
        read_problem(f"[Problem]\nWhat?\n[Solution]\n{text}", "cot")


@pytest.mark.parametrize("kind", ["cot", "tool"])
def test_nearly_all_published_problems_are_read_back_as_they_are(kind):
    """The others of 1,000 have no single program, or end with an empty heading, which is cut off."""
    file = Path(os.environ.get("JZ3_SHARED", "../shared")) / f"samples/{kind}.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not there")
    same = 0
    for line in file.read_text().splitlines():
        row = json.loads(line)
        problem = row["input"].removeprefix("## Question\n").rpartition("\n\n## ")[0].strip()
        solution = row["output"].strip()
        found = read_completion(render_problem(problem, solution, OPENED), "stop", kind, OPENED)
        same += isinstance(found, ParsedProblem) and (found.problem, found.solution) == (problem, solution)
    assert same >= 990
