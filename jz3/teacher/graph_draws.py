"""Draws graphs over a library: which functions, how they are joined, and with which values (RV-Syn).

Functions are drawn by one of three strategies (the names are the paper's, the probabilities ours):

- `co_occurrence`: the first by its count; each further one by how often it occurs in one decomposition with
  those already drawn; if none does, as in `topic`;
- `topic`: a topic by its number of functions, without topics of a single function; its functions uniformly;
- `edgeless`: the first by one over its count; each further one uniformly from those that share neither a
  decomposition nor a topic with any already drawn.

They are joined so that every result but the last goes into an argument of the same kind. If that is
impossible, other functions are drawn, at most TRIES times. Values are integers, all different within one
drawing, from half the smallest to twice the greatest value that decompositions gave to the parameter, or else
to its kind.

Promise: a graph is drawn by hash of its seed, its number and the library; so more graphs keep the earlier
ones.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal, TypeVar

from jz3.core.hashing import content_id, draw_order
from jz3.teacher.decompositions import Argument, Call
from jz3.teacher.function_library import Library

Strategy = Literal["co_occurrence", "topic", "edgeless"]
DRAWS = 1 << 63
"""The range of `draw_order`."""
TRIES = 20
"""Sets of functions that are drawn until one can be joined (chosen: half of them cannot, on the problem
writer).
"""
USUAL = (2, 20)
"""The range of values of a kind that no decomposition gave a literal (chosen: small)."""
LARGEST = 10_000
"""The largest value drawn (chosen: a story stays readable)."""
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """A graph to be drawn: its seed, and its number there."""

    seed_id: str
    index: int
    strategy: Strategy
    size: int
    """The number of functions."""

    @cached_property
    def plan_id(self) -> str:
        """The name of the plan."""
        return content_id("graph", self.seed_id, str(self.index), self.strategy, str(self.size))


@dataclass(frozen=True)
class Graph:
    """Functions that are joined: each call names a node of the library by its number."""

    nodes: tuple[int, ...]
    calls: tuple[Call, ...]
    """The calls; their literals are empty until values are drawn."""


def plans(
    seed_ids: Iterable[str], each: int, strategies: Sequence[Strategy], sizes: Sequence[int]
) -> list[Plan]:
    """`each` graphs for each seed, with strategies and sizes in turn, starting at a place that the seed's
    hash decides; the first ones of all seeds come first.
    """
    found: list[Plan] = []
    seeds = [(seed_id, draw_order(0, seed_id)) for seed_id in seed_ids]
    for index in range(each):
        for seed_id, turn in seeds:
            strategy = strategies[(turn + index) % len(strategies)]
            size = sizes[(turn // len(strategies) + index) % len(sizes)]
            found.append(Plan(seed_id, index, strategy, size))
    return found


def draw_graph(library: Library, plan: Plan, seed: int) -> Graph | None:
    """Functions joined to a graph; None if no set that was drawn can be joined."""
    for attempt in range(TRIES):
        drawn = _Drawn(seed, plan, attempt)
        nodes = _nodes(library, plan, drawn)
        graphs = _joined(library, nodes) if len(nodes) == plan.size else []
        if graphs:
            return graphs[drawn.place("joined", len(graphs))]
    return None


def draw_values(library: Library, graph: Graph, plan: Plan, seed: int, drawings: int) -> list[list[int]]:
    """Drawings of the values of all literals, in order; the values of one drawing are all different."""
    ranges = _ranges(library, graph)
    found: list[list[int]] = []
    for drawing in range(drawings):
        drawn = _Drawn(seed, plan, drawing)
        values: list[int] = []
        for place, (low, high) in enumerate(ranges):
            high = max(high, low + len(ranges))  # so that there is a value for each
            tried = (
                low + drawn.place(f"value/{place}/{number}", high - low + 1) for number in itertools.count()
            )
            values.append(next(value for value in tried if value not in values))
        found.append(values)
    return found


def with_values(graph: Graph, values: Sequence[int]) -> Graph:
    """A graph with these literals, in order."""
    rest = iter(values)
    calls = tuple(
        replace(
            call, arguments=tuple(one if isinstance(one, int) else str(next(rest)) for one in call.arguments)
        )
        for call in graph.calls
    )
    return replace(graph, calls=calls)


def shown_calls(graph: Graph) -> list[str]:
    """The calls as a prompt shows them: `n1 = change(100, n0)`."""
    return [
        f"n{number} = {call.function}({', '.join(map(shown_argument, call.arguments))})"
        for number, call in enumerate(graph.calls)
    ]


def shown_argument(one: Argument) -> str:
    """A literal, or `n0` for the value of call 0."""
    return f"n{one}" if isinstance(one, int) else one


@dataclass(frozen=True)
class _Drawn:
    """Draws by hash, each with a name."""

    seed: int
    plan: Plan
    attempt: int

    def share(self, name: str) -> float:
        return draw_order(self.seed, f"{self.plan.plan_id}/{self.attempt}/{name}") / DRAWS

    def place(self, name: str, count: int) -> int:
        return draw_order(self.seed, f"{self.plan.plan_id}/{self.attempt}/{name}") % count

    def weighted(self, name: str, options: Sequence[T], weights: Sequence[float]) -> T:
        point = self.share(name) * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            if point < weight:
                return option
            point -= weight
        return options[-1]


def _nodes(library: Library, plan: Plan, drawn: _Drawn) -> list[int]:
    match plan.strategy:
        case "co_occurrence":
            return _by_neighbours(library, plan.size, drawn)
        case "topic":
            return _by_topic(library, plan.size, drawn, ())
        case "edgeless":
            return _without_edges(library, plan.size, drawn)


def _by_neighbours(library: Library, size: int, drawn: _Drawn) -> list[int]:
    counts = [float(node.count) for node in library.nodes]
    chosen = [drawn.weighted("first", range(len(counts)), counts)]
    while len(chosen) < size:
        weights: dict[int, float] = defaultdict(float)
        for (one, other), count in library.together.items():
            if (one in chosen) != (other in chosen):
                weights[other if one in chosen else one] += count
        if not weights:
            return _by_topic(library, size, drawn, chosen)
        options = sorted(weights)
        chosen.append(drawn.weighted(f"next/{len(chosen)}", options, [weights[one] for one in options]))
    return chosen


def _by_topic(library: Library, size: int, drawn: _Drawn, chosen: Sequence[int]) -> list[int]:
    """Functions of the first one's topic, or of a drawn topic; too few if the topic has no more."""
    by_topic: dict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(library.nodes):
        by_topic[node.topic].append(number)
    found = list(chosen)
    if not found:
        topics = sorted(topic for topic, nodes in by_topic.items() if len(nodes) > 1)
        if not topics:
            return []
        topic = drawn.weighted("topic", topics, [float(len(by_topic[topic])) for topic in topics])
    else:
        topic = library.nodes[found[0]].topic
    rest = [number for number in by_topic[topic] if number not in found]
    return _evenly(found, size, drawn, lambda chosen: [number for number in rest if number not in chosen])


