"""Engines `vllm` and `openai`: the model is behind servers of the OpenAI protocol.

`vllm`: the stage owns the servers (jz3/generation/own_servers.py), one for each group of GPUs. Prefix caching
is on: prompts that begin with the same instructions share their cache.

`openai`: the servers run elsewhere (SGLang, llama.cpp, vLLM on a cluster ...). `execution.yaml:servers` lists
them, and JZ3_SERVERS_KEY holds their key; address, key and limits of the teacher do not apply. They serve the
model under its digest as name: `vllm serve DIRECTORY --served-model-name DIGEST`. So a server that still has
last week's weights answers that there is no such model, and no row is stored under a digest that did not
write it.

Prompts are sent as token ids, encoded here as for the engine in this process. Each row has its own seed; its
text may still differ between runs if rounding decides a draw, because servers form their own batches. Costs
less than a millisecond of one core per request (jz3/generation/client.py).
"""

import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from socket import gethostname
from typing import Any, Literal

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.generation.bodies import SEED_LIMIT
from jz3.generation.client import Completed, open_client
from jz3.generation.endpoint import Endpoint
from jz3.generation.engine import Asked, Generated, GenerationRequest, ModelSource, Sampling, Unwritten
from jz3.generation.own_servers import own_servers
from jz3.generation.prompts import encode_prompts
from jz3.generation.servers import Servers
from jz3.generation.stops import Decoder
from jz3.generation.streaming import Stream
from jz3.workers.batch import UnfitError

ENCODED_TOGETHER = 64
"""Prompts that are encoded together (chosen: tokenizers encode a batch on all cores)."""
KEY = "JZ3_SERVERS_KEY"


