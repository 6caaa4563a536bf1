"""The library: functions of all decompositions, merged if form and meaning are alike (RV-Syn).

Two functions are merged if the structure of their canonical forms and the meaning of their descriptions are
similar enough, their values have the same kinds, and with some order of arguments both always give the same
results. Of several such orders the one with the most similar parameter names is chosen, then the one that the
canonical forms give. The order is stored with the alias: a call `f(20, 84)` of `b - a` becomes
`change_due(84, 20)`.

Promise: the order of the decompositions does not matter. A merged node counts its aliases' uses, has the
topic that most of them have (ties by name), and name, source and description of the one used most.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from jz3.core.hashing import content_id, draw_order
from jz3.teacher.canonical import Canonical, canonical, structure
from jz3.teacher.decompositions import MOST_PARAMETERS, Decomposition, Function
from jz3.teacher.exact_programs import Orders, comparing_program

_STOP_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "each", "for", "from", "given", "gives", "how", "in",
    "into", "is", "it", "its", "of", "on", "one", "or", "per", "that", "the", "their", "them", "these",
    "this", "those", "to", "total", "what", "when", "which", "with", "return", "returns", "compute",
    "computes", "calculate", "calculates", "result",
))  # fmt: skip
COMPARED = 16
"""Forms that one program compares (chosen): a program that does not end prevents these from being merged."""
LARGEST_ARGUMENT = 20
"""The largest argument in comparisons of functions (chosen: small enough for powers)."""


@dataclass(frozen=True)
class Form:
    """A function as it was written, for all places where it was written alike."""

    function: Function
    seed_ids: tuple[str, ...]
    """Seeds of the decompositions that have it, with repeats."""

    @cached_property
    def form_id(self) -> str:
        """The name of the form."""
        return content_id(self.function.shown)

    @cached_property
    def canonical(self) -> Canonical:
        """Its canonical form."""
        return canonical(self.function.definition)

    @cached_property
    def words(self) -> Counter[str]:
        """Words of its description, except stop words."""
        found = re.findall(r"[a-z]+", self.function.doc.lower())
        return Counter(word for word in found if word not in _STOP_WORDS)


@dataclass(frozen=True)
class Node:
    """A function of the library."""

    function: Function
    """The function; no other node has its name."""
    topic: str
    count: int
    """Decompositions that have it or an alias of it."""
    seed_ids: tuple[str, ...]
    """Seeds of these decompositions."""
    aliases: tuple[tuple[str, tuple[int, ...]], ...]
    """Names of merged functions and, for each argument of the node, its position in the alias; aliases that
    agree in both are listed once.
    """
    literals: tuple[tuple[str, ...], ...] = ()
    """For each parameter, the literals that decompositions gave it."""

    @cached_property
    def node_id(self) -> str:
        """The id of the function."""
        return content_id(self.function.shown)


@dataclass(frozen=True)
class Merged:
    """A form that became part of another, with the order of its arguments."""

    form: Form
    into: Form
    order: tuple[int, ...]


@dataclass(frozen=True)
class Library:
    """Nodes, what was merged into them, and which of them occur in one decomposition."""

    nodes: tuple[Node, ...]
    merged: tuple[Merged, ...]
    together: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """Counts by pairs of nodes, the smaller number first."""


def forms_of(decompositions: Mapping[str, Decomposition]) -> list[Form]:
    """The functions of decompositions (by seed), the most used first."""
    found: dict[str, tuple[Function, list[str]]] = {}
    for seed_id, decomposition in sorted(decompositions.items()):
        for function in decomposition.functions:
            found.setdefault(function.shown, (function, []))[1].append(seed_id)
    forms = [Form(function, tuple(seeds)) for function, seeds in found.values()]
    return sorted(forms, key=lambda form: (-len(form.seed_ids), form.form_id))


def meaning(one: Counter[str], other: Counter[str]) -> float:
    """Cosine of two counts of words; 0 if one has none."""
    product = sum(count * other.get(word, 0) for word, count in one.items())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return product / lengths if lengths else 0.0


def candidates(forms: Sequence[Form], least_structure: float, least_meaning: float) -> dict[int, list[int]]:
    """For each form, by number, the earlier ones that are similar in structure and meaning and have the same
    kinds.
    """
    alike: dict[int, list[int]] = {}
    by_kinds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    structures: dict[tuple[str, str], float] = {}
    for number, form in enumerate(forms):
        function = form.function
        kinds = (*sorted(one.kind for one in function.parameters), "gives", function.returns)
        for earlier in by_kinds[kinds]:
            other = forms[earlier]
            texts = (form.canonical.text, other.canonical.text)
            if texts not in structures:
                structures[texts] = structure(form.canonical, other.canonical)
            if structures[texts] >= least_structure and meaning(form.words, other.words) >= least_meaning:
                alike.setdefault(number, []).append(earlier)
        by_kinds[kinds].append(number)
    return alike


def comparisons(
    forms: Sequence[Form], alike: Mapping[int, Sequence[int]], trials: int, seed: int
) -> list[str]:
    """The programs that compare forms with their candidates, on arguments that are drawn."""
    functions = {number: form.function for number, form in enumerate(forms)}
    tuples = {
        size: [
            [
                2 + draw_order(seed, f"{size}/{trial}/{place}") % (LARGEST_ARGUMENT - 1)
                for place in range(size)
            ]
            for trial in range(trials)
        ]
        for size in range(1, MOST_PARAMETERS + 1)
    }
    pairs = [(number, others) for number, others in alike.items()]
    return [
        comparing_program(functions, dict(pairs[start : start + COMPARED]), tuples)
        for start in range(0, len(pairs), COMPARED)
    ]


def library_of(
    forms: Sequence[Form],
    orders: Orders,
    decompositions: Mapping[str, Decomposition],
) -> Library:
    """Merge forms. `orders` are those in which two forms are equal: if one of them preserves the kinds, the
    later form becomes part of the first such node.
    """
    into: dict[int, tuple[int, tuple[int, ...]]] = {}
    for number, earlier in sorted(orders):
        order = best_order(forms[number], forms[earlier], orders[number, earlier])
        if number not in into and earlier not in into and order is not None:
            into[number] = earlier, order
    heads = [number for number in range(len(forms)) if number not in into]
    members = {head: [head, *(one for one, (node, _) in into.items() if node == head)] for head in heads}
    names = _distinct_names([forms[head].function for head in heads])
    nodes = [_node(head, members[head], into, forms, name) for head, name in zip(heads, names, strict=True)]
    place = {one: number for number, head in enumerate(heads) for one in members[head]}
    numbers = {form.function.shown: place[number] for number, form in enumerate(forms)}
    kept_order = {
        form.function.shown: into[number][1] if number in into else None for number, form in enumerate(forms)
    }
    return Library(
        nodes=_with_literals(nodes, decompositions, numbers, kept_order),
        merged=tuple(Merged(forms[one], forms[node], order) for one, (node, order) in sorted(into.items())),
        together=_together(decompositions, numbers),
    )


def best_order(form: Form, node: Form, orders: Iterable[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The best order of those with equal results, by kinds, then names, then canonical forms; None if none
    preserves the kinds.
    """
    own, others = form.function.parameters, node.function.parameters
    fitting = [
        order
        for order in orders
        if all(own[place].kind == other.kind for place, other in zip(order, others, strict=True))
    ]
    names = [one.name for one in own]
    canonical_order = tuple(
        names.index(form.canonical.order[node.canonical.order.index(other.name)]) for other in others
    )

    def preferred(order: tuple[int, ...]) -> tuple[float, bool, tuple[int, ...]]:
        alike = sum(_alike(names[place], other.name) for place, other in zip(order, others, strict=True))
        return -alike, order != canonical_order, order

    return min(fitting, key=preferred, default=None)


