"""The score of a text by its similarity to skills, through a graph of skills (MASS, arXiv 2503.14917).

n_i is the number of reference problems with skill i, c_ij that of those with both i and j. The adjacency
matrix A has n_i / sum of n on its diagonal and c_ij / sum of c over pairs elsewhere, so that each of the two
groups sums to 1 (equations 1 and 2 of the paper). Let s be the similarities of a text to the skills, where
those below a floor, or other than the best few, count as 0:

linear      sum of s_i d_i,  d_i the sum of row i of A
quadratic   s A s

Linear without floor is the similarity to one vector, the sum of d_i e_i: then the skills count only through
their mean. Promises: a score depends only on its text; other texts and the block change it only by the
rounding of sums (1e-6 of it). Costs a product of a text's vector with all skills; in the form with one
vector, a product with that one.
"""

# ruff: noqa: N802, N803, N806, N815 (names of arrays end in their shape: N texts, K skills, D dimensions, E edges)

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jz3.core.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Adjacency = Literal["graph", "nodes", "identity"]
Weights = Literal["count", "log"]
Form = Literal["linear", "quadratic"]

BLOCK = 256
"""Texts that are compared with all skills together (chosen: 47 MB for 46,000 skills)."""


@dataclass(frozen=True)
class Matrix:
    """The adjacency matrix of skills, by index; each edge is stored once, but its weight counts both ways."""

    nodes_K: Doubles
    one_E: NDArray[np.int64]
    other_E: NDArray[np.int64]
    edges_E: Doubles

    @cached_property
    def degrees_K(self) -> Doubles:
        """[K] sums of the rows."""
        degrees = self.nodes_K.copy()
        np.add.at(degrees, self.one_E, self.edges_E)
        np.add.at(degrees, self.other_E, self.edges_E)
        return degrees


def matrix_of(concepts: pl.DataFrame, edges: pl.DataFrame, adjacency: Adjacency, weights: Weights) -> Matrix:
    """The matrix of rows of Concept, in their order, and rows of ConceptEdge. `nodes` leaves out the edges;
    `identity` leaves out the counts of skills, too: the control without a graph.
    """
    counted, pairs = _weighted(concepts["count"], weights), _weighted(edges["count"], weights)
    none = np.zeros(0, np.int64)
    if adjacency == "identity":
        return Matrix(np.ones(concepts.height), none, none, np.zeros(0))
    nodes = counted / max(float(counted.sum()), 1e-300)
    if adjacency == "nodes" or not edges.height:
        return Matrix(nodes, none, none, np.zeros(0))
    place = {concept_id: number for number, concept_id in enumerate(concepts["concept_id"])}
    ends = [np.array([place[end] for end in edges[side]], np.int64) for side in ("one", "other")]
    return Matrix(nodes, ends[0], ends[1], pairs / pairs.sum())


def _weighted(counts: pl.Series, weights: Weights) -> Doubles:
    numbers = counts.to_numpy().astype(np.float64)
    return np.log1p(numbers) if weights == "log" else numbers


@dataclass(frozen=True)
class Scorer:
    """Scores texts by their vectors, which must have length 1."""

    skills_KD: Floats
    matrix: Matrix
    form: Form
    floor: float | None
    most_skills: int | None
    """How many of a text's nearest skills count."""

    def __call__(self, texts_ND: Floats) -> Doubles:
        """[N] scores of texts."""
        if self.form == "linear" and self.floor is None and self.most_skills is None:
            return self.by_one_vector(texts_ND)
        blocks = [self._block(texts_ND[at : at + BLOCK]) for at in range(0, len(texts_ND), BLOCK)]
        return np.concatenate([np.zeros(0), *blocks])

    def by_one_vector(self, texts_ND: Floats) -> Doubles:
        """[N] the linear form without floor: the similarity to the sum of all skills weighted by their
        degrees.
        """
        return (texts_ND @ self._mean_D).astype(np.float64)

    @cached_property
    def _mean_D(self) -> Floats:
        return self.matrix.degrees_K.astype(np.float32) @ self.skills_KD

    def of_similarities(self, near_NK: Floats) -> Doubles:
        """[N] scores of texts by their similarities to the skills."""
        if self.most_skills is not None and self.most_skills < near_NK.shape[1]:
            least_N1 = -np.partition(-near_NK, self.most_skills - 1, axis=1)[:, self.most_skills - 1, None]
            near_NK = np.where(near_NK >= least_N1, near_NK, np.float32(0))
        floor = np.float32(-np.inf if self.floor is None else self.floor)
        if self.form == "linear":
            return _linear(near_NK, self.matrix.degrees_K.astype(np.float32), floor)
        counted_KN = np.ascontiguousarray(np.where(near_NK >= floor, near_NK, np.float32(0)).T)
        return _quadratic(
            counted_KN, self.matrix.nodes_K, self.matrix.one_E, self.matrix.other_E, self.matrix.edges_E
        )

    def _block(self, texts_ND: Floats) -> Doubles:
        return self.of_similarities(texts_ND @ self.skills_KD.T)


def floor_of(similarities_NK: Floats, quantile: float) -> float:
    """The quantile of all similarities, rounded down so that equal ones with other rounding still count."""
    return float(np.floor(np.quantile(similarities_NK, quantile, method="lower") * 1e6) / 1e6)


@compiled
def _linear(near_NK: Any, degrees_K: Any, floor: Any) -> Any:  # noqa: ANN401 (compiled)
    scores = np.zeros(near_NK.shape[0])
    for row in range(near_NK.shape[0]):
        score = 0.0
        # In short runs of float32, whose sums are exact enough.
        for start in range(0, near_NK.shape[1], 1024):
            part = np.float32(0)
            for skill in range(start, min(start + 1024, near_NK.shape[1])):
                near = near_NK[row, skill]
                part += near * degrees_K[skill] if near >= floor else np.float32(0)
            score += part
        scores[row] = score
    return scores


@compiled
def _quadratic(near_KN: Any, nodes_K: Any, one_E: Any, other_E: Any, edges_E: Any) -> Any:  # noqa: ANN401 (compiled)
    scores = np.zeros(near_KN.shape[1])
    for skill in range(near_KN.shape[0]):
        for text in range(near_KN.shape[1]):
            near = near_KN[skill, text]
            scores[text] += nodes_K[skill] * near * near
    for edge in range(len(edges_E)):
        one, other, weight = one_E[edge], other_E[edge], 2 * edges_E[edge]
        for text in range(near_KN.shape[1]):
            scores[text] += weight * near_KN[one, text] * near_KN[other, text]
    return scores
