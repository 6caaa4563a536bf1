"""A teacher names the skills of reference problems, which are merged into MASS's graph for valuing problems.

MASS: arXiv 2503.14917. Promises: every reference problem becomes its skills, a reject with its rule
(`mass.contaminated`, `mass.budget`, those of jz3/teacher/skill_names.py) or a failure; a request is named
only by its problem, so that a larger reference set asks only for the new ones; neither the order of the
problems nor the speed of answers matters. A reference that repeats a benchmark item is left out, because its
skills would bring the benchmark into the choice. Costs one short answer per problem, paid for once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.core.hashing import content_id
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.skill_mention import SkillMention
from jz3.tables.verdict import Verdict
from jz3.teacher.asks import filled, read_prompt
from jz3.teacher.budget import tokens, within
from jz3.teacher.skill_graph import SkillGraph, skill_graph
from jz3.teacher.skill_names import read_skills
from jz3.teacher.teacher import Reply, Spent, Teachers, ask, request_for, spent, teacher_of, whose
from jz3.teacher.workings import Working
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable
from jz3.vectors.encoder import Encode, EncoderParams

RECIPE = "mass"
PROMPT, QUESTION = "skills.md", "{question}"


class SkillsParams(Teachers):
    """Who names skills, and how they are merged into a graph."""

    most_skills: int = Field(ge=1)
    """The most skills of a problem; the first ones count."""
    most_words: int = Field(ge=1)
    """The most words of a skill; a longer line does not count as one."""
    similarity: float = Field(ge=0, le=1)
    """Names with a cosine above it are one skill."""
    edge_count: int = Field(ge=1)
    """The fewest problems that must have both skills of an edge."""
    encoder: EncoderParams
    """The encoder of the names."""


class SkillsMetrics(BaseModel):
    """Rows are reference problems: kept are those with a skill."""

    provider: str
    model: str
    sampling: dict[str, float]
    rows: Ledger
    operators: dict[str, dict[str, Ledger]]
    """The ledger of the only request per problem, in the form that recipes have."""
    paid: Spent
    prompt_tokens: int
    completion_tokens: int
    names: int
    """Different spellings of skills."""
    skills: int
    """Skills after merging."""
    edges: int
    skills_of_a_problem: float
    """Mean over the problems with a skill."""
    most_frequent: dict[str, int]
    """Problems that have each of the ten most frequent skills."""


@dataclass(frozen=True)
class Named:
    """The results besides the tables of Reject and Failure: the graph, and the metrics."""

    workings: Sequence[Working]
    rejects: pl.DataFrame
    failures: pl.DataFrame
    metrics: SkillsMetrics


def skills(
    references: dy.DataFrame[Problem],
    verdicts: dy.DataFrame[Verdict],
    prompts: InFiles,
    encode: Encode,
    params: SkillsParams,
    execution: Execution,
    teacher_tokens: int | None = None,
) -> Named:
    """Name the skills of the references that no verdict rejects, and merge them into a graph. References that
    `teacher_tokens` do not reach are not asked about; None means no limit.
    """
    requests = skill_requests(references, verdicts, prompts, params)
    asked: dict[str, Reply] = {}

    def tokens_of(some: Sequence[str]) -> Mapping[str, int]:
        asked.update(ask_for_skills({one: requests[one] for one in some}, params, execution))
        return {one: tokens(asked[one]) for one in some}

    if teacher_tokens is None:
        tokens_of(list(requests))
        taken = frozenset(requests)
    else:
        taken = within(requests, teacher_tokens, params.seed, tokens_of)
    questions = dict(references.select("problem_id", "problem").iter_rows())
    named, refused = _read({one: asked[one] for one in sorted(taken)}, params)
    beyond = {one: Unusable("budget", questions[one]) for one in requests if one not in taken}
    repeats = {one: Unusable("contaminated", questions[one]) for one in questions if one not in requests}
    refused |= beyond | repeats
    failures = [
        {"request_id": chat_key(requests[one]), "row_id": one, "reason": reply.reason}
        for one in sorted(taken)
        if isinstance(reply := asked[one], ChatFailure)
    ]
    graph = skill_graph(named, encode, params.similarity, params.edge_count)
    ledger = Ledger(
        read=references.height,
        kept=len(named),
        rejected=dict(sorted(Counter(f"{RECIPE}.{one.rule}" for one in refused.values()).items())),
        failed=len(failures),
    )
    replies = [(params.teachers[teacher_of(_name(one), params)], asked[one]) for one in sorted(taken)]
    paid = spent(replies, execution)
    return Named(
        workings=_workings(graph),
        rejects=pl.DataFrame(
            [
                {
                    "row_id": problem_id,
                    "rule": f"{RECIPE}.{one.rule}",
                    "evidence": one.evidence[:EVIDENCE_CHARACTERS],
                }
                for problem_id, one in refused.items()
            ],
            schema=Reject.create_empty().schema,
        ),
        failures=pl.DataFrame(failures, schema=Failure.create_empty().schema),
        metrics=SkillsMetrics(
            **whose(params),
            rows=ledger,
            operators={"skills": {"rows": ledger}},
            paid=paid,
            prompt_tokens=paid.prompt_tokens,
            completion_tokens=paid.completion_tokens,
            names=graph.mentions["spelling"].n_unique(),
            skills=graph.concepts.height,
            edges=graph.edges.height,
            skills_of_a_problem=round(sum(map(len, named.values())) / max(len(named), 1), 6),
            most_frequent=dict(
                graph.concepts.sort(["count", "name"], descending=[True, False])
                .head(10)
                .select("name", "count")
                .iter_rows()
            ),
        ),
    )


def skill_requests(
    references: dy.DataFrame[Problem],
    verdicts: dy.DataFrame[Verdict],
    prompts: InFiles,
    params: SkillsParams,
) -> dict[str, ChatRequest]:
    """The request for each reference that no verdict rejects, sorted by `problem_id`."""
    text = read_prompt(prompts, PROMPT, (QUESTION,))
    rejected = verdicts.filter(pl.col("rule").is_not_null()).select(problem_id="row_id")
    rows = references.select("problem_id", "problem").join(rejected, on="problem_id", how="anti")
    return {
        problem_id: request_for(_name(problem_id), filled(text, {QUESTION: question}), params)
        for problem_id, question in rows.sort("problem_id").iter_rows()
    }


def _name(problem_id: str) -> str:
    """The name of the request for a problem."""
    return content_id(RECIPE, "skills", problem_id)


def _read(
    replies: Mapping[str, Reply], params: SkillsParams
) -> tuple[dict[str, list[str]], dict[str, Unusable]]:
    """The skills in answers, and what is wrong with the other answers, by problem."""
    named: dict[str, list[str]] = {}
    refused: dict[str, Unusable] = {}
    for problem_id, reply in replies.items():
        if isinstance(reply, ChatFailure):
            continue
        found = read_skills(reply, params.most_skills, params.most_words)
        if isinstance(found, Unusable):
            refused[problem_id] = found
        else:
            named[problem_id] = found
    return named, refused


def ask_for_skills(
    requests: Mapping[str, ChatRequest], params: SkillsParams, execution: Execution
) -> dict[str, Reply]:
    """The answer to each request, by `problem_id`, from the row store or a teacher."""
    if not requests:
        return {}
    names = [teacher_of(_name(one), params) for one in requests]
    return dict(zip(requests, ask(names, list(requests.values()), params, execution), strict=True))


def _workings(graph: SkillGraph) -> list[Working]:
    return [
        Working("concepts", Concept, graph.concepts),
        Working("edges", ConceptEdge, graph.edges),
        Working("mentions", SkillMention, graph.mentions),
    ]
