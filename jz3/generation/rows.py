"""Completions through the row store: what an engine wrote once, it is not asked for again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json
from jz3.generation.engine import Engine, Generated, GenerationRequest, Prompt, Sampling, Turn
from jz3.store.rows import Operation, key_of_text, request_key
from jz3.workers.crew import Crew
from jz3.workers.fill import fill

GENERATE = Operation("generate", 1)


def generate_rows(
    engine: Engine,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    execution: Execution,
    what: str,
    crew: Crew,
) -> list[Generated]:
    """A completion for each request, in order; batches are of like length, the longest prompts first."""
    rows = fill(
        GENERATE,
        [payload(engine, request, sampling) for request in requests],
        Generation(engine),
        order=longest_first,
        batch_rows=execution.generation_commit,
        what=what,
        crew=crew,
        tokens=completion_tokens,
    )
    return [Generated(**row) for row in rows]


@dataclass(frozen=True)
class Generation:
    """What a worker does with a batch of payloads, which share their sampling."""

    engine: Engine

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        asked = [GenerationRequest(_prompt(row["prompt"]), row["seed"]) for row in batch]
        sampling = Sampling.model_validate(batch[0]["sampling"])
        assert all(row["sampling"] == batch[0]["sampling"] for row in batch)
        return [dict(vars(generated)) for generated in self.engine.generate(asked, sampling)]


def longest_first(request: Mapping[str, Any]) -> int:
    """So that a batch too large for the memory is found at the start and not after hours."""
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
    """Keys of completions that share engine and sampling: those of `generation_key`, at half the cost."""

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
    """All that determines a completion. A change here needs a new version of GENERATE."""
    return {
        "engine": engine.identity,
        "prompt": request.prompt if isinstance(request.prompt, str) else list(map(asdict, request.prompt)),
        "sampling": sampling.model_dump(),
        "seed": request.seed,
    }
