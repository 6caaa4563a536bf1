"""A sandbox gives each program its result, in order, whatever the program or its neighbours do."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.sandbox.modes import LANDLOCK, ROOT_NAMESPACES, USER_NAMESPACES, Mode
from jz3.sandbox.pool import Sandbox, open_mode
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.worker import Worker
from tests.sandbox.builders import LIMITS, OURSELVES, SETTINGS, mode_of, zygotes_of

DEFAULT = ROOT_NAMESPACES if os.geteuid() == 0 else USER_NAMESPACES


def outside(program: str) -> tuple[str, int]:
    """What a cold interpreter prints for a program, with its exit code."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    return ended.stdout, ended.returncode


def test_results_come_in_the_order_of_the_programs(sandbox: Sandbox) -> None:
    programs = [f"import time; time.sleep({0.03 * (number % 3)}); print({number})" for number in range(20)]
    assert [result.stdout for result in sandbox.run_all(programs)] == [f"{n}\n" for n in range(20)]


def test_no_programs_have_no_results(sandbox: Sandbox) -> None:
    assert sandbox.run_all([]) == []


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_a_program_with_a_result(sandbox: Sandbox, text: str) -> None:
    """A model may write anything; the next program does not notice it."""
    results = sandbox.run_all([text, "print(6 * 7)"])
    assert results[0].status != "lost"
    assert results[1].stdout == "42\n"


