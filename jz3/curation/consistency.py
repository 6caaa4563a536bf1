"""Self-consistency: a model answers each problem anew, and enough of its answers must be the problem's.

Asked are problems of kind cot that the rules of form keep and whose answer has a digit and is short: what can
be compared. The model is `data/models/base/synthesis` under the engine `transformers` or `vllm`, or whoever
answers at OPENAI_BASE_URL under the engine `openai`. Each sample is a row of the row store. Costs `samples`
completions a problem, and an open engine at the most where the parameter is null.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, model_validator

from jz3.answers.equality import equal
from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.curation.verdicts import shown
from jz3.generation.asking import ask_all
from jz3.generation.bodies import SEED_LIMIT
from jz3.generation.chat import ChatAnswer, ChatRequest
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.endpoint import endpoint_of
from jz3.generation.engine import GenerationRequest, Prompt, Sampling, Turn
from jz3.generation.engines import open_engine
from jz3.tables.model_manifest import ModelManifest
from jz3.text.problem_text import last_boxed
from jz3.workers.crew import open_crew

FRAME_ROWS = 20_000
"""Problems asked at a time."""
LONGEST_ANSWER = 60
"""Characters of an answer that is compared (chosen: a number, an expression, a short list)."""
INSTRUCTION = "Please reason step by step, and put your final answer within \\boxed{}."
"""The words that DeepSeekMath and Qwen ask with."""


class OwnSolver(Params):
    """The synthesis model's base answers."""

    engine: Literal["transformers", "vllm"]
    form: Literal["text", "chat"]
    """`chat`: in the model's own chat template."""


class ServedSolver(Params):
    """A server answers."""

    engine: Literal["openai"]
    provider: Literal["openai", "azure", "vllm"]
    model: str


class SelfConsistency(Params):
    """How often a problem is answered anew, by whom, and how many answers must agree."""

    solver: Annotated[OwnSolver | ServedSolver, Field(discriminator="engine")]
    samples: int = Field(ge=1)
    least_agreeing: int = Field(ge=1)
    seed: Seed
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)

    @model_validator(mode="after")
    def _can_agree(self) -> "SelfConsistency":
        if self.least_agreeing > self.samples:
            raise ValueError(f"least_agreeing {self.least_agreeing} is above samples {self.samples}")
        return self


Ask = Callable[[Sequence[tuple[str, int]]], list[str | None]]
"""Texts for pairs of problem and seed, in order; None where no answer came."""


def checkable() -> pl.Expr:
    """Which rows of a table of Problem can be checked this way."""
    short = pl.col("answer").str.len_chars() <= LONGEST_ANSWER
    return (pl.col("kind") == "cot") & short & pl.col("answer").str.contains(r"\d")


def inconsistent_rows(
    problems: pl.LazyFrame, model: InDir[ModelManifest], params: SelfConsistency, execution: Execution
) -> pl.DataFrame:
    """Columns `row_id`, `rule` and `evidence`: `filter.inconsistent`, or `filter.unchecked` where too few
    answers came to tell.
    """
    columns = ("problem_id", "problem", "answer")
    schema = {"row_id": pl.String, "rule": pl.String, "evidence": pl.String}
    found: list[tuple[str, str, str]] = []
    with _asking(model, params, execution) as ask:
        for frame in (
            problems.filter(checkable())
            .select(columns)
            .collect_batches(chunk_size=FRAME_ROWS, maintain_order=True)
        ):
            rows = frame.rows()
            answers = ask(
                [
                    (problem, draw_order(params.seed, f"{row_id}/{draw}"))
                    for row_id, problem, _ in rows
                    for draw in range(params.samples)
                ]
            )
            for place, (row_id, _, answer) in enumerate(rows):
                own = answers[place * params.samples : (place + 1) * params.samples]
                finding = judge(answer, own, params.least_agreeing)
                if finding is not None:
                    found.append((row_id, *finding))
    return pl.DataFrame(found, schema=schema, orient="row")


def judge(answer: str, texts: Sequence[str | None], least_agreeing: int) -> tuple[str, str] | None:
    """Rule and evidence where too few of the texts end in the answer; None for what is kept."""
    boxed = [None if text is None else last_boxed(text) for text in texts]
    agreeing = sum(found is not None and equal(answer, found).equal for found in boxed)
    if agreeing >= least_agreeing:
        return None
    missing = sum(text is None for text in texts)
    others = ", ".join(repr(found) for found in boxed)
    evidence = shown(f"{agreeing} of {len(texts)} say {answer!r}: {others}")
    return ("filter.unchecked" if agreeing + missing >= least_agreeing else "filter.inconsistent", evidence)


@contextmanager
def _asking(model: InDir[ModelManifest], params: SelfConsistency, execution: Execution) -> Generator[Ask]:
    solver = params.solver
    if isinstance(solver, ServedSolver):
        yield lambda asked: _served(asked, solver, params, execution)
        return
    sampling = Sampling(
        temperature=params.temperature, top_p=params.top_p, max_tokens=params.max_tokens, stop=[]
    )
    form: Callable[[str], Prompt] = _turn if solver.form == "chat" else _text
    with (
        open_engine(solver.engine, model, "saved", execution) as engine,
        open_crew(generation_workers(engine, execution)) as crew,
    ):

        def ask(asked: Sequence[tuple[str, int]]) -> list[str | None]:
            requests = [GenerationRequest(form(problem), seed) for problem, seed in asked]
            rows = generate_rows(engine, requests, sampling, execution, "samples", crew)
            return [written.text for written in rows]

        yield ask


def _served(
    asked: Sequence[tuple[str, int]], solver: ServedSolver, params: SelfConsistency, execution: Execution
) -> list[str | None]:
    endpoint = endpoint_of("OPENAI", "openai")
    requests = [
        ChatRequest(
            provider=solver.provider,
            model=solver.model,
            prompt=_text(problem),
            temperature=params.temperature,
            top_p=params.top_p,
            max_tokens=params.max_tokens,
            seed=seed % SEED_LIMIT,
        )
        for problem, seed in asked
    ]
    replies = ask_all(requests, endpoint, execution, what="samples")
    return [reply.text if isinstance(reply, ChatAnswer) else None for reply in replies]


def _text(problem: str) -> str:
    return f"{problem}\n{INSTRUCTION}\n"


def _turn(problem: str) -> tuple[Turn, ...]:
    return (Turn("user", f"{problem}\n{INSTRUCTION}"),)
