"""The worker: it answers what only sympy can answer, stops in time, and never outlives its owner."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from jz3.answers.equality import POLICY, equal_with
from jz3.answers.symbolic import Symbolic

SLOW = "\\sum_{i=1}^{1000}\\sum_{j=1}^{1000}\\sum_{k=1}^{1000} i^{j k}"


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sympy_decides_what_the_own_grammar_cannot_read():
    with Symbolic(10.0) as symbolic:
        verdict = equal_with("\\int_0^1 x dx", "\\frac{1}{2}", POLICY, symbolic)
        assert (verdict.equal, verdict.rule) == (True, "symbolic")
        assert not equal_with("\\int_0^1 x dx", "\\frac{1}{3}", POLICY, symbolic).equal
        assert equal_with("6", "\\sum_{i=1}^{3} i", POLICY, symbolic).equal


def _children(pid):
    """The children of a process, from the kernel's own list."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_timeout_is_different_and_the_next_question_is_answered_at_once():
    with Symbolic(1.0) as symbolic:
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
        pid = symbolic._process.pid
        start = time.process_time(), time.monotonic()
        assert symbolic.same("5", SLOW).rule == "timeout"
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
        assert symbolic._process.pid == pid, "no new import of sympy"
        assert len(_children(pid)) == 1
        assert time.monotonic() - start[1] < 30


def test_a_killed_worker_is_replaced():
    with Symbolic(10.0) as symbolic:
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
        process = symbolic._process
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal


def test_a_child_that_is_killed_once_changes_no_verdict():
    with Symbolic(10.0) as symbolic:
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
        (child,) = _children(symbolic._process.pid)
        os.kill(child, signal.SIGSEGV)
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal


def test_a_question_of_which_two_children_die_is_said():
    with Symbolic(60.0) as symbolic:
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
        killing = threading.Thread(target=_kill_children, args=(symbolic._process.pid, 2))
        killing.start()
        assert symbolic.same("5", SLOW).rule == "worker_died"
        killing.join()
        assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal


def _kill_children(pid, count):
    """Kill so many children of a process, one after another, each half a second into its question."""
    killed = []
    while len(killed) < count:
        for child in _children(pid):
            if child not in killed:
                time.sleep(0.5)
                os.kill(child, signal.SIGSEGV)
                killed.append(child)
        time.sleep(0.05)


def test_a_process_with_thousands_of_open_files_is_answered():
    """A training that rewards by `jz3.reward` has as many open; select() takes no descriptor above 1,023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    held = []
    try:
        while not held or held[-1] < 1100:
            held.append(os.dup(0))
        with Symbolic(5.0) as symbolic:
            assert symbolic.second_opinion("\\frac{1}{2}", "0.5").equal
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_closing_ends_the_worker():
    symbolic = Symbolic(10.0)
    assert symbolic.same("\\int_0^1 x dx", "\\frac{1}{2}").equal
    pid = symbolic._process.pid
    symbolic.close()
    assert not _alive(pid)


def test_the_worker_ends_when_its_owner_is_killed():
    program = (
        "from jz3.answers.symbolic import Symbolic; import time; s = Symbolic(20.0); "
        "s.same('\\\\int_0^1 x dx', '1'); print(s._process.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    assert _alive(pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline and not _is_zombie(pid):
        time.sleep(0.05)
    assert not _alive(pid) or _is_zombie(pid)


def _is_zombie(pid):
    """Whether a process is dead but keeps its number, as it does if nobody reaps orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_second_opinion_is_plain_math_verify():
    with Symbolic(20.0) as symbolic:
        assert symbolic.second_opinion("\\frac{1}{2}", "0.5").equal
        assert not symbolic.second_opinion("\\frac{1}{2}", "0.6").equal
