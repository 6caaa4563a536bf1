"""A graph of what passages are about, and walks that combine concepts across passages (SynthLLM).

Nodes are topics and key concepts; an edge joins two concepts of the same passage and counts such passages. A
walk starts at a topic, takes a step or two over topics, one to a key concept, and three or four over key
concepts. It goes from u to v with probability exp(w(u, v)) / sum over neighbours of exp(w), where w =
log(count + epsilon); that is (count + epsilon) over the sum of these (paper, concept graph). Without a
neighbour it stays where it is (chosen: the paper does not say).

Each step is drawn by hash of seed, epoch, topic and place: more epochs keep the earlier walks, and the order
of passages does not matter. Building costs the square of a passage's concepts; the search for a combination's
passages reads those that have one of its concepts.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np

from jz3.core.hashing import content_id, draw_order
from jz3.teacher.concept_names import NamedConcepts

TOPIC, KEY_CONCEPT = "topic", "key_concept"
LARGE = 1_000
"""With more passages than this, distant ones are discarded before the rest are sorted (chosen)."""
_DRAWS = 1 << 63


@dataclass(frozen=True)
class Walks:
    """The length of walks."""

    topic_steps: tuple[int, int]
    """Fewest and most steps from topic to topic."""
    concept_steps: tuple[int, int]
    """Fewest and most steps from key concept to key concept."""
    epsilon: float


@dataclass
class ConceptGraph:
    """Concepts by id, the passages that have each, and how many have two of them."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    of_passage: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Concept ids by passage."""
    together: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """For each concept, its neighbours with their counts."""
    _steps: dict[tuple[str, str, float], tuple[list[str], np.ndarray]] = field(
        default_factory=dict[tuple[str, str, float], tuple[list[str], np.ndarray]], repr=False
    )

    @property
    def topics(self) -> list[str]:
        return sorted(one for one, kind in self.kinds.items() if kind == TOPIC)

    def neighbours(self, concept_id: str, kind: str) -> dict[str, int]:
        """Neighbours of a kind, with the number of passages that have both; in the order of their ids."""
        beside = self.together[concept_id]
        return {one: beside[one] for one in sorted(beside) if self.kinds[one] == kind}

    def steps(self, concept_id: str, kind: str, epsilon: float) -> tuple[list[str], np.ndarray]:
        """Neighbours of a kind, and their cumulative probabilities. Cached, because walks come by again."""
        found = self._steps.get((concept_id, kind, epsilon))
        if found is None:
            to = chances(self.neighbours(concept_id, kind), epsilon)
            found = list(to), np.cumsum(list(to.values()))
            self._steps[concept_id, kind, epsilon] = found
        return found

    @cached_property
    def passages(self) -> list[str]:
        return sorted(self.of_passage)

    @cached_property
    def having(self) -> dict[str, np.ndarray]:
        """For each concept, the indices in `passages` that have it."""
        found: dict[str, list[int]] = {one: [] for one in self.names}
        for place, passage_id in enumerate(self.passages):
            for one in self.of_passage[passage_id]:
                found[one].append(place)
        return {one: np.array(places, np.int64) for one, places in found.items()}

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many concepts each of `passages` has."""
        return np.array([len(self.of_passage[one]) for one in self.passages], np.int64)


def concept_id(kind: str, name: str) -> str:
    """The id of a node; a topic and a key concept with the same name have different ids."""
    return content_id(kind, name)


def concept_graph(named: Mapping[str, NamedConcepts]) -> ConceptGraph:
    """The graph of passages, by their ids."""
    graph = ConceptGraph()
    for passage_id in sorted(named):
        ids: set[str] = set()
        for kind, names in ((TOPIC, named[passage_id].topics), (KEY_CONCEPT, named[passage_id].key_concepts)):
            for name in names:
                one = concept_id(kind, name)
                graph.names[one], graph.kinds[one] = name, kind
                graph.together.setdefault(one, Counter())
                ids.add(one)
        graph.of_passage[passage_id] = frozenset(ids)
        for one, other in combinations(sorted(ids), 2):
            graph.together[one][other] += 1
            graph.together[other][one] += 1
    return graph


def weight(count: int, epsilon: float) -> float:
    """The weight of an edge between concepts that `count` passages share."""
    return math.log(count + epsilon)


def chances(counts: Mapping[str, int], epsilon: float) -> dict[str, float]:
    """The probability of each neighbour in a walk: exp(weight) over the sum of these."""
    total = sum(count + epsilon for count in counts.values())
    return {one: (count + epsilon) / total for one, count in counts.items()}


def walk(graph: ConceptGraph, topic: str, epoch: int, walks: Walks, seed: int) -> tuple[str, ...]:
    """The concepts on a walk from a topic, each once."""
    key = f"{epoch}\x00{topic}"
    here, met = topic, [topic]
    for number in range(_drawn(walks.topic_steps, f"{key}\x00topics", seed)):
        here = _step(graph, here, TOPIC, walks, f"{key}\x00topic {number}", seed)
        met.append(here)
    for number in range(1 + _drawn(walks.concept_steps, f"{key}\x00concepts", seed)):
        here = _step(graph, here, KEY_CONCEPT, walks, f"{key}\x00concept {number}", seed)
        met.append(here)
    return tuple(dict.fromkeys(met))


def nearest(graph: ConceptGraph, concepts: Collection[str], count: int) -> list[tuple[str, float]]:
    """The passages that share most with some concepts, by Jaccard index, then by id; none that share
    nothing.
    """
    shared_by = np.zeros(len(graph.passages), np.int64)
    for one in concepts:
        shared_by[graph.having[one]] += 1
    places = np.flatnonzero(shared_by)
    shared = shared_by[places]
    index = shared / (graph.sizes[places] + len(concepts) - shared)
    if len(places) > max(LARGE, count):  # all that may be among the first, including ties
        least = np.partition(index, -count)[-count]
        places, index = places[index >= least], index[index >= least]
    order = np.lexsort((places, -index))[:count]
    return [(graph.passages[int(places[one])], float(index[one])) for one in order]


def jaccard(one: Collection[str], other: Collection[str]) -> float:
    """The Jaccard index of two sets of concepts."""
    some, others = set(one), set(other)
    return len(some & others) / max(len(some | others), 1)


def combination_id(concepts: Sequence[str]) -> str:
    """The same id for the same concepts, in whatever order a walk met them."""
    return content_id("combination", *sorted(concepts))


def edges(graph: ConceptGraph) -> Iterator[tuple[str, str, int]]:
    """Each pair once, with the smaller id first."""
    for one in sorted(graph.together):
        for other in sorted(graph.together[one]):
            if one < other:
                yield one, other, graph.together[one][other]


def _drawn(bounds: tuple[int, int], key: str, seed: int) -> int:
    low, high = bounds
    return low + draw_order(seed, key) % (high - low + 1)


def _step(graph: ConceptGraph, here: str, kind: str, walks: Walks, key: str, seed: int) -> str:
    ids, bounds = graph.steps(here, kind, walks.epsilon)
    if not ids:
        return here
    place = np.searchsorted(bounds, draw_order(seed, key) / _DRAWS, side="right")
    return ids[min(int(place), len(ids) - 1)]  # the last bound is 1 up to rounding
