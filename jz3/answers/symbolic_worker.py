"""The worker process of `jz3.answers.symbolic`: reads questions on stdin, writes one line of answer each.

A question is one line of JSON: `{"task": "symbolic" | "math_verify", "gold": ..., "predicted": ...,
"limit": CPU seconds}`; an answer is `{"equal": true | false | null, "ended": null | "timeout" |
"worker_died"}`, with null if a text could not be read. Only the LaTeX grammar of latex2sympy2_extended parses
strings; in the symbolic task they never reach sympy's own `parse_expr`, which evaluates Python.

The process imports sympy once and forks a child that answers. The kernel ends a child that exceeds its limit
of CPU time, even in C code; the parent answers instead of it and forks the next (10 ms, no new import). The
child ends with its parent, and both with their stdin.
"""

import ctypes
import json
import os
import resource
import signal
from typing import Any

MEMORY_BYTES = 2 * 2**30  # chosen: sympy needs 90 MB; a runaway expansion stops here
PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    import latex2sympy2_extended  # noqa: F401  # pyright: ignore[reportUnusedImport] (children share it)
    import math_verify  # noqa: F401  # pyright: ignore[reportUnusedImport]

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            _serve(replies)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:  # stdin was closed
            return
        ended = "timeout" if status == -signal.SIGPROF else "worker_died"
        _reply(replies, equal=None, ended=ended)


def _serve(replies: int) -> None:
    """Answer questions until stdin closes, in a child that never returns."""
    with os.fdopen(os.dup(0), encoding="utf-8") as questions:
        for line in questions:
            question = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, question["limit"])  # by default the signal ends the process
            answer = _TASKS[question["task"]](question["gold"], question["predicted"])
            signal.setitimer(signal.ITIMER_PROF, 0)
            _reply(replies, equal=answer, ended=None)
    os._exit(0)


def _reply(replies: int, *, equal: bool | None, ended: str | None) -> None:
    os.write(replies, json.dumps({"equal": equal, "ended": ended}).encode() + b"\n")


def _symbolic(gold: str, predicted: str) -> bool | None:
    """Whether sympy finds the difference to be zero; None if a text cannot be read."""
    import sympy
    from latex2sympy2_extended import latex2sympy

    try:
        first: Any = latex2sympy(gold)
        second: Any = latex2sympy(predicted)
        if not (isinstance(first, sympy.Expr) and isinstance(second, sympy.Expr)):
            return bool(first == second)
        difference: Any = sympy.simplify((first - second).doit())
        return bool(difference == 0)
    # The grammar raises bare Exception for what it cannot read, sympy many kinds (RecursionError,
    # MemoryError, NotImplementedError ...) for what it cannot do: to the caller all are 'unreadable', and
    # counted like that.
    except Exception:
        return None


def _math_verify(gold: str, predicted: str) -> bool | None:
    """The verdict of plain math-verify, without its own limits, because the caller has a stricter one."""
    import math_verify

    parse: Any = math_verify.parse  # annotated as int, but None is documented for threads and works
    first = parse(f"\\boxed{{{gold}}}", parsing_timeout=None)
    second = parse(f"\\boxed{{{predicted}}}", parsing_timeout=None)
    return bool(math_verify.verify(first, second, timeout_seconds=None))


_TASKS = {"symbolic": _symbolic, "math_verify": _math_verify}

if __name__ == "__main__":
    main()
