"""SynthLLM (Qin et al. 2025, arXiv 2503.19551): questions from documents, on three levels.

Level 1: questions that a passage contains or inspires. Level 2: the passage's topics and key concepts are
named first (`concepts`), and each question combines two or three of them. Level 3: the concepts of all
passages make a graph (jz3/teacher/concept_graph.py); walks through it combine concepts (`combine`), and
questions are written from such a combination and the passages nearest to it.

On each level N, `pose_N` asks for several questions at once, `question_N` is each question in the answers,
and `solve_N` asks for its solution; the solver sees only the question. There is no label and the paper checks
nothing: an answer is confirmed by nothing or, if there are several `answers`, by a vote among them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
from jz3.core.params import Params
from jz3.teacher.asks import Ask, Judged, Origin, Round, Rounds, filled, read_prompt
from jz3.teacher.concept_graph import (
    ConceptGraph,
    Walks,
    combination_id,
    concept_graph,
    nearest,
    walk,
)
from jz3.teacher.concept_names import NamedConcepts, read_concepts
from jz3.teacher.concept_tables import Combined, Question, workings_of
from jz3.teacher.posed_questions import read_questions
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

DOCUMENT, DOCUMENTS, CONCEPTS = "{document}", "{documents}", "{concepts}"
QUESTION, COUNT = "{question}", "{count}"
TOPICS_OF_A_PASSAGE = 1 / 3
"""New topics per passage, for estimates: 2.6M rows of level 3 are 3 per combination and 5 per topic, and so
173,000 topics of 520,000 documents (derived from the paper's counts). With few passages it is more.
"""


class OfPassage(Params):
    """How much to ask for each passage on a level."""

    draws: int = Field(ge=0)
    """Requests, each for several questions; 0 skips the level."""
    questions: int = Field(ge=1)
    """The most questions of a request."""


class OfConcepts(Params):
    """How concepts are combined across passages."""

    epochs: int = Field(ge=0)
    """Walks that start at each topic; 0 skips the level."""
    topic_steps: tuple[NonNegativeInt, NonNegativeInt]
    """Fewest and most steps of a walk over topics."""
    concept_steps: tuple[NonNegativeInt, NonNegativeInt]
    """Fewest and most steps over key concepts."""
    epsilon: float = Field(gt=0)
    """Added to the count of an edge; keep it small, so that rare pairs are not favoured."""
    documents: int = Field(ge=1)
    """How many passages are shown: those nearest to the combination."""
    questions: int = Field(ge=1)
    """The most questions of a combination."""

    @model_validator(mode="after")
    def _least_first(self) -> Self:
        for name in ("topic_steps", "concept_steps"):
            low, high = getattr(self, name)
            if low > high:
                message = (
                    f"{name} is [{low}, {high}]; the least and the most steps were expected, such as [1, 2]"
                )
                raise ValueError(message)
        return self


class SynthLlm(Params):
    """How much to ask on each level."""

    name: Literal["synthllm"]
    topics: int = Field(ge=1)
    """The most topics of a passage."""
    key_concepts: int = Field(ge=1)
    """The most key concepts of a topic."""
    level_1: OfPassage
    level_2: OfPassage
    level_3: OfConcepts
    answers: int = Field(ge=1)
    """Solutions of each question to ask for."""
    agreeing: int = Field(ge=1)
    """How many of these must give the same answer, more than half; the first of them is kept."""

    @model_validator(mode="after")
    def _a_majority(self) -> Self:
        if not self.answers / 2 < self.agreeing <= self.answers:
            message = (
                f"agreeing is {self.agreeing} of {self.answers} answers; more than half of them and at most "
                f"all were expected, so that no two answers win"
            )
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class _Recipe:
    passages: Mapping[str, Mapping[str, Any]]
    texts: Mapping[str, str]
    """Prompts by name."""
    params: SynthLlm
    seed: int

    def concepts(self) -> Iterator[Ask]:
        """The asks about every passage's concepts, if a level needs them."""
        params = self.params
        if not (params.level_2.draws or params.level_3.epochs):
            return
        follow = (*_after(2, params, params.level_2.draws), *_after(3, params, _combinations(params)))
        for passage_id, passage in self.passages.items():
            prompt = filled(self.texts["concepts"], {DOCUMENT: passage["text"]})
            yield self._ask("concepts", (passage_id,), "", 0, prompt, follow)

    def pose_1(self) -> Iterator[Ask]:
        """The asks for questions, by draw, then by passage: more draws do not change the earlier ones."""
        level = self.params.level_1
        for draw in range(level.draws):
            for passage_id, passage in self.passages.items():
                given = {DOCUMENT: passage["text"], COUNT: str(level.questions)}
                prompt = filled(self.texts["level_1"], given)
                yield self._ask("pose_1", (passage_id,), "", draw, prompt, _after(1, self.params))

    def pose_2(self, named: Mapping[str, NamedConcepts]) -> Iterator[Ask]:
        level = self.params.level_2
        for draw in range(level.draws):
            for passage_id, concepts in named.items():
                given = {
                    DOCUMENT: self.passages[passage_id]["text"],
                    CONCEPTS: _shown(concepts),
                    COUNT: str(level.questions),
                }
                prompt = filled(self.texts["level_2"], given)
                yield self._ask("pose_2", (passage_id,), "", draw, prompt, _after(2, self.params))

    def pose_3(self, graph: ConceptGraph, combined: Iterable[Combined]) -> Iterator[Ask]:
        for one in combined:
            ids = tuple(passage_id for passage_id, _ in one.passages)
            given = {
                DOCUMENTS: "\n\n".join(self.passages[passage_id]["text"] for passage_id in ids),
                CONCEPTS: "\n".join(f"- {name}" for name in _names_of(one, graph)),
                COUNT: str(self.params.level_3.questions),
            }
            prompt = filled(self.texts["level_3"], given)
            yield self._ask("pose_3", ids, one.combination_id, 0, prompt, _after(3, self.params))

    def solve(self, question: Question) -> Iterator[Ask]:
        """The asks for solutions of a question, which is all that the solver sees."""
        passage = self.passages[question.ask.seed_ids[0]]
        for draw in range(self.params.answers):
            yield Ask(
                recipe=self.params.name,
                operator=question.ask.operator.replace("pose", "solve"),
                seed_ids=question.ask.seed_ids,
                parent_ids=(question.question_id,),
                variant=question.question_id,
                draw=draw,
                question=question.posed.text,
                prompt=filled(self.texts["solve"], {QUESTION: question.posed.text}),
                expected=None,
                expected_from="none",
                origin=Origin(passage["passage_id"], passage["source"], question.posed.level),
                counted=True,
            )

    def _ask(
        self,
        operator: str,
        passage_ids: tuple[str, ...],
        variant: str,
        draw: int,
        prompt: str,
        follow: tuple[tuple[str, float], ...],
    ) -> Ask:
        return Ask(
            recipe=self.params.name,
            operator=operator,
            seed_ids=passage_ids,
            parent_ids=(),
            variant=variant,
            draw=draw,
            question="",
            prompt=prompt,
            expected=None,
            expected_from="none",
            form="text",
            followed_by=follow,
        )


def rounds(passages: Iterable[Mapping[str, Any]], prompts: InFiles, params: SynthLlm, seed: int) -> Rounds:
    """The asks for passages, in three rounds. `seed` draws the walks."""
    places = {
        "concepts": (DOCUMENT,),
        "level_1": (DOCUMENT, COUNT),
        "level_2": (DOCUMENT, CONCEPTS, COUNT),
        "level_3": (DOCUMENTS, CONCEPTS, COUNT),
        "solve": (QUESTION,),
    }
    texts = {name: read_prompt(prompts, f"{name}.md", some) for name, some in places.items()}
    recipe = _Recipe({row["passage_id"]: row for row in passages}, texts, params, seed)
    asked = [*recipe.pose_1(), *recipe.concepts()]
    written = yield Round(asked, [])
    named, judged = _named([one for one in asked if one.operator == "concepts"], written, params)
    poses = [one for one in asked if one.operator == "pose_1"]
    questions, found = _questions(poses, written, params.level_1.questions, {})
    graph = concept_graph(named)
    combined, walked = _combined(graph, params.level_3, seed)
    second, third = list(recipe.pose_2(named)), list(recipe.pose_3(graph, combined))
    solves = [ask for one in questions for ask in recipe.solve(one)]
    written = yield Round([*second, *third, *solves], [*judged, *found, *walked])
    given = {one.ask_id: _all_names(named[one.seed_ids[0]]) for one in second}
    of_two, judged = _questions(second, written, params.level_2.questions, given)
    given = {one.ask_id: _names_of(met, graph) for one, met in zip(third, combined, strict=True)}
    of_three, found = _questions(third, written, params.level_3.questions, given)
    solves = [ask for one in (*of_two, *of_three) for ask in recipe.solve(one)]
    left = workings_of(graph, combined, [*questions, *of_two, *of_three])
    yield Round(solves, [*judged, *found], workings=left)


def asks_across(params: SynthLlm) -> str | None:
    """What is asked about several passages together; None if each is asked about separately."""
    return "its third level joins concepts of several passages" if params.level_3.epochs else None


def asks_of_a_passage(params: SynthLlm) -> dict[str, float]:
    """The number of asks per passage, by operator, as if all were kept; for level 3 the mean over many
    passages.
    """
    first = params.level_1.draws
    asks = [("pose_1", first), *((name, first * count) for name, count in _after(1, params))]
    if params.level_2.draws or params.level_3.epochs:
        asks += [("concepts", 1)]
    asks += [*_after(2, params, params.level_2.draws), *_after(3, params, _combinations(params))]
    return {name: count for name, count in asks if count}


def rows_of_a_passage(params: SynthLlm) -> float:
    """Problems that these are to become."""
    asks = asks_of_a_passage(params)
    return sum(asks.get(f"solve_{level}", 0) for level in (1, 2, 3)) / params.answers


def left_out(
    problems: Iterable[Mapping[str, Any]], question_of: Mapping[str, str], params: SynthLlm
) -> dict[str, Unusable]:
    """Solutions of one question without a majority for their answer, and all but the first of the majority.
    The problems of a question must come by draw; `question_of` names the question of a problem.
    """
    solutions: dict[str, list[Mapping[str, Any]]] = {}
    for row in problems:
        solutions.setdefault(question_of[row["problem_id"]], []).append(row)
    out: dict[str, Unusable] = {}
    for rows in solutions.values():
        groups = _alike(rows)
        shown = ", ".join(f"{group[0]['answer']!r} {len(group)} times" for group in groups)
        for group in groups:
            won = len(group) >= params.agreeing
            refusal = Unusable("no_agreement", shown[:EVIDENCE_CHARACTERS])
            if won:
                refusal = Unusable("not_first", group[0]["problem_id"])
            out |= {row["problem_id"]: refusal for row in (group[1:] if won else group)}
    return out


def _alike(rows: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Rows grouped by their answers, which the grader compares."""
    groups: list[list[Mapping[str, Any]]] = []
    for row in rows:
        same = next((group for group in groups if equal(group[0]["answer"], row["answer"]).equal), None)
        if same is None:
            groups.append([row])
        else:
            same.append(row)
    return groups


def _named(
    asked: Sequence[Ask], written: Mapping[str, str], params: SynthLlm
) -> tuple[dict[str, NamedConcepts], list[Judged]]:
    """The concepts of passages, by their ids, and a verdict on each answer."""
    named: dict[str, NamedConcepts] = {}
    judged: list[Judged] = []
    for one in asked:
        if one.ask_id not in written:
            continue
        read = read_concepts(written[one.ask_id], params.topics, params.key_concepts)
        refused = isinstance(read, Unusable)
        judged.append(Judged(one.ask_id, one.operator, read if refused else None))
        if not isinstance(read, Unusable):
            named[one.seed_ids[0]] = read
    return named, judged


def _combined(graph: ConceptGraph, level: OfConcepts, seed: int) -> tuple[list[Combined], list[Judged]]:
    """The combinations that walks meet, each once, by epoch and topic; and verdicts on those not asked
    about.
    """
    walks = Walks(level.topic_steps, level.concept_steps, level.epsilon)
    found: dict[str, Combined] = {}
    judged: list[Judged] = []
    for epoch in range(level.epochs):
        for topic in graph.topics:
            concepts = walk(graph, topic, epoch, walks, seed)
            this, row_id = combination_id(concepts), content_id("walk", topic, str(epoch))
            refusal = None
            if this in found:
                refusal = Unusable("repeated", this)
            else:
                passages = nearest(graph, concepts, level.documents)
                if len(passages) < level.documents:
                    shown = "; ".join(graph.names[one] for one in concepts)[:EVIDENCE_CHARACTERS]
                    refusal = Unusable("no_document", shown)
                else:
                    found[this] = Combined(this, concepts, tuple(passages), epoch)
            judged.append(Judged(row_id, "combine", refusal))
    return list(found.values()), judged


def _questions(
    poses: Sequence[Ask], written: Mapping[str, str], most: int, given: Mapping[str, tuple[str, ...]]
) -> tuple[list[Question], list[Judged]]:
    """The questions to be solved, each once per passages, and verdicts on all; `given` are the concepts by
    ask, if questions combine some.
    """
    questions: list[Question] = []
    judged: list[Judged] = []
    first: dict[tuple[str, ...], str] = {}
    for one in poses:
        if one.ask_id not in written:
            continue
        read = read_questions(written[one.ask_id], most, given.get(one.ask_id))
        judged.append(Judged(one.ask_id, one.operator, read if isinstance(read, Unusable) else None))
        for posed, wrong in [] if isinstance(read, Unusable) else read:
            question_id = content_id("question", one.ask_id, str(posed.place))
            refusal = wrong
            if wrong is None:
                same = first.setdefault((*one.seed_ids, " ".join(posed.text.split())), question_id)
                refusal = None if same == question_id else Unusable("repeated", same)
            judged.append(Judged(question_id, one.operator.replace("pose", "question"), refusal))
            if refusal is None:
                questions.append(Question(question_id, one, posed, one.variant or None))
    return questions, judged


def _shown(concepts: NamedConcepts) -> str:
    return "\n".join(f"- {topic}: {'; '.join(names)}" for topic, names in concepts.topics.items())


def _all_names(concepts: NamedConcepts) -> tuple[str, ...]:
    return (*concepts.topics, *concepts.key_concepts)


def _names_of(one: Combined, graph: ConceptGraph) -> tuple[str, ...]:
    """The names of its concepts, each once: a topic and a key concept may have the same name."""
    return tuple(dict.fromkeys(graph.names[each] for each in one.concepts))


def _combinations(params: SynthLlm) -> float:
    """Combinations per passage, averaged over many."""
    return params.level_3.epochs * TOPICS_OF_A_PASSAGE


def _after(level: int, params: SynthLlm, poses: float | None = None) -> tuple[tuple[str, float], ...]:
    """The most asks that an answer to `pose_N` leads to; with `poses`, those of that many answers and
    themselves.
    """
    of_level = (params.level_1, params.level_2, params.level_3)[level - 1]
    count = of_level.questions * params.answers
    if poses is None:
        return ((f"solve_{level}", count),)
    return ((f"pose_{level}", poses), (f"solve_{level}", poses * count)) if poses else ()
