"""The value of problems by MASS: their similarity to skills that are frequent in reference problems.

A problem is its question and solution together, as an encoder sees them. Similarities below the floor count
as 0; the floor is a quantile over the reference problems, not over the problems that are valued: so a value
depends only on its problem, and candidates and corpus are valued alike. Nothing is lost: every problem has a
value. Costs the encoder's pass, a product with the skills (jz3/selection/skill_scores.py), and a call of the
tokenizer; a frame of problems in memory, and 24 bytes per problem.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy
import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import In, InDir
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.core.text_tokens import text_encodings
from jz3.selection.selection_spread import quantiles
from jz3.selection.skill_scores import Adjacency, Doubles, Form, Matrix, Scorer, Weights, floor_of, matrix_of
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.value import Value
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.vectors.encoder import Encode, EncoderParams

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FRAME_ROWS = 2_048
"""Problems that are encoded together (chosen: 34 MB of vectors of 4,096 numbers)."""


class Floor(Params):
    """The similarity from which on similarities count."""

    quantile: float = Field(ge=0, lt=1)
    """The quantile of the similarities of reference problems to all skills."""
    references: int = Field(ge=1)
    """How many of the reference problems to use, drawn by hash."""


class ValueParams(Params):
    """A section `value.NAME`: one form of the score."""

    method: str = Field(min_length=1)
    """The method's name in the tables."""
    form: Form
    adjacency: Adjacency
    """`graph`; or, for comparison, `nodes` (only counts of skills) or `identity` (no graph)."""
    weights: Weights
    """Weights of skills and edges: their `count`, or `log` of 1 + count."""
    floor: Floor | None
    """null: every similarity counts."""
    most_skills: int | None = Field(ge=1)
    """How many of a problem's nearest skills count; null: all."""
    encoder: EncoderParams
    seed: Seed
    """The seed of the draw of references."""


class ValueMetrics(BaseModel):
    """Rows are problems."""

    method: str
    rows: Ledger
    skills: int
    edges: int
    floor: float | None
    """The lowest similarity that counts."""
    degree_of_ten: float
    """Share of all degrees that the ten skills with the highest degree have."""
    value: dict[str, float]
    """Quantiles of the values, keyed by probability."""
    same_as_one_vector: float | None
    """Rank correlation with the linear form without floor, which is the similarity to one vector: at 1 the
    graph adds nothing to its mean. null if values do not differ.
    """
    length: float | None
    """Rank correlation of value and tokens of the solution."""


@dataclass(frozen=True)
class Graph:
    """A graph of skills: tables of Concept and ConceptEdge."""

    concepts: dy.DataFrame[Concept]
    edges: dy.DataFrame[ConceptEdge]


def read_graph(workings: InDir[WorkingsManifest]) -> Graph:
    """The graph that `skills` left. Raises ArtifactError if it is missing."""
    workings.manifest()
    return Graph(
        In(Concept, workings.path / "concepts.parquet").read(),
        In(ConceptEdge, workings.path / "edges.parquet").read(),
    )


def valued(
    problems: In[Problem],
    references: dy.DataFrame[Problem],
    graph: Graph,
    encode: Encode,
    tokenizer: "PreTrainedTokenizerFast",
    params: ValueParams,
) -> Generator[pl.DataFrame, None, ValueMetrics]:
    """Tables of Value, in the order of the problems; returns their account at the end."""
    scorer = scorer_of(graph, references, encode, params)
    found: list[Doubles] = []
    plain: list[Doubles] = []
    lengths: list[Doubles] = []
    for frame in _frames(problems):
        texts = encode(_texts(frame))
        tokens = [max(1, len(one.ids)) for one in text_encodings(tokenizer, frame["solution"].to_list())]
        found.append(scorer(texts))
        plain.append(scorer.by_one_vector(texts))
        lengths.append(np.array(tokens, np.float64))
        yield _rows(frame["problem_id"], found[-1], tokens, params.method)
    every = pl.DataFrame(
        {
            name: np.concatenate([np.zeros(0), *parts])
            for name, parts in (("value", found), ("plain", plain), ("length", lengths))
        }
    )
    return _metrics(scorer, every, params)


def scorer_of(graph: Graph, references: dy.DataFrame[Problem], encode: Encode, params: ValueParams) -> Scorer:
    """The scorer of problems; it reads the references only for the floor."""
    skills = encode(graph.concepts["name"].to_list())
    matrix = matrix_of(graph.concepts, graph.edges, params.adjacency, params.weights)
    floor = None
    if params.floor is not None and references.height and len(skills):
        order = pl.Series([draw_order(params.seed, one) for one in references["problem_id"]], dtype=pl.Int64)
        drawn = references.with_columns(order=order).sort("order", "problem_id").head(params.floor.references)
        floor = floor_of(encode(_texts(drawn)) @ skills.T, params.floor.quantile)
    return Scorer(skills, matrix, params.form, floor, params.most_skills)


def _frames(problems: In[Problem]) -> Iterator[pl.DataFrame]:
    return problems.columns("problem_id", "problem", "solution", rows=FRAME_ROWS)


def _texts(problems: pl.DataFrame) -> list[str]:
    return [
        f"{problem}\n{solution}" for problem, solution in problems.select("problem", "solution").iter_rows()
    ]


def _rows(ids: pl.Series, scores: Doubles, tokens: list[int], method: str) -> pl.DataFrame:
    known = {"problem_id": ids, "value": scores, "solution_tokens": tokens}
    rows = pl.DataFrame(known).with_columns(method=pl.lit(method))
    return pl.concat([Value.create_empty(), rows], how="diagonal")  # no task, loss and cosines


def _metrics(scorer: Scorer, every: pl.DataFrame, params: ValueParams) -> ValueMetrics:
    matrix: Matrix = scorer.matrix
    degrees = np.sort(matrix.degrees_K)[::-1]
    return ValueMetrics(
        method=params.method,
        rows=Ledger(read=every.height, kept=every.height, rejected={}, failed=0),
        skills=len(degrees),
        edges=len(matrix.edges_E),
        floor=scorer.floor,
        degree_of_ten=round(float(degrees[:10].sum() / max(degrees.sum(), 1e-300)), 6),
        value=quantiles(every["value"]),
        same_as_one_vector=_ranked_alike(every, "plain"),
        length=_ranked_alike(every, "length"),
    )


def _ranked_alike(every: pl.DataFrame, other: str) -> float | None:
    if every["value"].n_unique() < 2 or every[other].n_unique() < 2:
        return None
    found: Any = every.select(pl.corr("value", other, method="spearman")).item()
    return round(float(found), 6)
