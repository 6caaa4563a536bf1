"""A final model answers the benchmarks, in prose and by program.

Promises: an answer in the row store is not written again; decoding is greedy by default, as in the paper;
programs run in the sandbox. Costs: one generation per item in prose, two if the end of a thought is forced
(`forced_end.py` beside this), up to `rounds` with programs; several workers start once, and alternate between
writing and running programs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.evaluation.forced_end import ForcedEndParams, forced_ends, with_forced_ends
from jz3.evaluation.shots import ShotParams, read_shots
from jz3.evaluation.templates import JIUZHANG_TORA, TEMPLATES, Template, prompt
from jz3.evaluation.tool_loop import Attempt, answer_with_tools, continued
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.engine import (
    ComputedIn,
    Engine,
    EngineName,
    Generated,
    GenerationRequest,
    Prompt,
    Sampling,
)
from jz3.sandbox.program_rows import run_rows
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits
from jz3.tables.ledger import Ledger
from jz3.tables.response import Response
from jz3.workers.batch import Workers
from jz3.workers.crew import Crew, open_crew


class ProseParams(Params):
    """Answers in natural language."""

    template: Literal["jiuzhang", "cot", "chat"]
    """`jiuzhang` for models trained on our rows, `cot` for base models, `chat` for instruct models."""
    benchmarks: list[str]
    shots: dict[str, ShotParams]
    """Examples by benchmark; one that is not listed is asked without examples."""
    forced_end: ForcedEndParams | None
    """How to end a thought that reaches `max_tokens`; null leaves the response without an answer."""


class ToolParams(Params):
    """Answers by program, in the template `jiuzhang_tora`."""

    benchmarks: list[str]
    shots: dict[str, ShotParams]
    rounds: int = Field(ge=1)
    """The most calls of the model for one answer."""
    limits: Limits
    """Limits of each program."""
    shown_characters: int = Field(ge=2)
    """The most characters of a program's output that the answer shows."""


class AnswerParams(Params):
    """How the benchmarks are answered."""

    engine: EngineName
    dtype: ComputedIn
    """The number format in which the model computes; part of a response's key in the row store."""
    prose: ProseParams
    tool: ToolParams
    samples: int = Field(ge=1)
    """Answers to each item; more than 1 is useful only with a temperature above 0."""
    seed: Seed
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)
    """The most tokens of one call."""


class AnswerMetrics(BaseModel):
    """Rows are responses."""

    rows: Ledger
    prompt_tokens: int
    completion_tokens: int
    truncated: int
    """Responses cut at the token limit."""
    by_benchmark: dict[str, int]


@dataclass(frozen=True)
class Answered:
    """Tables of Response and of ForcedEnd, and the metrics."""

    responses: pl.DataFrame
    forced_ends: pl.DataFrame
    metrics: AnswerMetrics


@dataclass(frozen=True)
class Asked:
    """The model that answers, and how it is asked."""

    engine: Engine
    params: AnswerParams
    execution: Execution
    crew: Crew


def answer(
    items: pl.DataFrame, directory: InFiles, engine: Engine, params: AnswerParams, execution: Execution
) -> Answered:
    """A response for each item of the benchmarks in each of their settings, `samples` times."""
    prose = items.filter(pl.col("benchmark").is_in(params.prose.benchmarks))
    tool = items.filter(pl.col("benchmark").is_in(params.tool.benchmarks))
    with open_crew(_workers(engine, execution)) as crew:
        asked = Asked(engine, params, execution, crew)
        first, last = _in_prose(prose, directory, asked)
        in_prose = _responses(prose, "prose", last, params)
        by_program = _responses(tool, "tool", _by_program(tool, directory, asked), params)
    responses = pl.concat([in_prose, by_program])
    return Answered(responses, forced_ends(in_prose, first, last), _metrics(responses, items))


def prompts_of(
    items: pl.DataFrame, template: Template, shots: Mapping[str, ShotParams], directory: InFiles
) -> list[Prompt]:
    """The prompt of the model for each item."""
    examples = {name: read_shots(directory, shots.get(name)) for name in items["benchmark"].unique()}
    return [
        prompt(template, item["question"], item["choices"], examples[item["benchmark"]])
        for item in items.iter_rows(named=True)
    ]