@settings(max_examples=25, deadline=None)
@given(value=st.one_of(st.integers(), st.text(max_size=50), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_value_is_printed_as_outside(sandbox: Sandbox, value: object) -> None:
    printed = sandbox.run(f"print(ascii({value!r}))").stdout
    assert printed == f"{value!a}\n"


@pytest.mark.parametrize(
    "program",
    [
        "def f():\n    global n\n    n += 1\n    f()\nn = 0\ntry: f()\nexcept RecursionError: print(n)",
        "import sys\nprint(__name__, sys.argv[1:], len(sys.argv))",
        "import sys; sys.exit(3)",
        "import atexit; atexit.register(print, 'late'); print('early')",
        "class A:\n    def __del__(self):\n        print('gone')\na = A()",
        "import threading; threading.Thread(target=lambda: print('thread')).start()",
        "import asyncio as a\nasync def f():\n    return await a.to_thread(lambda: 5)\nprint(a.run(f()))",
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint(P(1))",
        "import decimal, fractions, statistics; print(fractions.Fraction(1, 3), statistics.mean([1, 2]))",
        "from sympy import *\nx = symbols('x')\nprint(integrate(sin(x)**2, x), solve(x**3 - x, x))",
        "import numpy as np\nprint(np.linalg.eigvalsh(np.array([[2.0, 1.0], [1.0, 2.0]])))",
        "print({'b', 'a', 'c'} == {'a', 'b', 'c'}, hash((1, 2)))",
        "import os; print(os.path.exists('/nowhere'), os.cpu_count() is not None)",
        "import datetime; print(datetime.date(2024, 2, 29) + datetime.timedelta(365))",
        "print('é ∑ 数'); raise ValueError('x')",
    ],
)
def test_a_program_runs_as_in_an_interpreter_of_its_own(sandbox: Sandbox, program: str) -> None:
    result = sandbox.run(program)
    assert (result.stdout, result.exit_code) == outside(program)


def test_a_program_prints_the_same_each_time(sandbox: Sandbox) -> None:
    program = (
        "import os, random, numpy\n"
        "print(random.random(), numpy.random.rand(), os.getpid(), hash('text'), {'b', 'a', 'c'})\n"
    )
    results = sandbox.run_all([program] * 6)
    assert len(set(results)) == 1
    assert results[0].status == "ok"


@pytest.mark.parametrize(
    ("program", "status", "error"),
    [
        ("print(1)", "ok", ""),
        ("1 / 0", "error", "ZeroDivisionError: division by zero"),
        ("x = ", "error", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit('why')", "error", "why"),
        ("import sys; sys.exit(4)", "error", ""),
        ("bytearray(1 << 40)", "memory", "MemoryError"),
        ("import numpy; numpy.ones(1 << 34)", "memory", None),
        ("import time; time.sleep(99)", "timeout", ""),
        ("print('x' * 10_001)", "output-limit", ""),
        ("import os; os.kill(os.getpid(), 9)", "killed", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "killed", "SIGSEGV"),
    ],
)
def test_how_a_program_ended_is_its_status(
    sandbox: Sandbox, program: str, status: str, error: str | None
) -> None:
    result = sandbox.run(program)
    assert result.status == status
    assert error is None or result.error == error


def test_output_is_kept_up_to_its_limit(sandbox: Sandbox) -> None:
    assert sandbox.run("print('é' * 9_999)").stdout == "é" * 9_999 + "\n"
    assert sandbox.run("print('é' * 20_000)").stdout == "é" * 10_000


def test_ten_megabytes_of_source_are_a_program(sandbox: Sandbox) -> None:
    program = "# " + "x" * (10 << 20) + "\nprint(1)"
    assert sandbox.run(program).stdout == "1\n"


def statuses_when_struck(mode: Mode, blow: signal.Signals) -> list[str]:
    """The sorted statuses of eight programs on two workers, one of which gets a signal halfway; the closed
    sandbox leaves no process, of its first workers or of the one that was started again.
    """
    others = zygotes_of(os.getpid())
    with open_mode(mode, SETTINGS) as sandbox:
        victim = max(set(zygotes_of(os.getpid())) - set(others))  # no program runs yet: it is a zygote
        striker = threading.Timer(0.3, os.kill, (victim, blow))
        striker.start()
        results = sandbox.run_all(["import time\ntime.sleep(0.5)\nprint('end')"] * 8)
        striker.join()
        assert sandbox.run_all(["print(1)"] * 2) == [ProgramResult("ok", "1\n", "", 0)] * 2
    assert zygotes_of(os.getpid()) == others
    return sorted(result.status for result in results)


def test_a_killed_worker_loses_one_program_at_level_two() -> None:
    assert statuses_when_struck(LANDLOCK, signal.SIGKILL) == ["lost"] + ["ok"] * 7


def test_a_killed_worker_loses_one_program_and_no_result_that_came_while_another_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_up = Worker.give_up

    def slowly(worker: Worker) -> ProgramResult:
        time.sleep(3.5)  # longer than a program may take, as on a machine whose cores are all busy
        return give_up(worker)

    monkeypatch.setattr(Worker, "give_up", slowly)
    monkeypatch.setattr("jz3.sandbox.worker._GRACE_SECONDS", 1.5)
    assert statuses_when_struck(DEFAULT, signal.SIGKILL) == ["lost"] + ["ok"] * 7


@pytest.mark.long
def test_a_stopped_worker_loses_one_program() -> None:
    """Behind walls the worker is not the process that the host started."""
    assert statuses_when_struck(DEFAULT, signal.SIGSTOP) == ["lost"] + ["ok"] * 7


HOST = """
import sys, time
from tests.sandbox.builders import SETTINGS
from jz3.sandbox.modes import MODES
from jz3.sandbox.pool import open_mode
settings = SETTINGS.model_copy(update={"workers": 1})
with open_mode(next(mode for mode in MODES if mode.name == sys.argv[1]), settings) as sandbox:
    print("ready", flush=True)
    sandbox.run("import signal\\nwhile True: pass")
"""


@pytest.mark.parametrize("mode", [DEFAULT, LANDLOCK])
def test_a_killed_host_leaves_no_process(mode: Mode) -> None:
    host = OURSELVES.start("-c", HOST, mode.name)
    assert host.stdout is not None
    assert host.stdout.readline() == "ready\n"
    time.sleep(0.3)
    workers = zygotes_of(host.pid)
    assert len(workers) >= 2  # a worker and its program
    host.kill()
    host.communicate()
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in workers if _runs(pid)] == []


def _runs(pid: int) -> bool:
    try:
        return b"zygote.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_the_number_of_workers_does_not_change_results(sandbox: Sandbox) -> None:
    programs = [
        "import random; print(random.random())",
        "1 / 0",
        "print('x' * 99999)",
        "import os; os.abort()",
    ]
    programs = programs * 3
    with open_mode(mode_of(sandbox), SETTINGS.model_copy(update={"workers": 1})) as single:
        assert single.run_all(programs) == sandbox.run_all(programs)


def test_a_loop_costs_its_limit_and_no_more(sandbox: Sandbox) -> None:
    started = time.monotonic()
    result = sandbox.run("while True: pass")
    assert time.monotonic() - started < LIMITS.wall_seconds + 1
    assert (result.status, result.error) == ("timeout", "")


def test_the_report_says_how_strong_the_sandbox_is(sandbox: Sandbox) -> None:
    report = sandbox.report
    assert report.level >= 2
    assert report.libraries.keys() >= {"numpy", "sympy"}
    assert report.scratch == ("writable" if report.level == 3 else "read-only")


def test_a_program_has_a_scratch_of_its_own_at_level_three(sandbox: Sandbox) -> None:
    if sandbox.report.level < 3:
        pytest.skip("level 2 has no scratch to write")
    write = "open('a', 'w').write('b'); import os; print(os.listdir('.'))"
    assert [result.stdout for result in sandbox.run_all([write] * 4)] == ["['a']\n"] * 4
