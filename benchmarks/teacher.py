"""Teacher calls against a server on loopback that answers in 200 ms, and what the row store adds.

    python benchmarks/teacher.py            # 36,000 requests at concurrency 256; memory from 10k to 200k
    python benchmarks/teacher.py --quick    # less of each, seconds
    python benchmarks/teacher.py memory     # a part: rates, store or memory

`share_of_ideal` is the rate over concurrency / latency (1,280 requests/s). It is also bounded by the client's
single core, so that is measured in the same run: the bare openai client with the fastest transport and call
it has, no store, no limits, no journal (`bare`), and the client as its documentation has it (`plain`).
`share_of_core` is how much of one core jz3 used: near 1, the core is the limit; `server_core` how much of
another the server used meanwhile. `share_of_bare` is our rate over that of the bare client,
`core_limit_share` the same by time of the core, which other work on the machine disturbs less.
`store_us_per_row` is an answer put into the journal and found again, a row. `peak_mb` is the memory of a
process of its own that asks for the most requests, `growth_mb` how much more than for one in 20.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.servers.answering import answering_server, core_s
from jz3.core.execution import Execution, load_execution
from jz3.generation.asking import ask_all
from jz3.generation.chat import CHAT, ChatRequest, chat_key
from jz3.generation.endpoint import Endpoint
from jz3.store.row_store import RowStore

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

LATENCY_S = 0.2
CONCURRENCY = 256
PROMPT = "fine " + "word " * 200


@dataclass(frozen=True)
class Requests:
    """Requests made one by one as they are consumed, so that the measured memory does not include them."""

    count: int
    first: int = 0

    def __iter__(self) -> Iterator[ChatRequest]:
        for number in range(self.first, self.first + self.count):
            yield ChatRequest("bench", "m", f"{PROMPT}{number}", 0.6, 1.0, 500, seed=number)


@cache
def execution() -> Execution:
    """The profile's execution, read once: reading a profile is no part of a request."""
    root = Path(__file__).parent.parent
    embedded = load_execution(root / "profiles/execution/embedded.yaml")
    return embedded.model_copy(update={"concurrency": CONCURRENCY, "timeout_s": 60.0})


def ask(url: str, requests: Requests) -> int:
    return sum(1 for _ in ask_all(requests, Endpoint(url, "key"), execution(), "requests"))


@dataclass(frozen=True)
class Rate:
    """How fast one way of asking went."""

    per_second: float
    core_us: float
    """Microseconds of the client's core per request."""
    server_us: float
    """Microseconds of the server's core per request."""

    @property
    def core(self) -> float:
        """The share of one core that the client used."""
        return self.per_second * self.core_us / 1e6

    @property
    def server_core(self) -> float:
        """The share of another core that the server used."""
        return self.per_second * self.server_us / 1e6