def reordered(arguments: Sequence[str | int], order: Sequence[int]) -> tuple[str | int, ...]:
    """Arguments of an alias in the order of its node."""
    return tuple(arguments[place] for place in order)


def _alike(one: str, other: str) -> float:
    """The share of the parts of two names that both have."""
    parts, others = set(one.lower().split("_")), set(other.lower().split("_"))
    return len(parts & others) / len(parts | others)


def _distinct_names(functions: Sequence[Function]) -> list[str]:
    taken: set[str] = set()
    names: list[str] = []
    for function in functions:
        tried = (function.name, *(f"{function.name}_{number}" for number in range(2, len(functions) + 2)))
        names.append(next(name for name in tried if name not in taken))
        taken.add(names[-1])
    return names


def _node(
    head: int,
    members: Sequence[int],
    into: Mapping[int, tuple[int, tuple[int, ...]]],
    forms: Sequence[Form],
    name: str,
) -> Node:
    topics = Counter[str]()
    for one in members:
        topics[forms[one].function.topic] += len(forms[one].seed_ids)
    topic = min(topics, key=lambda topic: (-topics[topic], topic))
    seeds = tuple(sorted(itertools.chain.from_iterable(forms[one].seed_ids for one in members)))
    return Node(
        function=_renamed(forms[head].function, name),
        topic=topic,
        count=len(seeds),
        seed_ids=tuple(dict.fromkeys(seeds)),
        aliases=tuple(
            dict.fromkeys((forms[one].function.name, into[one][1]) for one in members if one != head)
        ),
    )


def _renamed(function: Function, name: str) -> Function:
    """A function under another name, which a recursive one also uses for itself."""
    if name == function.name:
        return function
    source = re.sub(rf"(?<![\w.]){re.escape(function.name)}(?=\()", name, function.source)
    return replace(function, name=name, source=source)


def _with_literals(
    nodes: Sequence[Node],
    decompositions: Mapping[str, Decomposition],
    numbers: Mapping[str, int],
    orders: Mapping[str, tuple[int, ...] | None],
) -> tuple[Node, ...]:
    seen = [[set[str]() for _ in node.function.parameters] for node in nodes]
    for decomposition in decompositions.values():
        by_name = {function.name: function.shown for function in decomposition.functions}
        for call in decomposition.calls:
            shown = by_name[call.function]
            order = orders[shown]
            arguments = call.arguments if order is None else reordered(call.arguments, order)
            for place, argument in enumerate(arguments):
                if isinstance(argument, str):
                    seen[numbers[shown]][place].add(argument)
    return tuple(
        replace(node, literals=tuple(tuple(sorted(some)) for some in places))
        for node, places in zip(nodes, seen, strict=True)
    )


def _together(
    decompositions: Mapping[str, Decomposition], numbers: Mapping[str, int]
) -> dict[tuple[int, int], int]:
    counts = Counter[tuple[int, int]]()
    for decomposition in decompositions.values():
        found = sorted({numbers[function.shown] for function in decomposition.functions})
        counts.update(itertools.combinations(found, 2))
    return dict(sorted(counts.items()))