def _without_edges(library: Library, size: int, drawn: _Drawn) -> list[int]:
    rarity = [1 / node.count for node in library.nodes]
    first = drawn.weighted("first", range(len(rarity)), rarity)

    def apart(chosen: Sequence[int]) -> list[int]:
        topics = {library.nodes[one].topic for one in chosen}
        near = {one for pair in library.together for one in pair if set(pair) & set(chosen)} | set(chosen)
        return [
            number
            for number, node in enumerate(library.nodes)
            if number not in near and node.topic not in topics
        ]

    return _evenly([first], size, drawn, apart)


def _evenly(
    found: list[int], size: int, drawn: _Drawn, options: Callable[[Sequence[int]], list[int]]
) -> list[int]:
    while len(found) < size:
        some = options(found)
        if not some:
            break
        found = [*found, some[drawn.place(f"next/{len(found)}", len(some))]]
    return found


def _joined(library: Library, nodes: Sequence[int]) -> list[Graph]:
    """Every way to join these functions so that each result but the last is used once, in a fixed order."""
    found: list[Graph] = []
    for order in itertools.permutations(nodes):
        slots: list[list[tuple[int, int]]] = []
        for place, number in enumerate(order[:-1]):
            kind = library.nodes[number].function.returns
            slots.append(
                [
                    (later, at)
                    for later in range(place + 1, len(order))
                    for at, one in enumerate(library.nodes[order[later]].function.parameters)
                    if one.kind == kind
                ]
            )
        found += [
            _graph(library, order, dict(zip(choice, range(len(order)), strict=False)))
            for choice in itertools.product(*slots)
            if len(set(choice)) == len(choice)
        ]
    return found


def _graph(library: Library, order: Sequence[int], results: dict[tuple[int, int], int]) -> Graph:
    calls: list[Call] = []
    for place, number in enumerate(order):
        function = library.nodes[number].function
        arguments: list[Argument] = [results.get((place, at), "") for at in range(len(function.parameters))]
        calls.append(Call(function.name, tuple(arguments)))
    return Graph(tuple(order), tuple(calls))


def _ranges(library: Library, graph: Graph) -> list[tuple[int, int]]:
    """For each literal of a graph, the range to draw from."""
    return [
        _range(library.nodes[number].literals[at] or _literals_of(library, one.kind))
        for number, call in zip(graph.nodes, graph.calls, strict=True)
        for at, one in enumerate(library.nodes[number].function.parameters)
        if isinstance(call.arguments[at], str)
    ]


def _literals_of(library: Library, kind: str) -> tuple[str, ...]:
    """The literals that decompositions gave to any parameter of a kind."""
    seen = {
        literal
        for node in library.nodes
        for one, literals in zip(node.function.parameters, node.literals, strict=True)
        if one.kind == kind
        for literal in literals
    }
    return tuple(sorted(seen))


@lru_cache(maxsize=4_096)
def _range(seen: tuple[str, ...]) -> tuple[int, int]:
    values = sorted(abs(Fraction(text)) for text in seen)
    if not values:
        return USUAL
    low = min(max(2, int(values[0] / 2)), LARGEST)
    return low, min(max(2 * int(values[-1]), low + 1), LARGEST)