def _attempts(items: pl.DataFrame, template: Template, params: AnswerParams) -> list[Attempt]:
    return [
        Attempt(seed=draw_order(params.seed, f"{item_id}/{template.name}/{draw}"))
        for item_id in items["item_id"]
        for draw in range(params.samples)
    ]


def _repeated(prompts: Sequence[Prompt], params: AnswerParams) -> list[Prompt]:
    return [prompt for prompt in prompts for _ in range(params.samples)]


def _workers(engine: Engine, execution: Execution) -> Workers:
    """Workers with cores for the model and for programs, which alternate."""
    workers = generation_workers(engine, execution)
    return replace(workers, threads=max(execution.threads, execution.sandbox_workers))


def _in_prose(items: pl.DataFrame, directory: InFiles, asked: Asked) -> tuple[list[Attempt], list[Attempt]]:
    """The attempts of one call each, and the same with forced ends of thoughts."""
    params = asked.params
    template = TEMPLATES[params.prose.template]
    attempts = _attempts(items, template, params)
    prompts = _repeated(prompts_of(items, template, params.prose.shots, directory), params)
    generate = _generator(asked, template, params.max_tokens, "prose")
    written = generate(
        [GenerationRequest(prompt, attempt.seed) for prompt, attempt in zip(prompts, attempts, strict=True)]
    )
    first = [continued(attempt, text) for attempt, text in zip(attempts, written, strict=True)]
    forced = params.prose.forced_end
    if forced is None:
        return first, first
    generate = _generator(asked, template, forced.max_tokens, "forced ends")
    return first, with_forced_ends(prompts, first, generate, forced)


def _by_program(items: pl.DataFrame, directory: InFiles, asked: Asked) -> list[Attempt]:
    params, tool = asked.params, asked.params.tool

    def run(programs: Sequence[str]) -> list[ProgramResult]:
        return run_rows(programs, tool.limits, asked.execution, "programs", asked.crew).results

    prompts = _repeated(prompts_of(items, JIUZHANG_TORA, tool.shots, directory), params)
    return answer_with_tools(
        [prompt for prompt in prompts if isinstance(prompt, str)],
        _attempts(items, JIUZHANG_TORA, params),
        _generator(asked, JIUZHANG_TORA, params.max_tokens, "tool"),
        run,
        rounds=tool.rounds,
        shown_characters=tool.shown_characters,
    )


def _generator(
    asked: Asked, template: Template, max_tokens: int, what: str
) -> Callable[[Sequence[GenerationRequest]], list[Generated]]:
    sampling = Sampling(
        temperature=asked.params.temperature,
        top_p=asked.params.top_p,
        max_tokens=max_tokens,
        stop=list(template.stop),
    )

    def generate(requests: Sequence[GenerationRequest]) -> list[Generated]:
        return generate_rows(asked.engine, requests, sampling, asked.execution, what, asked.crew)

    return generate


def _responses(
    items: pl.DataFrame, setting: str, attempts: Sequence[Attempt], params: AnswerParams
) -> pl.DataFrame:
    keys = [(item_id, draw) for item_id in items["item_id"] for draw in range(params.samples)]
    return pl.DataFrame(
        [
            {
                "response_id": f"{item_id}/{setting}/{draw}",
                "item_id": item_id,
                "setting": setting,
                "draw": draw,
                "text": attempt.text,
                "finish_reason": attempt.finish_reason,
                "calls": attempt.calls,
                "prompt_tokens": attempt.prompt_tokens,
                "completion_tokens": attempt.completion_tokens,
            }
            for (item_id, draw), attempt in zip(keys, attempts, strict=True)
        ],
        schema=Response.create_empty().schema,
    )


def _metrics(responses: pl.DataFrame, items: pl.DataFrame) -> AnswerMetrics:
    counts = responses.join(items, on="item_id")["benchmark"].value_counts()
    return AnswerMetrics(
        rows=Ledger(read=responses.height, kept=responses.height, rejected={}, failed=0),
        prompt_tokens=int(responses["prompt_tokens"].sum()),
        completion_tokens=int(responses["completion_tokens"].sum()),
        truncated=responses.filter(pl.col("finish_reason") == "length").height,
        by_benchmark=dict(sorted(counts.iter_rows())),
    )
