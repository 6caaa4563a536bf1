"""The problem writer as RV-Syn's teacher: it takes problems apart, tells graphs, and solves told problems."""

import ast
import re
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path

import pytest

from jz3.answers.equality import equal
from jz3.text.problem_text import last_boxed, programs_of
from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import plain
from jz3.writer.operations import OF_FAMILY, OPERATIONS
from jz3.writer.refusal import Refused
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks import decompose, tell, word_problem
from jz3.writer.tasks.manner import UNKNOWN
from jz3.writer.write import printed
from tests.teacher.story_reader import answer_of


def apart(question, key="key"):
    return decompose.decompose(
        f"Take apart.\n\nTask: decompose\n\n### Problem\n{question}\n\n### Program\n", key
    )


def solved(story, key="key"):
    return word_problem.word_problem(
        f"Solve.\n\nTask: word_problem\n\n### Problem\n{story}\n\n### Solution\n", key
    )


def stories():
    """A story for each operation in every order of its arguments' names, and for pairs that can be joined."""
    for number, (key, operation) in enumerate(OPERATIONS.items()):
        for spelling in (0, 1):
            yield from told(
                [(key, spelling, [str(7 + 3 * place) for place in range(len(operation.roles))])], number
            )
    for one, other in permutations(OPERATIONS, 2):
        if one == "quotient" and other in ("power", "remainder"):  # of integers
            continue
        slots = [
            place
            for place, (_, kind) in enumerate(OPERATIONS[other].roles)
            if kind == OPERATIONS[one].returns
        ]
        for slot in slots[:1]:
            first = [str(20 + 3 * place) for place in range(len(OPERATIONS[one].roles))]
            second = [
                "n0" if place == slot else str(5 + place) for place in range(len(OPERATIONS[other].roles))
            ]
            yield from told([(one, 0, first), (other, 1, second)], slot)


def told(calls, number):
    functions, lines, values = [], [], []
    for place, (key, spelling, arguments) in enumerate(calls):
        operation = OPERATIONS[key]
        order = list(range(len(arguments)))[:: -1 if spelling else 1]
        names = [operation.roles[role][0][spelling] for role in order]
        kinds = [operation.roles[role][1] for role in order]
        shown = ", ".join(f'{name}: "{kind}"' for name, kind in zip(names, kinds, strict=True))
        name = operation.names[spelling]
        functions.append(f'def {name}({shown}) -> "{operation.returns}":\n    """It."""\n    return 0')
        lines.append(f"n{place} = {name}({', '.join(arguments[role] for role in order)})")
        known = [values[int(one[1:])] if one.startswith("n") else one for one in arguments]
        values.append(f"({operation.expression.format(*(f'({one})' for one in known))})")
    data = "### Functions\n{}\n\n### Calls\n{}\n\n### Problem\n".format(
        "\n\n".join(functions), "\n".join(lines)
    )
    prompt = f"Tell.\n\nTask: tell\n\n{data}"
    for draw in range(3):
        yield tell.tell(prompt, f"{number}/{draw}"), values[-1]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_problem_is_taken_apart_right_or_left_alone(family):
    values = distinct_draws(family, "teacher", 3, "apart")
    for number, one in enumerate(values):
        text = apart(family.wordings[0].format(**one.drawn), f"key {number}")
        if text == decompose.NOT_KNOWN:
            assert family.name not in OF_FAMILY
            continue
        (program,) = programs_of(text)
        body = ast.parse(program).body
        assert all(isinstance(line, ast.FunctionDef | ast.Assign | ast.Expr) for line in body)
        assert all(len(line.body) <= 3 for line in body if isinstance(line, ast.FunctionDef))
        assert equal(plain(family.solve(one)["answer"]), printed(program).removesuffix(".0")).equal


