"""`vllm serve` for each group of GPUs, from its own Python environment, for as long as a stage lives.

A server listens on loopback, at a port that was free and with a key that only this stage knows, so that two
stages cannot take each other's requests or answers. A server that ends, does not answer health checks, or
does not become ready, is started again. It is given up if it keeps ending without a completion in between, or
does not become ready in STARTS_IN_A_ROW tries; the others go on without it, and the stage ends once all are
given up. jz3/generation/guardian.py ends the servers with the stage.
"""

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname, socket

import aiohttp

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.generation import guardian
from jz3.generation.client import open_client
from jz3.generation.endpoint import Endpoint
from jz3.generation.engine import FP8, ModelSource
from jz3.generation.servers import Server, Servers
from jz3.workers.batch import gpu_groups

log = logging.getLogger(__name__)

START_S = 1800.0
"""Seconds for a server to be ready (chosen: 70B weights from a network disk and their kernels take some 15
minutes). If it ends earlier, that is noticed at once. After that long there is no further try.
"""
LOOK_S = 0.2
"""Seconds between two looks at a server that is starting (chosen)."""
HEALTH_EVERY_S, HEALTH_WAIT_S, SICK = 10.0, 30.0, 3
"""Seconds between health checks, seconds to answer one, and failed checks after which a server is ended
(chosen).
"""
ENDS_IN_A_ROW = 5
"""Times that a server ends without a completion in between, after which requests are not the cause
(chosen).
"""
STARTS_IN_A_ROW = 3
"""Times that a server may end before it is ready (chosen). What passes by itself is over after one or two:
another program took the port, an ended process still held the card's memory, servers compiled into one cache
at the same time. What is wrong with the configuration fails each time, and a try with a large model takes
minutes.
"""
PAUSE_S = 5.0
"""Seconds between two such tries, for what passes by itself (chosen: the driver frees the memory of an ended
process in one or two).
"""
SHOWN_LINES = 12
"""Lines of a server's log that an error shows."""
LOOPBACK = "127.0.0.1"
NOT_PASSED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "VLLM_PORT")
"""Of this environment, they would lead the other one astray."""
UNLESS_SET = {"VLLM_USE_FLASHINFER_SAMPLER": "0"}
"""vLLM compiles that sampler when it starts, for which a machine without a CUDA toolkit has no nvcc, and the
server ends. It is never asked to draw here: it knows no seeds of single requests.
"""

SPECULATION: dict[str, dict[str, str | int]] = {
    "ngram": {"method": "ngram", "num_speculative_tokens": 5, "prompt_lookup_min": 2, "prompt_lookup_max": 4},
    "suffix": {"method": "suffix", "num_speculative_tokens": 24},
}
"""vLLM's settings (chosen: as many tokens as vLLM's example for n-grams has; for suffixes, of which it takes
as many as are probable, the depth of its tree).
"""


@asynccontextmanager
async def own_servers(source: ModelSource, context: int, execution: Execution) -> AsyncGenerator[Servers]:
    """Servers for a model with `context` tokens; they start now and end with the block."""
    groups = gpu_groups(execution)
    servers = Servers(
        len(groups),
        execution.server_concurrency,
        f"`vllm serve` over {source.path} was expected to answer. Run again: finished rows are in the row "
        f"store.",
    )
    with tempfile.TemporaryDirectory(prefix="jz3-servers-") as logs:
        keepers = [
            asyncio.create_task(
                Keeper(
                    servers, server, source, context, execution, group, Path(logs) / f"{number}.log"
                ).keep()
            )
            for number, (server, group) in enumerate(zip(servers.all, groups, strict=True))
        ]
        try:
            yield servers
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


