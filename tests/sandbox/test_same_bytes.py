"""A program prints the same bytes on any worker, whatever ran before it; or it has no result."""

import os
import random
import tempfile
from pathlib import Path

import pytest

from jz3.sandbox.modes import LANDLOCK
from jz3.sandbox.pool import Sandbox, open_mode, open_sandbox
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits, SandboxSettings
from tests.sandbox.builders import LIMITS, OURSELVES, SETTINGS
from tests.sandbox.samples import all_programs, needs_samples

SAME = {
    "addresses": "print(map(int, '1'), object(), len, [id([]), id(bytes(9999))], hash(object()))",
    "sets of classes": "class A: pass\nclass B: pass\nprint({A, B, int}, {object(): 1}, frozenset({A, len}))",
    "dummies": (
        "from sympy import *\nx, y = Dummy('x'), Dummy('y')\n"
        "print(srepr(x), {x, y, Symbol('x')}, Lambda(x, x + y), numbered_symbols())\n"
        "print(srepr(solve(x**2 - y, x)))"
    ),
    "shuffled facts": (
        "from sympy import *\nx = Symbol('x', real=True)\n"
        "print(id(x.is_positive), id(solveset(x**2 - 2, x, S.Reals)))"
    ),
    "generators": (
        "import random, numpy, sympy.core.random as r\n"
        "print(random.random(), numpy.random.rand(3), r.random(), r.sample(range(99), 5))"
    ),
    "heap": "print([id(bytes(n)) for n in range(0, 1500, 16)], [id(x) for x in (object(), {}, [], {1})])",
    "a large heap": "a = [bytearray(7 * n) for n in range(3000)]\nprint(hash(tuple(map(id, a))))",
    "a large set in the order of addresses": (
        "class A: pass\na = {A() for _ in range(30_000)}\nprint(hash(tuple(map(id, a))))"
    ),
    "arrays": (
        "import numpy as n\na = [n.zeros(k) for k in range(3000)]\n"
        "print(hash(tuple(x.__array_interface__['data'][0] for x in a)))"
    ),
    "a thread": (
        "import threading as t\n"
        "s = t.Thread(target=lambda: print(t.get_ident(), t.current_thread()))\ns.start()\ns.join()"
    ),
    "surroundings": (
        "import locale, os, sys, time\n"
        "print(sorted(os.environ.items()), locale.getlocale(), time.tzname, sys.orig_argv, sys.flags)\n"
        "print(sys.executable, sys.stdin, sys.path, sys.getrecursionlimit(), len(sys.modules))"
    ),
    "collector": "import gc\nprint(gc.get_count(), gc.get_stats(), gc.get_freeze_count())",
    "limits": "import resource as r\nprint([r.getrlimit(n) for n in range(16)])\nx = [0] * (1 << 40)",
    "depth": "def f():\n    global d\n    d += 1\n    f()\nd = 0\ntry: f()\nexcept RecursionError: print(d)",
    "errors": "raise ValueError(object(), {int, str})",
}
LEVEL_THREE = {
    "processes": "import os, threading\nprint(os.getpid(), os.getppid(), threading.get_native_id())",
    "places": "import os\nprint(os.getcwd(), os.listdir('.'), os.path.expanduser('~'))",
}
BETWEEN = [
    "print('x' * 9000)",
    "1 / 0",
    "import sympy\nprint([sympy.Dummy() for _ in range(999)])",
    "import threading\nfor _ in range(9): threading.Thread(target=print).start()",
    "x = [bytearray(1 << 20) for _ in range(64)]",
    "import os\nos.abort()",
    "#" * 300_000,
    "print('y' * 99_999)",
    "",
]


def on_one_worker(programs: list[str], seed: int) -> list[ProgramResult]:
    """Results in the order of `programs`, of a fresh worker that runs them in another order, among others."""
    order = list(range(len(programs)))
    random.Random(seed).shuffle(order)
    results: dict[int, ProgramResult] = {}
    with open_sandbox(SETTINGS.model_copy(update={"workers": 1})) as single:
        for place, number in enumerate(order):
            single.run(BETWEEN[(place + seed) % len(BETWEEN)])
            results[number] = single.run(programs[number])
    return [results[number] for number in range(len(programs))]


def test_a_program_prints_the_same_on_fresh_workers_in_any_order(sandbox: Sandbox) -> None:
    chosen = {**SAME, **(LEVEL_THREE if sandbox.report.level == 3 else {})}
    if sandbox.report.addresses == "moving":
        pytest.skip("the kernel does not fix addresses here")
    programs = list(chosen.values())
    first = sandbox.run_all(programs)
    for seed in range(2):
        assert dict(zip(chosen, on_one_worker(programs, seed), strict=True)) == dict(
            zip(chosen, first, strict=True)
        )
    kinds = {name: result.status for name, result in zip(chosen, first, strict=True)}
    assert {name for name, status in kinds.items() if status != "ok"} == {"errors", "limits"}