def test_three_of_five_families_are_taken_apart_and_spelled_in_several_ways():
    drawn = [distinct_draws(family, "teacher", 1, "a")[0].drawn for family in FAMILIES]
    questions = [family.wordings[0].format(**one) for family, one in zip(FAMILIES, drawn, strict=True)]
    known = [question for question in questions if apart(question) != decompose.NOT_KNOWN]
    assert len(known) / len(FAMILIES) > 0.6
    assert len({apart(questions[0], f"key {number}") for number in range(30)}) > 20


def test_every_story_is_solved_to_what_its_calls_give():
    count = 0
    for story, expression in stories():
        boxed = last_boxed(solved(story))
        assert boxed is not None, story
        exact = eval(re.sub(r"\d+", r"Fraction(\g<0>)", expression), {"Fraction": Fraction})
        assert equal(boxed, str(exact)).equal, story
        assert equal(boxed, str(answer_of(story))).equal, "of a reader that is neither"
        assert story.count("?") == 1
        count += 1
    assert count > 300


SPOILT = (
    "Anna has twice as many apples as Ann and Ben have. Ben has 7 apples. How many apples does Anna have?",
    "Anna buys 8 lamps at 7 dollars each; this is the bill. Anna pays it with 100 dollars and gets the "
    "difference back; this is the change. How many dollars does the change come to?",
    "Anna buys 8 lamps at 7 dollars each; this is the bill. How many lamps does the bill come to?",
    "Anna buys 8 lamps at 7 dollars each; this is the bill. How many dollars does the change come to?",
    "Anna has 8 lamps and finds 7 cups as well; this is the collection. "
    "How many lamps does the collection come to?",
    "Anna has 8 lamps and finds 7 lamps as well; this is the collection. Ben has 9 lamps. "
    "How many lamps does the collection come to?",
    "Anna has 8 lamps and finds 7 lamps as well; this is the stock. 5 is divided by 2; this is the quotient. "
    "How many lamps does the stock come to?",
    "8 is divided by 0; this is the quotient. What is the quotient?",
    "2 is raised to the power 2000; this is the power. What is the power?",
    "",
)


@pytest.mark.parametrize("story", SPOILT)
def test_a_story_that_says_too_little_or_two_things_gets_no_answer(story):
    assert solved(story) == UNKNOWN


def test_solver_and_teller_share_no_code():
    source = Path(word_problem.__file__).read_text()
    imported = set(re.findall(r"^from (\S+) import", source, re.MULTILINE))
    assert not imported & {"jz3.writer.operations", "jz3.writer.tasks.tell", "jz3.writer.vocabulary"}
    assert "jz3.writer.operations" in Path(tell.__file__).read_text()


def test_functions_that_are_not_known_are_not_told():
    prompt = '### Functions\ndef f(a: "x") -> "y":\n    pass\n\n### Calls\nn0 = f(3)\n\n### Problem\n'
    assert tell.tell(prompt, "key") == tell.NOT_KNOWN
    assert tell.tell(prompt.replace("f(", "area("), "key") == tell.NOT_KNOWN
    assert tell.tell(prompt.replace("n0 = f(3)", "none"), "key") == tell.NOT_KNOWN


@pytest.mark.parametrize("task", [decompose.decompose, tell.tell, word_problem.word_problem])
def test_a_prompt_without_its_headings_is_refused(task):
    with pytest.raises(Refused, match="a prompt of the task"):
        task("Task: it\n\nHow many?", "key")


def test_descriptions_of_one_operation_are_alike_and_names_are_of_one():
    names = [name for operation in OPERATIONS.values() for name in operation.names]
    assert len(set(names)) == len(names)
    for operation in OPERATIONS.values():
        one, other = (set(re.findall(r"[a-z]+", doc.lower())) for doc in operation.docs)
        assert len(one & other) >= 2
        spelled = [name for each, _ in operation.roles for name in each]
        assert len(set(spelled)) == len(spelled)
    results = [operation.result for operation in OPERATIONS.values()]
    assert all(one != other for one, other in combinations(results, 2))