def rates(count: int, rounds: int) -> dict[str, Rate]:
    """The rate of each way, in turns that each start with another way, so that other load on the machine
    affects all alike.
    """
    ways = {"jz3": ask, "bare": ask_bare, "plain": ask_plain}
    wall, core, served = (dict.fromkeys(ways, 0.0) for _ in range(3))
    with answering_server(LATENCY_S) as url:
        ask(url, Requests(CONCURRENCY, first=10**9))  # imports
        for turn in range(rounds):
            first = turn % len(ways)
            for name, way in [*ways.items()][first:] + [*ways.items()][:first]:
                started, used, server_used = time.monotonic(), time.process_time(), core_s(url)
                assert way(url, Requests(count // rounds, first=turn * count)) == count // rounds
                wall[name] += time.monotonic() - started
                core[name] += time.process_time() - used
                served[name] += core_s(url) - server_used
    asked = count // rounds * rounds
    return {
        name: Rate(asked / wall[name], core[name] / asked * 1e6, served[name] / asked * 1e6) for name in ways
    }


def ask_bare(url: str, requests: Requests) -> int:
    """The openai client over its own fastest transport, with nothing around it."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async def texts(client: AsyncOpenAI, request: ChatRequest) -> str:
        response = await client.post("/chat/completions", cast_to=httpx2.Response, body=request.body())
        return json.loads(response.content)["choices"][0]["message"]["content"]

    limits = httpx2.Limits(max_connections=CONCURRENCY)
    return asyncio.run(loop(url, requests, texts, http_client=DefaultAioHttpClient(limits=limits)))


def ask_plain(url: str, requests: Requests) -> int:
    """The openai client as its documentation shows it: httpx connections, and answers as typed objects."""

    async def texts(client: "AsyncOpenAI", request: ChatRequest) -> str | None:
        answer = await client.chat.completions.create(**request.body())
        return answer.choices[0].message.content

    return asyncio.run(loop(url, requests, texts))


async def loop(
    url: str,
    requests: Requests,
    text: Callable[["AsyncOpenAI", ChatRequest], Awaitable[str | None]],
    http_client: "httpx2.AsyncClient | None" = None,
) -> int:
    """One task for each request that may be in flight, over one client; the texts are dropped."""
    from openai import AsyncOpenAI

    waiting, answered = iter(requests), 0

    async def work() -> None:
        nonlocal answered
        for request in waiting:
            said = await text(client, request)
            answered += bool(said)

    client = AsyncOpenAI(base_url=url, api_key="key", max_retries=0, http_client=http_client)
    async with client, asyncio.TaskGroup() as tasks:
        for _ in range(CONCURRENCY):
            tasks.create_task(work())
    return answered


def store_us(count: int) -> float:
    """Microseconds per row: appended and flushed one by one, as answers come, then all found again."""
    with tempfile.TemporaryDirectory() as directory:
        store = RowStore(Path(directory))
        rows = [(chat_key(request), vars(request)) for request in Requests(count)]
        result = {
            "text": "answer " * 300,
            "finish_reason": "stop",
            "prompt_tokens": 1,
            "completion_tokens": 1,
        }
        started = time.process_time()
        with store.writer(CHAT) as writer:
            for place, (key, request) in enumerate(rows, start=1):
                writer.append(key, request, result)
                writer.flush()
                if place % 100 == 0:
                    writer.commit()
        for start in range(0, count, 2_000):
            piece = [key for key, _ in rows[start : start + 2_000]]
            assert len(store.known(CHAT, piece)) == len(piece)
        return (time.process_time() - started) / count * 1e6


def peak_mb(count: int) -> float:
    """Memory of a process that makes `count` requests to a server that answers at once."""
    with answering_server(0.0) as url, tempfile.TemporaryDirectory() as store:
        environment = os.environ | {"JZ3_STORE": store}
        command = [sys.executable, __file__, "--ask", url, str(count)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])


def used_mb() -> float:
    """The most memory that this process held at once."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins at what the parent held when it forked
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_rates(*, quick: bool) -> dict[str, float]:
    calls, rounds = (2 * CONCURRENCY, 2) if quick else (36_000, 3)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["JZ3_STORE"] = directory
        measured = rates(calls, rounds)
    ideal = CONCURRENCY / LATENCY_S
    ours, bare = measured["jz3"], measured["bare"]
    print(f"{calls:,} requests, {CONCURRENCY} at once, {LATENCY_S:g} s each: {ideal:,.0f}/s at best")
    for name, rate in measured.items():
        print(
            f"  {name:5}  {rate.per_second:6.0f} requests/s  {rate.core_us:6.0f} us of the core a request  "
            f"{100 * rate.core:3.0f} % of the core used  {1e6 / rate.core_us:6.0f}/s on a whole core  "
            f"{100 * rate.server_core:3.0f} % of the server's core"
        )
    return {
        "share_of_ideal": round(ours.per_second / ideal, 3),
        "share_of_core": round(ours.core, 3),
        "server_core": round(ours.server_core, 3),
        "share_of_bare": round(ours.per_second / bare.per_second, 3),
        "core_limit_share": round(bare.core_us / ours.core_us, 3),
        "core_us": round(ours.core_us),
        "bare_core_us": round(bare.core_us),
        "plain_core_us": round(measured["plain"].core_us),
    }


def measure_store(*, quick: bool) -> dict[str, float]:
    rows = 500 if quick else 100_000
    per_row = store_us(rows)
    print(f"store: {per_row:.1f} us a row, {rows:,} rows of 3.5 kB")
    return {"store_us_per_row": round(per_row, 1)}


def measure_memory(*, quick: bool) -> dict[str, float]:
    many = 200 if quick else 200_000
    few_mb, many_mb = peak_mb(many // 20), peak_mb(many)
    print(f"memory: {few_mb:.0f} MB at {many // 20:,} requests, {many_mb:.0f} MB at {many:,}")
    return {"peak_mb": round(many_mb), "growth_mb": round(many_mb - few_mb)}


PARTS = {"rates": measure_rates, "store": measure_store, "memory": measure_memory}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all, if none is named")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--ask", nargs=2, metavar=("URL", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        ask(arguments.ask[0], Requests(int(arguments.ask[1])))
        print(used_mb())
        return
    figures: dict[str, float] = {}
    for name in arguments.parts or PARTS:
        figures |= PARTS[name](quick=arguments.quick)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
