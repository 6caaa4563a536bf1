"""Completions through the row store: a completion that an engine has written is not asked for again."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, TypeGuard

import orjson

from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json
from jz3.generation.engine import (
    Asked,
    Engine,
    Generated,
    GenerationRequest,
    Prompt,
    Sampling,
    StreamEngine,
    Turn,
    Unwritten,
)
from jz3.store.row_store import Operation, key_of_text, request_key
from jz3.workers.batch import Lost, Request, Workers, workers_of
from jz3.workers.crew import Crew
from jz3.workers.fill import Streamed, fill_by, fill_stream, fill_windows

GENERATE = Operation("generate", 1)


def generate_rows(
    engine: Engine,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    execution: Execution,
    what: str,
    crew: Crew,
) -> list[Generated]:
    """A completion for each request, in order; batches have prompts of similar length, the longest first."""
    rows = fill_by(
        GENERATE,
        [payload(engine, request, sampling) for request in requests],
        lambda windows: generate_windows(engine, windows, execution, crew),
        what=what,
        tokens=completion_tokens,
    )
    return [Generated(**row) for row in rows]


def generate_windows(
    engine: Engine, windows: Iterable[Mapping[str, Request]], execution: Execution, crew: Crew
) -> Generator[tuple[str, dict[str, Any]] | Lost]:
    """Key and result of each row once it is committed: as a stream if the engine's servers form their own
    batches, otherwise in defined batches.
    """
    if streams(engine, execution):
        return fill_stream(
            GENERATE,
            windows,
            Streaming(engine),
            order=longest_first,
            commit_rows=execution.generation_commit,
        )
    return fill_windows(
        GENERATE,
        windows,
        Generation(engine),
        order=longest_first,
        batch_rows=execution.generation_commit,
        crew=crew,
    )


def generation_workers(engine: Engine, execution: Execution) -> Workers:
    """Who computes: with servers, the stage's own process is enough for all of them."""
    if streams(engine, execution):
        return Workers(1, execution.threads, 0, None)
    return workers_of(execution)


def streams(engine: Engine, execution: Execution) -> TypeGuard[StreamEngine]:
    """Whether this process sends requests one by one. On a Ray cluster it does not if the servers are ours:
    there each worker has its own and gets batches.
    """
    on_cluster = execution.ray_address is not None
    return isinstance(engine, StreamEngine) and not (on_cluster and engine.owns_servers)


@dataclass(frozen=True)
class Generation:
    """A worker's work on a batch of payloads, which share their sampling."""

    engine: Engine

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        asked = [GenerationRequest(_prompt(row["prompt"]), row["seed"]) for row in batch]
        sampling = Sampling.model_validate(batch[0]["sampling"])
        assert all(row["sampling"] == batch[0]["sampling"] for row in batch)
        return [dict(vars(generated)) for generated in self.engine.generate(asked, sampling)]


@dataclass(frozen=True)
class Streaming:
    """The outcome of each payload in a stream."""

    engine: StreamEngine

    def __call__(self, asked: Iterator[tuple[str, Request]]) -> Generator[Streamed | None]:
        under_way: dict[str, Request] = {}

        def requests() -> Iterator[Asked]:
            for key, row in asked:
                under_way[key] = row
                sampling = Sampling.model_validate(row["sampling"])
                yield key, GenerationRequest(_prompt(row["prompt"]), row["seed"]), sampling

        with closing(self.engine.stream(requests())) as outcomes:
            for outcome in outcomes:
                if outcome is None:
                    yield None
                    continue
                key, result = outcome
                request = under_way.pop(key)
                if isinstance(result, Unwritten):
                    yield Lost(key, result.reason)
                else:
                    yield key, request, dict(vars(result))


def longest_first(request: Mapping[str, Any]) -> int:
    """A sort key that puts long prompts first, so that a batch too large for memory fails at the start."""
    return -_length(request["prompt"])


def completion_tokens(result: Mapping[str, Any]) -> int:
    return result["completion_tokens"]


def _prompt(stored: str | list[dict[str, Any]]) -> Prompt:
    return stored if isinstance(stored, str) else tuple(Turn(**turn) for turn in stored)


def _length(stored: str | list[dict[str, Any]]) -> int:
    return len(stored) if isinstance(stored, str) else sum(len(turn["content"]) for turn in stored)


def generation_key(engine: Engine, request: GenerationRequest, sampling: Sampling) -> str:
    """The key of a completion in the store."""
    return request_key(GENERATE, payload(engine, request, sampling))


class Keys:
    """Keys of completions with the same engine and sampling: as `generation_key` makes them, at half the
    cost.
    """

    def __init__(self, engine: Engine, sampling: Sampling) -> None:
        self._engine, self._sampling = engine, sampling
        self._before = f'{{"engine":{canonical_json(engine.identity)},"prompt":'
        self._between = f',"sampling":{canonical_json(sampling.model_dump())},"seed":'

    def of(self, prompt: str, seed: int) -> str:
        try:
            quoted = orjson.dumps(prompt).decode()
        except orjson.JSONEncodeError:  # a lone surrogate
            return generation_key(self._engine, GenerationRequest(prompt, seed), self._sampling)
        return key_of_text(GENERATE, f"{self._before}{quoted}{self._between}{seed}}}")


def payload(engine: Engine, request: GenerationRequest, sampling: Sampling) -> dict[str, Any]:
    """Everything that determines a completion. A change here needs a new version of GENERATE."""
    return {
        "engine": engine.identity,
        "prompt": request.prompt if isinstance(request.prompt, str) else list(map(asdict, request.prompt)),
        "sampling": sampling.model_dump(),
        "seed": request.seed,
    }
