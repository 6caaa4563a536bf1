"""Merges the skills of many problems, and makes a graph of those that occur in one problem (MASS, section
6.5).

Promises: neither the order of the problems nor that of the names matters. Names are taken by count, then by
spelling; each joins the first kept name whose vector has a cosine above the threshold, otherwise it is itself
kept. So frequent names win, and there are no chains: if A is like B and B like C, C does not join A. A
problem has a skill once, however many of its names were merged into it. Costs a product of the names' vectors
with those of the kept names, in blocks: 13 s of a core for 10,000 names of 4,096 numbers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from jz3.core.hashing import content_id
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.skill_mention import SkillMention
from jz3.vectors.encoder import Encode

KIND = "skill"
BLOCK = 1_024
"""Names that are compared with all kept ones at once (chosen: 200 MB for 46,000 kept ones)."""
DECIMALS = 6
"""Decimals of a cosine in comparisons: other block sizes add in another order."""


@dataclass(frozen=True)
class SkillGraph:
    """Tables of Concept, ConceptEdge and SkillMention."""

    concepts: pl.DataFrame
    edges: pl.DataFrame
    mentions: pl.DataFrame


def skill_graph(
    named: Mapping[str, Sequence[str]], encode: Encode, similarity: float, edge_count: int
) -> SkillGraph:
    """The graph of each problem's skills, by `problem_id`; an edge joins two skills that at least
    `edge_count` problems have together.
    """
    into = merged(Counter(name for names in named.values() for name in set(names)), encode, similarity)
    of_problem = {problem: sorted({into[name] for name in named[problem]}) for problem in sorted(named)}
    counts = Counter(name for names in of_problem.values() for name in names)
    pairs = Counter(pair for names in of_problem.values() for pair in combinations(names, 2))
    ids = {name: content_id(KIND, name) for name in counts}
    edges = [
        {"one": min(ids[one], ids[other]), "other": max(ids[one], ids[other]), "count": count}
        for (one, other), count in pairs.items()
        if count >= edge_count
    ]
    mentions = [
        {"problem_id": problem, "spelling": name, "concept_id": ids[into[name]]}
        for problem, names in named.items()
        for name in dict.fromkeys(names)
    ]
    concepts = [
        {"concept_id": ids[name], "kind": KIND, "name": name, "count": count}
        for name, count in counts.items()
    ]
    return SkillGraph(
        _table(concepts, Concept.create_empty()),
        _table(edges, ConceptEdge.create_empty()),
        _table(mentions, SkillMention.create_empty()),
    )


def merged(counts: Mapping[str, int], encode: Encode, similarity: float) -> dict[str, str]:
    """The kept name of each name."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    into: dict[str, str] = {}
    kept: list[str] = []
    vectors: list[np.ndarray] = []
    for at in range(0, len(names), BLOCK):
        block = names[at : at + BLOCK]
        new = encode(block).astype(np.float64)
        before = np.concatenate(vectors) if vectors else new[:0]
        near = _above(new @ before.T, similarity)
        within = _above(new @ new.T, similarity)
        taken: list[int] = []
        for number, name in enumerate(block):
            earlier = np.flatnonzero(near[number])
            here = [other for other in taken if within[number, other]]
            if len(earlier):
                into[name] = kept[earlier[0]]
            elif here:
                into[name] = block[here[0]]
            else:
                into[name] = name
                taken.append(number)
        kept += [block[number] for number in taken]
        vectors.append(new[taken])
    return into


def _above(cosines: np.ndarray, similarity: float) -> np.ndarray:
    return np.round(cosines, DECIMALS) > similarity


def _table(rows: Sequence[Mapping[str, object]], empty: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=empty.schema).sort(empty.columns)
