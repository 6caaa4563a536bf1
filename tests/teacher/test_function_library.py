"""The function library: the canonical pairs of merging, and the laws by which no old graph changes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.decompositions import Call, read_decomposition
from jz3.teacher.exact_programs import called_program, equal_orders
from jz3.teacher.function_library import (
    candidates,
    comparisons,
    forms_of,
    library_of,
    meaning,
    reordered,
)
from jz3.writer.catalogue import FAMILIES
from jz3.writer.operations import OPERATIONS
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.decompose import decompose
from jz3.writer.write import printed, write_draw

COST = (
    'def total_cost(price: "money", count): "Cost of several equal items at a price."; return price * count'
)
ITEMS = (
    'def cost_of_items(n, unit_price: "money"): "The cost of n equal items at one unit price."; '
    "total = n * unit_price; return total"
)
AREA = 'def rectangle_area(length, width): "Area of a rectangle."; return length * width'
SIMPLE = (
    'def simple_interest(p, r, t): "Interest of a capital over years at a yearly rate."; return p * r * t'
)
COMPOUND = (
    'def compound_interest(p, r, t): "Compound interest of a capital over years at a yearly rate."; '
    "return p * (1 + r) ** t - p"
)
CHANGE = 'def change_due(paid, cost): "Change after paying the cost."; return paid - cost'
LEFT = 'def money_left(start, spent): "Money left of the start after spending."; return start - spent'
SAME = 'def f(a, b): "Change after paying the cost."; return b - a'
RATIO = 'def per(a, b): "Ratio of two numbers."; return a / b'
OTHER_RATIO = 'def ratio(a, b): "The ratio of the two numbers."; return b / a'
SPEED = 'def speed(a, b): "Way divided by time."; return a / b'
PRODUCT = 'def three(a, b, c): "Product of three numbers."; return a * b * c'
TURNED = 'def all_of(a, b, c): "The product of the three numbers."; return c * (a * b)'
MINUTES = 'def whole(a: "minutes", b: "minutes") -> "minutes": "Two times together."; return a + b'
HOURS = 'def whole(a: "hours", b: "hours") -> "hours": "Two times together."; return a + b'


def decomposition(source, arguments):
    name = source.partition("(")[0].removeprefix("def ")
    return read_decomposition(f"{source}\n\nprint({name}({', '.join(map(str, arguments))}))")


def library(decompositions, structure=0.95, least=0.6):
    forms = forms_of(decompositions)
    programs = comparisons(forms, candidates(forms, structure, least), 8, 5)
    return library_of(forms, equal_orders(printed(program) + "\n" for program in programs), decompositions)


def together(one, other, size=2):
    arguments = (20, 84, 3)[:size]
    pair = {
        "a": decomposition(one, arguments),
        "b": decomposition(other, arguments),
        "c": decomposition(one, arguments),
    }
    return library(pair)


@pytest.mark.parametrize(
    ("one", "other", "size", "order"),
    [
        (COST, ITEMS, 2, (1, 0)),
        (COST, AREA, 2, None),
        (SIMPLE, COMPOUND, 3, None),
        (CHANGE, LEFT, 2, None),
        (CHANGE, SAME, 2, (1, 0)),
        (PRODUCT, TURNED, 3, (0, 1, 2)),
        (RATIO, OTHER_RATIO, 2, (1, 0)),
        (RATIO, SPEED, 2, None),
        (MINUTES, HOURS, 2, None),
    ],
)
def test_canonical_pairs_merge_or_stay_apart(one, other, size, order):
    found = together(one, other, size)
    assert [merged.order for merged in found.merged] == ([] if order is None else [order])
    assert len(found.nodes) == (2 if order is None else 1)
    assert sum(node.count for node in found.nodes) == 3


def test_a_call_of_an_alias_keeps_its_sign_and_its_roles():
    merged = together(CHANGE, SAME).nodes[0]
    assert merged.aliases == (("f", (1, 0)),)
    assert reordered(("20", "84"), (1, 0)) == ("84", "20")
    assert merged.literals == (("20", "84"), ("20", "84"))
    cost = together(COST, ITEMS).nodes[0]
    assert [one.kind for one in cost.function.parameters] == ["money", "number"]
    assert cost.literals == (("20", "84"), ("20", "84"))


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        (COST, ITEMS, 0.730),
        (COST, AREA, 0.000),
        (SIMPLE, COMPOUND, 0.926),
        (CHANGE, LEFT, 0.224),
        (CHANGE, SAME, 1.000),
    ],
)
def test_descriptions_of_the_canonical_pairs_are_as_alike_as_in_the_fact_sheet(one, other, likeness):
    (ours,), (theirs,) = (
        forms_of({"a": decomposition(source, (20, 84, 3)[: source.partition(")")[0].count(",") + 1])})
        for source in (one, other)
    )
    assert meaning(ours.words, theirs.words) == pytest.approx(likeness, abs=5e-4)
    assert meaning(ours.words, type(ours.words)()) == 0


def test_functions_of_one_name_and_two_meanings_have_two_names():
    found = library({"a": decomposition(MINUTES, (3, 4)), "b": decomposition(HOURS, (3, 4))})
    assert sorted(node.function.name for node in found.nodes) == ["whole", "whole_2"]
    assert all(node.function.source.startswith(f"def {node.function.name}(") for node in found.nodes)


def test_spellings_of_one_operation_merge_and_operations_stay_apart():
    """All spellings that the problem writer has give one node for each operation."""
    found = library(written(range(128)))
    names = {name: key for key, operation in OPERATIONS.items() for name in operation.names}
    assert {names[node.function.name] for node in found.nodes} == {
        names[name]
        for node in found.nodes
        for name in (node.function.name, *(alias for alias, _ in node.aliases))
    }
    assert len(found.nodes) == len({names[node.function.name] for node in found.nodes}) > 12
    assert len(found.merged) > len(found.nodes)
    assert any(order != tuple(range(len(order))) for node in found.nodes for _, order in node.aliases)


def written(numbers):
    """Decompositions of the problem writer, by seed."""
    found = {}
    for number in numbers:
        family = FAMILIES[number % len(FAMILIES)]
        values = distinct_draws(family, "instruction", 1, f"of {number}")[0]
        question = write_draw(family, "cot", values, str(number)).problem
        text = decompose(f"### Problem\n{question}\n\n### Program\n", f"key {number}")
        read = read_decomposition(text)
        if hasattr(read, "calls"):
            found[f"s{number:03}"] = read
    return found


ALL = written(range(72))


@settings(deadline=None, max_examples=6)
@given(st.randoms(use_true_random=False), st.integers(8, 40))
def test_the_order_of_seeds_changes_nothing(chance, size):
    some = dict(list(ALL.items())[:size])
    mixed = list(some.items())
    random.Random(chance.random()).shuffle(mixed)
    assert library(dict(mixed)) == library(some)


def test_after_merging_every_old_graph_gives_the_same_and_every_argument_has_its_kind():
    found = library(ALL)
    nodes = {
        (node.function.doc, node.function.parameters, node.function.returns): node for node in found.nodes
    }
    into = {one.form.function.shown: one for one in found.merged}
    moved = 0
    for old in ALL.values():
        functions = {function.name: function for function in old.functions}
        calls = []
        for call in old.calls:
            function = functions[call.function]
            merged = into.get(function.shown)
            head = function if merged is None else merged.into.function
            order = tuple(range(len(call.arguments))) if merged is None else merged.order
            node = nodes[head.doc, head.parameters, head.returns].function
            assert [function.parameters[at].kind for at in order] == [one.kind for one in node.parameters]
            moved += order != tuple(range(len(order)))
            calls.append(Call(node.name, reordered(call.arguments, order)))
        now = called_program([node.function for node in found.nodes], calls)
        assert printed(now) == printed(called_program(old.functions, old.calls))
    assert moved > 3
