"""The library, its edges and the graphs of told problems, as tables (RV-Syn)."""

from collections.abc import Sequence

import polars as pl

from jz3.tables.function_call import FunctionCall
from jz3.tables.function_edge import FunctionEdge
from jz3.tables.library_function import LibraryFunction
from jz3.teacher.function_library import Library
from jz3.teacher.graph_draws import Graph, Plan, shown_argument
from jz3.teacher.workings import Working

Told = tuple[str, Plan, Graph, Sequence[str]]
"""Id of a graph, how it was drawn, its calls, and their values."""


def workings_of(library: Library, told: Sequence[Told]) -> list[Working]:
    """Three tables: `functions`, `edges`, `graphs`."""
    functions = pl.DataFrame(_functions(library), schema=LibraryFunction.create_empty().schema)
    edges = pl.DataFrame(_edges(library), schema=FunctionEdge.create_empty().schema)
    calls = [call for one in told for call in _calls(library, *one)]
    graphs = pl.DataFrame(calls, schema=FunctionCall.create_empty().schema)
    return [
        Working("functions", LibraryFunction, functions),
        Working("edges", FunctionEdge, edges),
        Working("graphs", FunctionCall, graphs),
    ]


def _functions(library: Library) -> list[dict[str, object]]:
    return [
        {
            "function_id": node.node_id,
            **{name: getattr(node.function, name) for name in ("name", "doc", "returns", "source")},
            "topic": node.topic,
            "parameters": [vars(one) for one in node.function.parameters],
            "count": node.count,
            "seed_ids": list(node.seed_ids),
            "aliases": [{"name": name, "order": list(order)} for name, order in node.aliases],
        }
        for node in library.nodes
    ]


def _edges(library: Library) -> list[dict[str, object]]:
    nodes = library.nodes
    pairs = [(pair, "co_occurrence", count) for pair, count in library.together.items()]
    pairs += [
        ((one, other), "topic", 1)
        for one in range(len(nodes))
        for other in range(one + 1, len(nodes))
        if nodes[one].topic == nodes[other].topic
    ]
    return [
        {"one": nodes[one].node_id, "other": nodes[other].node_id, "kind": kind, "count": count}
        for (one, other), kind, count in pairs
    ]


def _calls(
    library: Library, graph_id: str, plan: Plan, graph: Graph, values: Sequence[str]
) -> list[dict[str, object]]:
    return [
        {
            "graph_id": graph_id,
            "node": place,
            "function_id": library.nodes[number].node_id,
            "arguments": list(map(shown_argument, call.arguments)),
            "value": value,
            "strategy": plan.strategy,
        }
        for place, (number, call, value) in enumerate(zip(graph.nodes, graph.calls, values, strict=True))
    ]
