"""A final model answers the benchmarks, in prose and by program.

Promises: an answer that is in the row store is not written again; greedy by default, as the paper evaluates;
programs run in the sandbox. Costs: one generation an item in prose, up to `rounds` with programs.
"""

from collections.abc import Callable, Sequence

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.evaluation.templates import JIUZHANG, JIUZHANG_TORA, Template
from jz3.evaluation.tool_loop import Attempt, answer_with_tools, continued
from jz3.generation.api import Engine, EngineName, Generated, GenerationRequest, Sampling
from jz3.generation.rows import generate_rows
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.rows import run_rows
from jz3.sandbox.settings import Limits
from jz3.tables.ledger import Ledger
from jz3.tables.response import Response


class AnswerParams(Params):
    """How the benchmarks are answered."""

    engine: EngineName
    prose: list[str]
    """Benchmarks that are answered in natural language."""
    tool: list[str]
    """Benchmarks that are answered by program."""
    samples: int = Field(ge=1)
    """Answers to each item; above 1 a temperature above 0 is of use."""
    seed: int
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1)
    """Of one call."""
    rounds: int = Field(ge=1)
    """Calls of one answer by program."""
    limits: Limits
    """Of each program."""
    shown_characters: int = Field(ge=2)
    """Of a program's output, in the answer."""


class AnswerMetrics(BaseModel):
    """Rows are responses."""

    rows: Ledger
    prompt_tokens: int
    completion_tokens: int
    truncated: int
    """Responses cut at the token limit."""
    by_benchmark: dict[str, int]


def answer(
    items: pl.DataFrame, engine: Engine, params: AnswerParams, execution: Execution
) -> tuple[pl.DataFrame, AnswerMetrics]:
    """A response for each item of the benchmarks in each of their settings, `samples` times."""
    prose = items.filter(pl.col("benchmark").is_in(params.prose))
    tool = items.filter(pl.col("benchmark").is_in(params.tool))
    responses = pl.concat(
        [
            _responses(
                prose,
                "prose",
                _in_prose(_attempts(prose, JIUZHANG, params), engine, params, execution),
                params,
            ),
            _responses(
                tool,
                "tool",
                _by_program(_attempts(tool, JIUZHANG_TORA, params), engine, params, execution),
                params,
            ),
        ]
    )
    return responses, _metrics(responses, items)


def _attempts(items: pl.DataFrame, template: Template, params: AnswerParams) -> list[Attempt]:
    return [
        Attempt(
            prompt=template.prompt(item["question"], item["choices"]),
            seed=draw_order(params.seed, f"{item['item_id']}/{template.heading}/{draw}"),
        )
        for item in items.iter_rows(named=True)
        for draw in range(params.samples)
    ]


def _in_prose(
    attempts: Sequence[Attempt], engine: Engine, params: AnswerParams, execution: Execution
) -> list[Attempt]:
    """One call each."""
    generate = _generator(engine, JIUZHANG, params, execution, "prose")
    written = generate([GenerationRequest(attempt.prompt, attempt.seed) for attempt in attempts])
    return [continued(attempt, text) for attempt, text in zip(attempts, written, strict=True)]


def _by_program(
    attempts: Sequence[Attempt], engine: Engine, params: AnswerParams, execution: Execution
) -> list[Attempt]:
    def run(programs: Sequence[str]) -> list[ProgramResult]:
        return run_rows(programs, params.limits, execution, "programs")

    generate = _generator(engine, JIUZHANG_TORA, params, execution, "tool")
    return answer_with_tools(
        attempts, generate, run, rounds=params.rounds, shown_characters=params.shown_characters
    )


def _generator(
    engine: Engine, template: Template, params: AnswerParams, execution: Execution, what: str
) -> Callable[[Sequence[GenerationRequest]], list[Generated]]:
    sampling = Sampling(
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        stop=list(template.stop),
    )

    def generate(requests: Sequence[GenerationRequest]) -> list[Generated]:
        return generate_rows(engine, requests, sampling, execution, what)

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
                "finish_reason": "length" if attempt.truncated else "stop",
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