class ServedEngine:
    """A model behind servers. The first request reads its config and tokenizer, and starts servers."""

    def __init__(self, name: Literal["vllm", "openai"], source: ModelSource, execution: Execution) -> None:
        self._name: Literal["vllm", "openai"] = name
        self._source, self._execution = source, execution
        self._open: _Open | None = None

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": self._name, "model": self._source.digest, "dtype": self._source.dtype}

    @property
    def owns_servers(self) -> bool:
        return self._name == "vllm"

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order."""
        written: dict[str, Generated] = {}
        asked = ((str(place), request, sampling) for place, request in enumerate(requests))
        with closing(self.stream(asked)) as outcomes:
            for outcome in outcomes:
                if outcome is None:
                    continue
                place, result = outcome
                if isinstance(result, Unwritten):
                    raise UserError(
                        f"request {place} of {len(requests)} {result.reason}; a completion was expected. "
                        f"Take it out, or give each server more memory."
                    )
                written[place] = result
        return [written[str(place)] for place in range(len(requests))]

    def stream(self, asked: Iterator[Asked]) -> Generator[tuple[str, Generated | Unwritten] | None]:
        """The outcome of each request, in any order; None for each second without one."""
        opened = self._opened()
        waiting: dict[str, tuple[int, Sampling]] = {}
        """Prompt tokens and sampling of the requests in flight."""
        full: list[tuple[str, Generated]] = []
        """Prompts that leave no room in the context: no server is asked."""
        with closing(opened.stream.ask(self._bodies(asked, opened, waiting, full))) as outcomes:
            for outcome in outcomes:
                while full:
                    yield full.pop()
                if outcome is None:
                    yield None
                    continue
                name, result = outcome
                prompt_tokens, sampling = waiting.pop(name)
                if isinstance(result, Completed):
                    yield name, opened.generated(result, prompt_tokens, sampling)
                else:
                    yield name, result
        yield from full

    def close(self) -> None:
        """End the servers that are ours."""
        if self._open is not None:
            self._open.stream.close()
            self._open = None

    def _opened(self) -> "_Open":
        if self._open is None:
            from transformers import AutoConfig, AutoTokenizer

            where: dict[str, Any] = {"trust_remote_code": False}
            config: Any = AutoConfig.from_pretrained(self._source.path, **where)
            tokenizer: Any = AutoTokenizer.from_pretrained(self._source.path, **where)
            context = int(config.max_position_embeddings)
            stream = Stream(self._servers(context), self._execution.retries)
            self._open = _Open(tokenizer, context, stream)
        return self._open

    def _servers(self, context: int) -> Callable[[], AbstractAsyncContextManager[Servers]]:
        source, execution = self._source, self._execution
        if self._name == "vllm":
            _must_have_vllm(execution)
            return lambda: own_servers(source, context, execution)
        return lambda: _named_servers(source, execution)

    def _bodies(
        self,
        asked: Iterator[Asked],
        opened: "_Open",
        waiting: dict[str, tuple[int, Sampling]],
        full: list[tuple[str, Generated]],
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        while piece := list(islice(asked, ENCODED_TOGETHER)):
            prompts = encode_prompts(opened.tokenizer, [request.prompt for _, request, _ in piece])
            for (name, request, sampling), prompt in zip(piece, prompts, strict=True):
                room = min(sampling.max_tokens, opened.context - len(prompt))
                if room <= 0:
                    full.append((name, Generated("", "length", len(prompt), 0)))
                else:
                    waiting[name] = len(prompt), sampling
                    yield name, self._body(prompt, room, request.seed, sampling)

    def _body(self, prompt: list[int], max_tokens: int, seed: int, sampling: Sampling) -> dict[str, Any]:
        own = self._name == "vllm"
        return {
            "model": self._source.digest,
            "prompt": prompt,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": max_tokens,
            "stop": sampling.stop or None,
            "seed": seed if own else seed % SEED_LIMIT,
            "n": 1,
            # Texts are decoded here: vLLM leaves out a character that is cut off, other engines do not.
            **({"return_token_ids": True} if own else {}),
        }


@dataclass
class _Open:
    """What the first request opens."""

    tokenizer: Any
    context: int
    """Tokens of the model's context."""
    stream: Stream
    decoders: dict[tuple[str, ...], Decoder] = field(default_factory=dict[tuple[str, ...], Decoder])
    """Decoders by stop strings."""

    def generated(self, completed: Completed, prompt_tokens: int, sampling: Sampling) -> Generated:
        tokens = completed.token_ids
        if tokens is None:
            return Generated(
                completed.text, completed.finish_reason, prompt_tokens, completed.completion_tokens
            )
        stop = tuple(sampling.stop)
        if stop not in self.decoders:
            self.decoders[stop] = Decoder(self.tokenizer, sampling.stop)
        text = self.decoders[stop].text(list(tokens))
        return Generated(text, completed.finish_reason, prompt_tokens, len(tokens))


def _must_have_vllm(execution: Execution) -> None:
    if not Path(execution.vllm_python).exists():
        where = f" on {gethostname()}" if execution.ray_address is not None else ""
        raise UnfitError(  # on a cluster, workers on other machines may have it
            f"there is no {execution.vllm_python}{where} (execution.yaml:vllm_python); the Python of an "
            f"environment with vLLM was expected. Build it by `make gpu`, or set the stage's engine to "
            f"transformers."
        )


@asynccontextmanager
async def _named_servers(source: ModelSource, execution: Execution) -> AsyncGenerator[Servers]:
    """The servers of `execution.yaml:servers`. Raises UserError if there are none, or an address is
    invalid.
    """
    addresses = execution.servers
    if not addresses:
        raise UserError(
            "engine openai needs servers; their addresses were expected in execution.yaml:servers. Set it, "
            "such as to [http://127.0.0.1:8000/v1], or set the stage's engine to vllm or transformers."
        )
    advice = (
        f"the model of digest {source.digest} was expected at {', '.join(addresses)} under that name. Start "
        f"it, for instance by `vllm serve {source.path} --served-model-name {source.digest}`, and run again: "
        f"finished rows are in the row store."
    )
    servers = Servers(len(addresses), execution.server_concurrency, advice)
    async with AsyncExitStack() as clients:
        for server, address in zip(servers.all, addresses, strict=True):
            endpoint = Endpoint(address, os.environ.get(KEY, "none"), ("execution.yaml:servers", KEY))
            opened = open_client(endpoint, execution.server_timeout_s, execution.server_concurrency)
            server.client = await clients.enter_async_context(opened)
        yield servers
