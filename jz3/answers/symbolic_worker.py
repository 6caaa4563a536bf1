"""The worker process of `jz3.answers.symbolic`: reads questions on stdin, writes one line of answer each.

A question is one line of JSON: `{"task": "symbolic" | "math_verify", "gold": ..., "predicted": ...,
"limit": seconds}`; an answer is `{"equal": true | false | null}`, null where a text could not be read.
Strings are parsed by the LaTeX grammar
of latex2sympy2_extended alone; sympy's own `parse_expr`, which evaluates Python, never sees
them in the symbolic task. The process ends with its stdin, and by SIGALRM if nobody is left to kill it.
"""

import json
import os
import resource
import signal
import sys
from typing import Any

MEMORY_BYTES = 2 * 2**30  # chosen: sympy needs 90 MB; a runaway expansion stops here


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, question["limit"] + 1)  # default action: the process ends
        answer = _TASKS[question["task"]](question["gold"], question["predicted"])
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(json.dumps({"equal": answer}) + "\n")
        replies.flush()


def _symbolic(gold: str, predicted: str) -> bool | None:
    """Whether sympy finds the difference to be zero; None where a text cannot be read."""
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
    # MemoryError, NotImplementedError ...) for what it cannot do:
    # to the caller all are 'unreadable', and counted as such.
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return None


def _math_verify(gold: str, predicted: str) -> bool | None:
    """The verdict of plain math-verify; its own limits are off, for the caller keeps a harder one."""
    import math_verify

    parse: Any = math_verify.parse  # annotated as int, None is documented for threads and works
    first = parse(f"\\boxed{{{gold}}}", parsing_timeout=None)
    second = parse(f"\\boxed{{{predicted}}}", parsing_timeout=None)
    return bool(math_verify.verify(first, second, timeout_seconds=None))


_TASKS = {"symbolic": _symbolic, "math_verify": _math_verify}

if __name__ == "__main__":
    main()
