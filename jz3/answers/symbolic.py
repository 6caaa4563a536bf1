"""Symbolic equality, and the second opinion of plain math-verify, in one warm worker process per caller.

The worker starts with the first question (a second of CPU: sympy and math-verify) and holds about 100 MB. A
question that exceeds its limit of CPU time is stopped: 'different' by the rule `timeout`. The limit is CPU
time, so that verdicts do not depend on the machine's load. The worker ends with its owner: its stdin closes,
and `close` (or the end of the interpreter) kills it. A process forked from the owner starts its own worker.
"""

import atexit
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Literal

LIMIT_SECONDS = 3.0  # chosen, of CPU time: a gold-sized integral or sum takes below 1 s; math-verify allows 5
PATIENCE_SECONDS = (
    60.0  # chosen, of wall time: import and limit on a machine with many times more work than cores
)
MAX_CHARACTERS = 600  # chosen: of one text; longer ones only run into the time limit

_SYMBOLIC_COMMANDS = re.compile(
    r"\\(?:int|iint|sum|prod|lim|log|max|min|gcd|lcm|det|frac|sqrt|binom|bmod|mod)(?![A-Za-z])"
)
_UNSAFE = re.compile(r"__|[\"'`;#@\\]{3}|\\(?:input|include|write|def|catcode|csname|immediate|read|openout)")

Task = Literal["symbolic", "math_verify"]


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """Whether two answers are equal, and the rule that says so."""

    equal: bool
    rule: str


class Symbolic:
    """Owner of one worker process; thread-safe, as questions wait for each other."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def same(self, a: str, b: str) -> AnswerVerdict:
        """Equality, by sympy, of two texts that our own grammar cannot read; symmetric."""
        if not (_SYMBOLIC_COMMANDS.search(a) or _SYMBOLIC_COMMANDS.search(b)):
            return AnswerVerdict(equal=False, rule="unreadable")
        if max(len(a), len(b)) > MAX_CHARACTERS or _UNSAFE.search(a) or _UNSAFE.search(b):
            return AnswerVerdict(equal=False, rule="unreadable")
        first, second = sorted((a, b))
        reply = self._ask("symbolic", first, second)
        if isinstance(reply, str):
            return AnswerVerdict(equal=False, rule=reply)
        if reply is None:
            return AnswerVerdict(equal=False, rule="unreadable")
        return AnswerVerdict(reply, "symbolic")

    def second_opinion(self, gold: str, predicted: str) -> AnswerVerdict:
        """The verdict of plain math-verify 0.9.0 with its own settings; `too_long` for texts it cannot
        handle.
        """
        if max(len(gold), len(predicted)) > MAX_CHARACTERS:
            return AnswerVerdict(equal=False, rule="too_long")
        reply = self._ask("math_verify", gold, predicted)
        if isinstance(reply, str):
            return AnswerVerdict(equal=False, rule=reply)
        return AnswerVerdict(bool(reply), "math_verify")

    def close(self) -> None:
        """End the worker. A later question starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> "Symbolic":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, task: Task, gold: str, predicted: str) -> bool | str | None:
        """The worker's answer, or the rule if there is none: `timeout` or `worker_died`.

        A worker may be killed from outside, for memory that others take; a question is at fault that ends
        two.
        """
        reply = self._asked_once(task, gold, predicted)
        return self._asked_once(task, gold, predicted) if reply == "worker_died" else reply

    def _asked_once(self, task: Task, gold: str, predicted: str) -> bool | str | None:
        question = {"task": task, "gold": gold, "predicted": predicted, "limit": self.limit_seconds}
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
            except BrokenPipeError:
                self.close()
                return "worker_died"
            line = _line_within(process.stdout.fileno(), PATIENCE_SECONDS + 10 * self.limit_seconds)
            if line is None or not line.endswith(b"\n"):
                self.close()
                return "timeout" if line is None else "worker_died"
        reply = json.loads(line)
        answer: bool | str | None = reply["ended"] or reply["equal"]
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():
            self._process, self._owner = None, os.getpid()
        if self._process is None or self._process.poll() is not None:
            self.close()
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jz3.answers.symbolic_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        return self._process


def _line_within(descriptor: int, seconds: float) -> bytes | None:
    """One line of the worker, what came before it ended, or None after the limit."""
    deadline = time.monotonic() + seconds
    received = b""
    waiting = select.poll()  # select() accepts no descriptor above 1,023, which a large process may have
    waiting.register(descriptor, select.POLLIN)
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(1000 * left):
            return None
        piece = os.read(descriptor, 65536)
        if not piece:
            return received
        received += piece
    return received


_shared: list[Symbolic] = []


def default_symbolic() -> Symbolic:
    """The owner of the process-wide worker, which starts with the first question."""
    if not _shared:
        _shared.append(Symbolic(LIMIT_SECONDS))
        atexit.register(_shared[0].close)
    return _shared[0]
