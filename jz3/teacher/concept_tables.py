"""Concepts, combinations and questions, as tables (SynthLLM)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from jz3.tables.combination import Combination
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.posed_question import PosedQuestion
from jz3.tables.text_concept import TextConcept
from jz3.teacher.asks import Ask
from jz3.teacher.concept_graph import ConceptGraph, edges
from jz3.teacher.posed_questions import Posed
from jz3.teacher.workings import Working


@dataclass(frozen=True)
class Combined:
    """A combination of concepts, with the passages that it is written from."""

    combination_id: str
    concepts: tuple[str, ...]
    passages: tuple[tuple[str, float], ...]
    """Each passage with its Jaccard index."""
    epoch: int


@dataclass(frozen=True)
class Question:
    """A question to be solved, and the ask whose answer contains it."""

    question_id: str
    ask: Ask
    posed: Posed
    combination_id: str | None


def workings_of(
    graph: ConceptGraph, combined: Iterable[Combined], questions: Iterable[Question]
) -> list[Working]:
    """Five tables: `concepts`, `edges`, `text_concepts`, `combinations`, `questions`."""
    counts = {one: len(places) for one, places in graph.having.items()}
    concepts = [
        {"concept_id": one, "kind": graph.kinds[one], "name": name, "count": counts[one]}
        for one, name in graph.names.items()
    ]
    together = [{"one": one, "other": other, "count": count} for one, other, count in edges(graph)]
    held = [
        {"text_id": passage_id, "concept_id": one}
        for passage_id, concept_ids in graph.of_passage.items()
        for one in sorted(concept_ids)
    ]
    met = [
        {
            "combination_id": one.combination_id,
            "concept_ids": list(one.concepts),
            "names": [graph.names[each] for each in one.concepts],
            "passage_ids": [passage_id for passage_id, _ in one.passages],
            "similarity": [similarity for _, similarity in one.passages],
            "epoch": one.epoch,
        }
        for one in combined
    ]
    posed = [
        {
            "question_id": one.question_id,
            "ask_id": one.ask.ask_id,
            "place": one.posed.place,
            "passage_ids": list(one.ask.seed_ids),
            "combination_id": one.combination_id,
            **{name: getattr(one.posed, name) for name in ("origin", "school", "text")},
            "concepts": list(one.posed.concepts),
        }
        for one in questions
    ]
    return [
        _working("concepts", Concept, concepts),
        _working("edges", ConceptEdge, together),
        _working("text_concepts", TextConcept, held),
        _working("combinations", Combination, met),
        _working("questions", PosedQuestion, posed),
    ]


def _working(name: str, kind: type[dy.Schema], rows: Sequence[Mapping[str, object]]) -> Working:
    return Working(name, kind, pl.DataFrame(rows, schema=kind.create_empty().schema))
