"""Teacher calls against a provider on loopback that answers in 200 ms, and what the row store adds.

    python benchmarks/teacher.py            # 20,000 requests at concurrency 256; memory from 10k to 200k
    python benchmarks/teacher.py --quick    # less of each, under a minute

`share_of_ideal` is the rate against concurrency / latency (1,280 requests/s); `share_of_core` says how much
of one core the client used meanwhile: near 1, the client's core is the limit and not the client's waiting.
`store_us_per_row` is an answer put into the journal and found again, a row. `peak_mb` is the memory of a
process of its own that asks for the most requests, `growth_mb` how much more than for a twentieth of them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.core.execution import Execution
from jz3.core.params import load_params
from jz3.generation.asking import ask_all
from jz3.generation.chat import CHAT, ChatRequest, chat_key
from jz3.generation.openai import Endpoint
from jz3.store.rows import RowStore
from tests.generation.provider import running_provider

LATENCY_S = 0.2
CONCURRENCY = 256
PROMPT = "fine " + "word " * 200


@dataclass(frozen=True)
class Requests:
    """Made as they are gone through, so that the memory measured is not theirs."""

    count: int
    first: int = 0

    def __iter__(self) -> Iterator[ChatRequest]:
        for number in range(self.first, self.first + self.count):
            yield ChatRequest("bench", "m", f"{PROMPT}{number}", 0.6, 1.0, 500, seed=number)


def execution(concurrency: int) -> Execution:
    root = Path(__file__).parent.parent
    embedded = load_params(Execution, "execution", root / "profiles/embedded.yaml")
    return embedded.model_copy(update={"concurrency": concurrency, "timeout_s": 60.0})


def ask(url: str, requests: Requests) -> int:
    return sum(1 for _ in ask_all(requests, Endpoint(url, "key"), execution(CONCURRENCY), "requests"))


def rate(count: int) -> tuple[float, float]:
    """Requests a second, and the share of one core that the client used."""
    with running_provider() as provider:
        provider.set(delay_s=LATENCY_S)
        ask(provider.url, Requests(CONCURRENCY, first=10**9))  # imports and connections
        started, used = time.monotonic(), time.process_time()
        assert ask(provider.url, Requests(count)) == count
        seconds = time.monotonic() - started
        return count / seconds, (time.process_time() - used) / seconds


def store_us(count: int) -> float:
    """Microseconds a row: appended and flushed one by one, as answers come, then all found again."""
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
    """Memory of a process that asks for so many, of a provider that answers at once."""
    with running_provider() as provider, tempfile.TemporaryDirectory() as store:
        environment = os.environ | {"JZ3_STORE": store}
        command = [sys.executable, __file__, "--ask", provider.url, str(count)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--ask", nargs=2, metavar=("URL", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        ask(arguments.ask[0], Requests(int(arguments.ask[1])))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    calls, rows, many = (1_000, 5_000, 1_000) if arguments.quick else (20_000, 100_000, 200_000)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["JZ3_STORE"] = directory
        per_second, core = rate(calls)
    ideal = CONCURRENCY / LATENCY_S
    per_row = store_us(rows)
    few_mb, many_mb = peak_mb(many // 20), peak_mb(many)
    print(f"{calls:,} requests, {CONCURRENCY} at once, {LATENCY_S:g} s each")
    print(
        f"  {per_second:8.0f} requests/s   of {ideal:.0f} ideal; the client used {100 * core:.0f} % of a core"
    )
    print(f"  {per_row:8.1f} us a row      in the store, {rows:,} rows of 3.5 kB")
    print(f"  {few_mb:8.0f} MB             at {many // 20:,} requests")
    print(f"  {many_mb:8.0f} MB             at {many:,} requests")
    figures = {
        "share_of_ideal": round(per_second / ideal, 3),
        "share_of_core": round(core, 3),
        "store_us_per_row": round(per_row, 1),
        "peak_mb": round(many_mb),
        "growth_mb": round(many_mb - few_mb),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
