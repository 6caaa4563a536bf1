"""Engine `openai`: the model stands behind a server of the OpenAI protocol (vLLM, SGLang, llama.cpp ...).

The server is at OPENAI_BASE_URL, its key in OPENAI_API_KEY, and it serves the model under its digest as name:
`vllm serve DIRECTORY --served-model-name DIGEST`. So a server that still has last week's weights answers that
there is no such model, and no row is kept under a digest that did not write it. Prompts are sent as token
ids, encoded here as for the other engines. A batch is done when all its requests are; a request that fails
`execution.retries` times stops the stage, and the batches before are in the store.

Costs: less than a millisecond of one core a request, as teachers' (jz3/generation/openai.py).
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.generation.endpoint import Endpoint
from jz3.generation.engine import Generated, GenerationRequest, ModelSource, Sampling
from jz3.generation.openai import Client, Completed, open_client
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.pace import Pace, Window, backoff_s
from jz3.generation.prompts import encode_prompts

SEED_LIMIT = 1 << 31
"""Servers take seeds of 32 bits with a sign at the least."""


class ServedEngine:
    """A model that a server has. Only its config and tokenizer are read here, by the first `generate`."""

    def __init__(self, source: ModelSource, execution: Execution) -> None:
        self._source = source
        self._execution = execution
        self._tokenizer: Any = None
        self._context = 0

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "openai", "model": self._source.digest, "dtype": self._source.dtype}

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order; `execution.concurrency` of them are in flight at once."""
        self._load()
        prompts = encode_prompts(self._tokenizer, [request.prompt for request in requests])
        return asyncio.run(self._generate(prompts, [request.seed for request in requests], sampling))

    def close(self) -> None:
        """The server is not ours."""
        self._tokenizer = None

    def _load(self) -> None:
        if self._tokenizer is not None:
            return
        from transformers import AutoConfig, AutoTokenizer

        source = self._source
        config: Any = AutoConfig.from_pretrained(source.path, trust_remote_code=False)
        self._context = int(config.max_position_embeddings)
        self._tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False)

    async def _generate(
        self, prompts: Sequence[list[int]], seeds: Sequence[int], sampling: Sampling
    ) -> list[Generated]:
        execution = self._execution
        async with open_client(_endpoint(), execution.timeout_s, execution.concurrency) as client:
            asking = _Asking(client, execution)
            async with asyncio.TaskGroup() as tasks:
                made = [
                    tasks.create_task(asking.one(self._body(prompt, seed, sampling)))
                    for prompt, seed in zip(prompts, seeds, strict=True)
                ]
        if asking.failed is not None:
            raise UserError(
                f"the server at OPENAI_BASE_URL gives no completion ({asking.failed}); the model of digest "
                f"{self._source.digest} was expected there under that name. Start it, for instance by "
                f"`vllm serve {self._source.path} --served-model-name {self._source.digest}`, and run again: "
                f"finished batches are in the row store."
            )
        return [
            Generated("", "length", len(prompt), 0)
            if (completed := task.result()) is None
            else Generated(completed.text, completed.finish_reason, len(prompt), completed.completion_tokens)
            for prompt, task in zip(prompts, made, strict=True)
        ]

    def _body(self, prompt: list[int], seed: int, sampling: Sampling) -> dict[str, Any]:
        return {
            "model": self._source.digest,
            "prompt": prompt,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": min(sampling.max_tokens, self._context - len(prompt)),
            "stop": sampling.stop or None,
            "seed": seed % SEED_LIMIT,
            "n": 1,
        }


class _Asking:
    """The requests of one batch, under shared limits; after one that fails for good no more are sent."""

    def __init__(self, client: Client, execution: Execution) -> None:
        self._client, self._attempts = client, execution.retries + 1
        self._pace = Pace(execution.requests_per_minute, execution.tokens_per_minute)
        self._window = Window(execution.concurrency)
        self.failed: str | None = None
        """Why there is a request without a completion."""

    async def one(self, body: dict[str, Any]) -> Completed | None:
        """A completion; None where there is no room for a token, or a request has failed."""
        if body["max_tokens"] <= 0:
            return None
        wait_s = 0.0
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(max(backoff_s(attempt - 1), wait_s))
            await self._pace.wait(len(body["prompt"]) + body["max_tokens"])
            outcome = await self._sent(body)
            if outcome is None or isinstance(outcome, Completed):
                return outcome
            if isinstance(outcome, Stop) or not outcome.again or attempt == self._attempts - 1:
                self.failed = self.failed or outcome.reason
                return None
            wait_s = outcome.wait_s or 0.0
        return None

    async def _sent(self, body: dict[str, Any]) -> Completed | Setback | Stop | None:
        number = await self._window.enter()
        busy = False
        try:
            if self.failed is not None:
                return None
            outcome = await self._client.complete(body)
            busy = isinstance(outcome, Setback) and outcome.busy
            return outcome
        finally:
            self._window.leave(number, busy=busy)


def _endpoint() -> Endpoint:
    address = os.environ.get("OPENAI_BASE_URL")
    if not address:
        raise UserError(
            "engine openai needs a server; its address was expected in OPENAI_BASE_URL. Set it, such as to "
            "http://127.0.0.1:8000/v1, or set the stage's engine to vllm or transformers."
        )
    return Endpoint(base_url=address, api_key=os.environ.get("OPENAI_API_KEY", "none"))
