"""Graphs over a library: strategies, joins and values; more graphs keep the earlier ones."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.decompositions import Call, Function, Parameter
from jz3.teacher.exact_programs import Drawing, graph_program, read_drawings
from jz3.teacher.function_library import Library, Node
from jz3.teacher.graph_draws import Graph, draw_graph, draw_values, plans, shown_calls, with_values
from jz3.teacher.graph_values import fault_of, first_without_fault
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import printed
from tests.teacher.test_function_library import ALL, library

STRATEGIES = ["co_occurrence", "topic", "edgeless"]
LIBRARY = library(ALL)


def node(name, topic, parameters, returns, body, literals=()):
    of = tuple(Parameter(*one.split(":")) for one in parameters.split(", "))
    names = ", ".join(one.name for one in of)
    source = f"def {name}({names}):\n    return {body}"
    return Node(
        Function(name, topic, "It.", of, returns, source), topic, 1, ("s",), (), literals or ((),) * len(of)
    )


def worked(people="number of people", shared="dollars"):
    return Library(
        (
            node("cost", "a", "price:dollars, count:items", "dollars", "price * count"),
            node("change", "a", "paid:dollars, cost:dollars", "dollars", "paid - cost"),
            node("share", "b", f"total:dollars, people:{people}", shared, "total / people"),
        ),
        (),
    )


GRAPH = Graph((0, 1, 2), (Call("cost", ("", "")), Call("change", ("", 0)), Call("share", (1, ""))))


def faults(drawn, library_=None):
    library_ = library_ or worked()
    program = graph_program([one.function for one in library_.nodes], GRAPH.calls, drawn)
    return [
        fault_of(library_, GRAPH, leaves, drawing)
        for leaves, drawing in zip(drawn, read_drawings(printed(program), len(drawn)), strict=True)
    ]


def test_the_worked_graph_is_drawn_again_until_its_result_is_new():
    found = faults([(7, 8, 84, 4), (7, 8, 88, 4), (7, 8, 100, 4)])
    assert [one and one.rule for one in found] == ["trivial", "trivial", None]
    in_money = faults([(7, 8, 100, 5)])
    in_items = faults([(7, 8, 100, 5)], worked(shared="number of items"))
    assert [one and one.rule for one in (*in_money, *in_items)] == [None, "implausible"]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("total / (people - people)", "failed"),
        ("float('nan')", "not_a_number"),
        ("complex(total, people)", "not_a_number"),
        ("total ** (people ** 3)", "huge"),
        ("total * 10 ** 9", "huge"),
        ("total / 977", "odd_value"),
        ("math.sqrt(total + 1)", "odd_value"),
        ("0 - total", "implausible"),
        ("total - total", "trivial"),
        ("[total, people]", "not_a_number"),
    ],
)
def test_what_is_no_problem_has_its_rule(body, rule):
    some = worked()
    broken = Library((*some.nodes[:2], node("share", "b", "total:dollars, people:x", "dollars", body)), ())
    (found,) = faults([(7, 8, 100, 4)], broken)
    assert found.rule == rule


def test_the_numbers_of_a_benchmark_item_are_told_in_no_words():
    family = next(one for one in FAMILIES if one.name == "grade.change")
    graph = Graph((0, 1), (Call("cost", ("", "")), Call("change", ("", 0))))
    rules = set()
    for part in ("benchmark", "teacher"):
        for values in distinct_draws(family, part, 12, "drawn"):
            cost = values.a * values.b
            drawing = Drawing((str(cost), str(values.c - cost)), "")
            found = fault_of(worked(), graph, (values.a, values.b, values.c), drawing)
            rules.add((part, found and found.rule))
    assert {("benchmark", "held_out"), ("teacher", None)} <= rules
    assert ("benchmark", None) not in rules


def test_a_drawing_in_whole_numbers_comes_before_others():
    drawn = [(7, 8, 100, 4), (7, 8, 100, 5), (7, 8, 103, 2)]
    program = graph_program([one.function for one in worked().nodes], GRAPH.calls, [drawn[1], drawn[0]])
    leaves, drawing = first_without_fault(
        worked(), GRAPH, [drawn[1], drawn[0]], read_drawings(printed(program), 2)
    )
    assert (leaves, drawing.nodes) == ((7, 8, 100, 4), ("56", "44", "11"))


def test_a_program_that_is_another_each_time_is_told():
    source = "def share(total, people):\n    seen.append(1)\n    return len(seen)"
    function = Function("share", "b", "It.", (Parameter("total", "x"), Parameter("people", "x")), "x", source)
    program = graph_program([function], [Call("share", ("", ""))], [(3, 4)])
    assert read_drawings(printed(f"seen = []\n{program}"), 1)[0].fault == "random"
    assert [one.nodes for one in read_drawings("3 4\n", 2)] == [(), ()]


def drawn(each, seeds=tuple(ALL), seed=7):
    found = {}
    for plan in plans(seeds, each, STRATEGIES, [1, 2, 3]):
        graph = draw_graph(LIBRARY, plan, seed)
        if graph is not None:
            found[plan] = with_values(graph, draw_values(LIBRARY, graph, plan, seed, 1)[0])
    return found


MANY = drawn(6)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 5), st.permutations(list(ALL)[:12]))
def test_more_graphs_keep_the_earlier_ones_whatever_the_order_of_seeds(each, seeds):
    few = drawn(each, seeds)
    assert all(MANY[plan] == graph for plan, graph in few.items())


def test_strategies_and_sizes_are_drawn_alike():
    sizes = Counter(plan.size for plan in plans(ALL, 9, STRATEGIES, [1, 2, 3]))
    assert len(set(sizes.values())) == 1
    assert max(Counter(plan.strategy for plan in MANY).values()) < 0.5 * len(MANY)


def test_every_result_but_the_last_is_used_once_in_an_argument_of_its_kind():
    for plan, graph in MANY.items():
        assert len(graph.calls) == len(set(graph.nodes)) == plan.size
        used = [one for call in graph.calls for one in call.arguments if isinstance(one, int)]
        assert sorted(used) == list(range(plan.size - 1))
        for place, (number, call) in enumerate(zip(graph.nodes, graph.calls, strict=True)):
            for parameter, one in zip(LIBRARY.nodes[number].function.parameters, call.arguments, strict=True):
                if isinstance(one, int):
                    assert one < place
                    assert LIBRARY.nodes[graph.nodes[one]].function.returns == parameter.kind
        leaves = [one for call in graph.calls for one in call.arguments if isinstance(one, str)]
        assert len(set(leaves)) == len(leaves)
        assert all(Fraction(one) >= 2 for one in leaves)


def test_strategies_keep_to_topics_and_edges():
    topics = [one.topic for one in LIBRARY.nodes]
    for plan, graph in MANY.items():
        pairs = [(a, b) for a in graph.nodes for b in graph.nodes if a < b]
        if plan.strategy == "topic":
            assert len({topics[number] for number in graph.nodes}) == 1
        if plan.strategy == "edgeless":
            assert all(topics[a] != topics[b] and (a, b) not in LIBRARY.together for a, b in pairs)
        if plan.strategy == "co_occurrence" and plan.size == 2:
            assert pairs[0] in LIBRARY.together or topics[pairs[0][0]] == topics[pairs[0][1]]
    assert any(plan.strategy == "edgeless" and plan.size > 1 for plan in MANY)


def test_functions_that_do_not_fit_are_not_joined():
    apart = Library((node("f", "a", "x:one", "two", "x"), node("g", "a", "x:three", "four", "x")), ())
    assert all(draw_graph(apart, plan, 1) is None for plan in plans(["s"], 3, ["topic"], [2]))


def test_calls_are_shown_as_python():
    graph = with_values(GRAPH, (7, 8, 100, 4))
    assert shown_calls(graph) == ["n0 = cost(7, 8)", "n1 = change(100, n0)", "n2 = share(n1, 4)"]
