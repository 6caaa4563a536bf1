"""Completions through the row store: what an engine wrote once, it is not asked for again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jz3.core.execution import Execution
from jz3.generation.api import Engine, Generated, GenerationRequest, Sampling
from jz3.store.rows import Operation, request_key
from jz3.workers.fill import fill

GENERATE = Operation("generate", 1)


def generate_rows(
    engine: Engine,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    execution: Execution,
    what: str,
) -> list[Generated]:
    """A completion for each request, in order; batches are of like length, the longest prompts first.

    Longest first, so that a batch too large for the memory is found at the start and not after hours.
    """

    def work(batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        asked = [GenerationRequest(row["prompt"], row["seed"]) for row in batch]
        return [asdict(generated) for generated in engine.generate(asked, sampling)]

    rows = fill(
        GENERATE,
        [payload(engine, request, sampling) for request in requests],
        work,
        order=lambda row: -len(row["prompt"]),
        batch_rows=execution.generation_commit,
        what=what,
    )
    return [Generated(**row) for row in rows]


def generation_key(engine: Engine, request: GenerationRequest, sampling: Sampling) -> str:
    """The key of a completion in the store."""
    return request_key(GENERATE, payload(engine, request, sampling))


def payload(engine: Engine, request: GenerationRequest, sampling: Sampling) -> dict[str, Any]:
    """All that determines a completion. A change here needs a new version of GENERATE."""
    return {
        "engine": engine.identity,
        "prompt": request.prompt,
        "sampling": sampling.model_dump(),
        "seed": request.seed,
    }