@dataclass(frozen=True)
class Keeper:
    """Keeps one server running."""

    servers: Servers
    server: Server
    source: ModelSource
    context: int
    execution: Execution
    gpus: Sequence[str]
    log: Path

    async def keep(self) -> None:
        """Run until cancelled, or until the server is given up."""
        ends, unready, began = 0, 0, time.monotonic()
        while True:
            starts = self.server.starts
            try:
                how = await self._one_life()
            except OSError as error:
                how = f"cannot be started ({error})"
            if self.server.starts > starts:
                ends = 0 if self.server.proven else ends + 1
                unready, began = 0, time.monotonic()
                if ends == ENDS_IN_A_ROW:
                    return self._give_up(f"ended {ends} times in a row")
            else:  # no request has reached it, so that none is the cause
                unready += 1
                if unready == STARTS_IN_A_ROW or time.monotonic() - began >= START_S:
                    return self._give_up(f"{how} (failed starts: {unready})")
                await asyncio.sleep(PAUSE_S)
            log.warning("%s %s; restarting it: %s", self._name, how, self._last_words(1))

    def _give_up(self, how: str) -> None:
        """Leave the requests to the other servers, or say why there is none left."""
        self.server.gone = True
        if all(server.gone for server in self.servers.all):
            self.servers.failed = self._error(how)
        else:
            said = "%s %s; the others go on without it. Its last output: %s"
            log.warning(said, self._name, how, self._last_words())
        self.servers.notify()

    @property
    def _name(self) -> str:
        return f"the vLLM server on GPU {', '.join(self.gpus)}" if self.gpus else "a vLLM server"

    async def _one_life(self) -> str:
        """Run one process from start to end; return how it ended."""
        port, key = _free_port(), secrets.token_hex(16)
        process = await self._start(port, key)
        address = f"http://{LOOPBACK}:{port}"
        try:
            async with aiohttp.ClientSession() as session:
                if not await self._became_ready(process, session, address):
                    return _how(process) or f"was not ready in {START_S:g} s"
                concurrency, timeout_s = self.servers.concurrency, self.execution.server_timeout_s
                async with open_client(Endpoint(f"{address}/v1", key), timeout_s, concurrency) as client:
                    self.server.client = client
                    self.server.starts += 1
                    self.server.proven = False
                    self.server.rests_until = 0.0
                    self.servers.notify()
                    await self._until_it_ends(process, session, address)
                    return _how(process) or "no longer answers health checks"
        finally:
            self.server.client = None
            self.servers.notify()
            await _ended(process)

    async def _start(self, port: int, key: str) -> asyncio.subprocess.Process:
        environment = server_environment(self.execution, self.gpus, key)
        with self.log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, guardian.__file__, str(os.getpid())),
                *vllm_command(self.source, self.context, self.execution, port),
                stdin=asyncio.subprocess.PIPE,
                stdout=out,
                stderr=out,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the stage only
            )

    async def _became_ready(
        self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession, address: str
    ) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + START_S
        while process.returncode is None and loop.time() < until:
            if await _is_well(session, address):
                return True
            await asyncio.sleep(LOOK_S)
        return False

    async def _until_it_ends(
        self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession, address: str
    ) -> None:
        sick = 0
        while sick < SICK:
            try:
                async with asyncio.timeout(HEALTH_EVERY_S):
                    await process.wait()
            except TimeoutError:
                sick = 0 if await _is_well(session, address) else sick + 1
            else:
                return

    def _error(self, how: str) -> UserError:
        count = len(self.servers.all)
        of = f", the last of {count} servers" if count > 1 else ""
        of += f", on {gethostname()}" if self.execution.ray_address is not None else ""
        return UserError(
            f"`vllm serve` over {self.source.path} {how}{of}; a server was expected to start from "
            f"execution.yaml:vllm_python {self.execution.vllm_python}. Its last output: "
            f"{self._last_words()}. Fix that (`make gpu` builds its environment; docs/gpu.md), or set the "
            f"stage's engine to transformers."
        )

    def _last_words(self, lines: int = SHOWN_LINES) -> str:
        if not self.log.exists():
            return "none"
        words = self.log.read_text(errors="replace").splitlines()
        return " | ".join(" ".join(line.split())[:300] for line in words[-lines:] if line.strip()) or "none"


def server_environment(execution: Execution, gpus: Sequence[str], key: str) -> dict[str, str]:
    """That of a server on such GPUs: the stage's, as if the environment of vLLM were activated."""
    stage = {name: value for name, value in os.environ.items() if name not in NOT_PASSED}
    # Its libraries compile kernels with programs of their own environment, such as ninja.
    programs = [str(Path(execution.vllm_python).parent), stage.get("PATH", os.defpath)]
    environment = {
        **UNLESS_SET,
        **stage,
        "PATH": os.pathsep.join(programs),
        "VLLM_API_KEY": key,
        "VLLM_NO_USAGE_STATS": "1",  # no report leaves the machine
    }
    if execution.device == "cuda":
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return environment


def vllm_command(source: ModelSource, context: int, execution: Execution, port: int) -> list[str]:
    """The command line of `vllm serve` for a model, whose name is its digest."""
    return [
        *(execution.vllm_python, "-m", "vllm.entrypoints.cli.main", "serve", source.path),
        *("--host", LOOPBACK, "--port", str(port), "--served-model-name", source.digest),
        *("--dtype", "bfloat16" if source.dtype in FP8 else source.dtype, *FP8.get(source.dtype, ())),
        *("--max-model-len", str(context)),
        *("--generation-config", "vllm"),  # sampling as the request says, not as the model's files say
        *("--tensor-parallel-size", str(max(execution.worker_gpus, 1))),
        *("--gpu-memory-utilization", str(execution.vllm_memory)),
        *("--max-num-seqs", str(execution.server_concurrency)),
        *("--enable-prefix-caching", "--uvicorn-log-level", "warning"),
        *(
            ["--speculative-config", json.dumps(SPECULATION[how])]
            if (how := execution.vllm_speculation)
            else []
        ),
        # Compiling takes longer than it saves for a model on a CPU.
        *(["--enforce-eager"] if execution.device == "cpu" else []),
    ]


async def _is_well(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        timeout = aiohttp.ClientTimeout(total=HEALTH_WAIT_S)
        async with session.get(f"{address}/health", timeout=timeout) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def _how(process: asyncio.subprocess.Process) -> str | None:
    """How the process ended; None if it is still running."""
    status = process.returncode
    return None if status is None else f"ended with status {status}"


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End the server by closing the guardian's input."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(guardian.GRACE_S * 2):
            await process.wait()
    except TimeoutError:
        pass
    with suppress(ProcessLookupError):  # normally nothing of the session is left
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _free_port() -> int:
    with socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