def test_a_thief_gets_what_it_gets_alone(sandbox: Sandbox) -> None:
    """Whatever ran before: nothing of it is in the frames or the objects that a program finds."""
    honest = "import math\nprint('the answer', math.comb(40, 20), 'of the neighbour')"
    thief = (
        "import gc, sys\nseen, frame = [], sys._getframe()\n"
        "while frame: seen += map(repr, frame.f_locals.values()); frame = frame.f_back\n"
        "seen += [repr(o)[:9999] for o in gc.get_objects() if type(o) in (dict, list, tuple)]\n"
        "wanted = [str(2 * int('68923264410')), ' '.join(['of the', 'neighbour'])]\n"
        "print([s for s in seen if any(w in s for w in wanted)], len(seen))"
    )
    alone, *others = sandbox.run_all([thief] * 2)[:1] + sandbox.run_all([honest, honest, thief, thief])[2:]
    assert alone.stdout.startswith("[] ")
    assert others == [alone, alone]


# As in Docker: its default filter lets no process fix its addresses.
MOVING = """
import os, struct
from jz3.sandbox import seccomp
seccomp.install(b"".join([
    struct.pack("HBBI", 0x20, 0, 0, 0), struct.pack("HBBI", 0x15, 0, 3, {personality}),
    struct.pack("HBBI", 0x20, 0, 0, 16), struct.pack("HBBI", 0x15, 1, 0, 0xFFFFFFFF),
    struct.pack("HBBI", 6, 0, 0, 0x50001), struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)]), os.getpid())
from jz3.sandbox.environment import environment_digest
from jz3.sandbox.modes import LANDLOCK
from jz3.sandbox.pool import open_mode
from tests.sandbox.builders import SETTINGS
print(environment_digest())
with open_mode(LANDLOCK, SETTINGS) as sandbox:
    print(sandbox.report.addresses)
    for program in ("print(6 * 7)", "print(object())", "print(id([]))", "raise ValueError(object())",
                    "import sympy; print(sympy.srepr(sympy.Dummy('x')), 140737353912320)"):
        result = sandbox.run(program)
        print(result.status, result.stdout.strip(), result.error)
"""


def test_where_addresses_move_what_prints_one_has_no_result() -> None:
    number = 135 if os.uname().machine == "x86_64" else 92
    out, err = OURSELVES.start("-c", MOVING.replace("{personality}", str(number))).communicate(timeout=120)
    assert not err, err
    digest, addresses, honest, *printing, dummy = out.splitlines()
    from jz3.sandbox.environment import environment_digest

    assert digest != environment_digest()
    assert addresses == "moving"
    assert honest == "ok 42 "
    assert [line.split()[0] for line in printing] == ["unstable"] * 3
    assert all("address" in line for line in printing)
    assert dummy.startswith("ok Dummy('x', dummy_index=")


WHERE = "import os\nprint(os.getcwd(), os.listdir('.'))"


def test_at_level_two_all_stand_in_one_empty_folder() -> None:
    results = [on_landlock(WHERE) for _ in range(2)]
    assert results[0] == results[1]
    assert results[0].stdout.endswith(" []\n")


def test_where_somebody_else_has_that_folder_what_prints_its_own_has_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o755)
    (tmp_path / f"jz3-empty-{os.geteuid()}").symlink_to("/")
    assert on_landlock(WHERE).status == "unstable"


def on_landlock(program: str) -> ProgramResult:
    with open_mode(LANDLOCK, SandboxSettings(workers=1, required_level=2, limits=LIMITS)) as sandbox:
        return sandbox.run(program)


@pytest.mark.long
@needs_samples
def test_every_sample_prints_the_same_on_four_fresh_workers() -> None:
    """Two and two, in two orders, so that each has other neighbours the second time."""
    programs = all_programs()
    assert len(programs) > 990
    settings = SandboxSettings(
        workers=2,
        required_level=2,
        limits=Limits(wall_seconds=200, cpu_seconds=100, memory_mb=1024, output_characters=1 << 16),
    )
    runs: list[dict[str, ProgramResult]] = []
    for seed in range(2):
        order = random.Random(seed).sample(programs, len(programs))
        with open_sandbox(settings) as fresh:
            runs.append(dict(zip(order, fresh.run_all(order), strict=True)))
    assert [program for program in programs if runs[0][program] != runs[1][program]] == []
