r"""`Task: tell`: a graph of functions and calls as a word problem.

    Task: tell
    ...
    ### Functions
    (the functions, with kinds and descriptions)

    ### Calls
    (the calls, one a line)

    ### Problem

A sentence tells each call and says what its result is called, the last one asks for the result. Names, goods
and wordings are drawn by the key of the request. A function that is none of the writer's operations is not
told, and the writer says so.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from jz3.writer.draws import Draws
from jz3.writer.operations import AREA, DUE, ITEMS, LENGTH, MINUTES, OPERATIONS, OWNED, Computation
from jz3.writer.refusal import Refused
from jz3.writer.vocabulary import GOODS, NAMES

DATA = re.compile(r"^### Functions\n(.*)\n### Calls\n(.*)\n### Problem\s*\Z", re.MULTILINE | re.DOTALL)
NOT_KNOWN = "I do not know these functions and cannot tell a story of them."
_FUNCTION = re.compile(r"^def (\w+)\(([^)]*)\)", re.MULTILINE)
_CALL = re.compile(r"^n(\d+) = (\w+)\((.*)\)$", re.MULTILINE)
_UNITS = {OWNED: "dollars", DUE: "dollars", MINUTES: "minutes", LENGTH: "meters", AREA: "square meters"}
_TURNS = ("first", "second", "third", "fourth")
ENDS = ("; this is the {result}.", ". Call this the {result}.")
QUESTIONS = ("How many {unit} does the {result} come to?", "What is the {result}, counted in {unit}?")
PLAIN_QUESTIONS = ("What is the {result}?", "Which number is the {result}?")


@dataclass(frozen=True)
class _Told:
    """A function that the writer knows, and the role of each argument in the function's order."""

    operation: Computation
    roles: tuple[int, ...]


def tell(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'tell' has '### Functions' and '### Calls' and ends '### Problem'",
        )
    functions: dict[str, _Told] = {}
    for name, parameters in _FUNCTION.findall(asked[1]):
        told = _known(name, re.findall(r"(\w+):", parameters))
        if told is None:
            return NOT_KNOWN
        functions[name] = told
    calls = [(name, arguments.split(", ")) for _, name, arguments in _CALL.findall(asked[2])]
    if not calls or any(name not in functions for name, _ in calls):
        return NOT_KNOWN
    return _story([(functions[name], arguments) for name, arguments in calls], key)


def _known(name: str, parameters: list[str]) -> _Told | None:
    """The operation that a function's name means, ignoring a number at its end, and the names of its
    arguments.
    """
    for operation in OPERATIONS.values():
        if re.sub(r"_\d+$", "", name) not in operation.names:
            continue
        roles = [
            next((role for role, (names, _) in enumerate(operation.roles) if one in names), None)
            for one in parameters
        ]
        known = [role for role in roles if role is not None]
        if sorted(known) == list(range(len(operation.roles))) and len(known) == len(roles):
            return _Told(operation, tuple(known))
    return None


def _story(calls: list[tuple[_Told, list[str]]], key: str) -> str:
    draws = Draws(key)
    words = {"name": draws.choice("name", NAMES), "goods": draws.choice("goods", GOODS)}
    results = _results([told.operation for told, _ in calls])
    sentences: list[str] = []
    for number, (told, arguments) in enumerate(calls):
        operation = told.operation
        slots = [""] * len(arguments)
        for role, argument in zip(told.roles, arguments, strict=True):
            slots[role] = _phrase(argument, operation.roles[role][1], results, words)
        sentence = draws.choice(f"told/{number}", operation.told).format(*slots, **words)
        end = draws.choice(f"end/{number}", ENDS).format(result=results[number])
        sentences.append(f"{sentence[0].upper()}{sentence[1:]}{end}")
    kind = calls[-1][0].operation.returns
    unit = words["goods"] if kind == ITEMS else _UNITS.get(kind)
    asked = draws.choice("question", PLAIN_QUESTIONS if unit is None else QUESTIONS)
    return " ".join([*sentences, asked.format(unit=unit, result=results[-1])])


def _results(operations: list[Computation]) -> list[str]:
    """The name of each result; equal names are numbered."""
    times = Counter(one.result for one in operations)
    seen = Counter[str]()
    results: list[str] = []
    for one in operations:
        turn = f"{_TURNS[seen[one.result]]} " if times[one.result] > 1 else ""
        results.append(f"{turn}{one.result}")
        seen[one.result] += 1
    return results


def _phrase(argument: str, kind: str, results: list[str], words: Mapping[str, str]) -> str:
    """A value as in a story: `7 apples`, `the bill`; a bare number if the sentence says of what."""
    if argument.startswith("n"):
        return f"the {results[int(argument[1:])]}"
    unit = words["goods"] if kind == ITEMS else _UNITS.get(kind)
    return argument if unit is None else f"{argument} {unit}"
