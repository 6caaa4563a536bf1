"""A program prints the same bytes on any worker, whatever ran before it; or it has no result."""

import os
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from jz3.sandbox.modes import LANDLOCK, Mode
from jz3.sandbox.pool import Sandbox, open_mode
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits, SandboxSettings
from tests.sandbox.builders import LIMITS, OURSELVES, SETTINGS, mode_of, zygotes_of
from tests.sandbox.samples import all_programs, needs_samples


def drawn_heap(seed: int) -> str:
    """A program that creates and drops objects of drawn kinds, numbers and sizes, and prints their
    addresses.
    """
    draw = random.Random(seed)
    lines = ["class A:", "    def __init__(self, n): self.n, self.m = n, {n: self}", "held = []"]
    for _ in range(draw.randint(2, 4)):
        made = draw.choice(KINDS).format(
            n=f"(n * {draw.randint(1, 97)} % {draw.choice([50, 400, 3000])} + 1)"
        )
        lines.append(f"held += [{made} for n in range({draw.choice([300, 2000, 6000])})]")
        lines.append(f"del held[{draw.randint(0, 3)} :: {draw.randint(2, 9)}]")
    lines.append("held += list({A(n) for n in range(2000)})")
    return "\n".join([*lines, "print(len(held), hash(tuple(map(id, held))))"])


KINDS = (
    "bytes({n})", "bytearray({n})", "'x' * {n}", "[0] * ({n} % 300)", "dict.fromkeys(range({n} % 60))",
    "tuple(range({n} % 40))", "set(range({n} % 30))", "A({n})", "lambda: {n}", "10 ** ({n} % 80)",
    "object()", "float({n})", "iter([{n}])",
    "__import__('sympy').Integer({n}) ** 2", "__import__('numpy').zeros({n})",
)  # fmt: skip
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
    "a large heap of many kinds": (
        "a = [[bytes(n % 3000), {n: object()}, 'x' * (n % 900), [0] * (n % 300)] for n in range(4000)]\n"
        "print(hash(tuple(id(thing) for row in a for thing in row)))"
    ),
    "a large set in the order of addresses": (
        "class A: pass\na = {A() for _ in range(30_000)}\nprint(hash(tuple(map(id, a))))"
    ),
    **{f"drawn heap {seed}": drawn_heap(seed) for seed in range(12)},
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


def on_one_worker(programs: list[str], seed: int, mode: Mode) -> list[ProgramResult]:
    """Results in the order of `programs`, from a fresh worker that runs them in another order, among
    others.
    """
    order = list(range(len(programs)))
    random.Random(seed).shuffle(order)
    results: dict[int, ProgramResult] = {}
    # Enough time on a busy machine: a timeout would be a different result.
    limits = LIMITS.model_copy(update={"wall_seconds": 60, "cpu_seconds": 30})
    with open_mode(mode, SandboxSettings(workers=1, required_level=2, limits=limits)) as single:
        for place, number in enumerate(order):
            single.run(BETWEEN[(place + seed) % len(BETWEEN)])
            results[number] = single.run(programs[number])
    return [results[number] for number in range(len(programs))]


def test_a_program_prints_the_same_on_fresh_workers_in_any_order(sandbox: Sandbox) -> None:
    chosen = {**SAME, **(LEVEL_THREE if sandbox.report.level == 3 else {})}
    if sandbox.report.addresses == "moving":
        pytest.skip("the kernel does not fix addresses here")
    programs = list(chosen.values())
    first, second = (on_one_worker(programs, seed, mode_of(sandbox)) for seed in range(2))
    assert dict(zip(chosen, second, strict=True)) == dict(zip(chosen, first, strict=True))
    kinds = {name: result.status for name, result in zip(chosen, first, strict=True)}
    assert {name for name, status in kinds.items() if status != "ok"} == {"errors", "limits"}


def test_what_ran_moves_nothing_in_the_memory_that_programs_are_forked_from(sandbox: Sandbox) -> None:
    """Two programs differ only in counters of the interpreter: no address differs."""
    others = zygotes_of(os.getpid())
    with open_mode(mode_of(sandbox), SETTINGS.model_copy(update={"workers": 1})) as single:
        ours = set(zygotes_of(os.getpid())) - set(others)
        (zygote,) = ours - {parent_of(pid) for pid in ours}
        before = memory_at_rest(zygote)
        for programs in (BETWEEN[:1], BETWEEN[1:]):
            single.run_all(programs)
            after = memory_at_rest(zygote)
            assert before.keys() == after.keys()
            for start, held in before.items():
                places = np.flatnonzero(held != after[start])
                changed = np.concatenate([held[places], after[start][places]])
                assert not [
                    hex(word) for word in changed.tolist() if any(word in mapping for mapping in before)
                ]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def memory_at_rest(pid: int) -> dict[range, np.ndarray]:
    """The words of each private mapping that a process may write, except its stack, once it waits."""
    seen = memory_of(pid)
    while True:
        time.sleep(0.01)
        again = memory_of(pid)
        if seen.keys() == again.keys() and all(np.array_equal(seen[place], again[place]) for place in seen):
            return seen
        seen = again


def memory_of(pid: int) -> dict[range, np.ndarray]:
    lines = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    found: dict[range, np.ndarray] = {}
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for place, rights, *_, name in ([*line, ""] if len(line) == 5 else line for line in lines):
            if rights == "rw-p" and name != "[stack]":
                mapping = range(*(int(address, 16) for address in place.split("-")))
                memory.seek(mapping.start)
                found[mapping] = np.frombuffer(memory.read(len(mapping)), dtype=np.uint64)
    return found


def test_a_thief_gets_what_it_gets_alone(sandbox: Sandbox) -> None:
    """Whatever ran before, none of it is in the frames or the objects that a program finds."""
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


# As in Docker, whose default filter lets no process fix its addresses.
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
def test_every_sample_prints_the_same_on_four_fresh_workers(sandbox: Sandbox) -> None:
    """Each worker runs them all in an order of its own, so that every program has other neighbours on
    each.
    """
    programs = all_programs()
    assert len(programs) > 990
    settings = SandboxSettings(
        workers=1,
        required_level=2,
        # One of them computes for some ten seconds, and longer if other work uses the cores.
        limits=Limits(wall_seconds=200, cpu_seconds=100, memory_mb=1024, output_characters=1 << 16),
    )

    def on_a_fresh_worker(seed: int) -> dict[str, ProgramResult]:
        order = random.Random(seed).sample(programs, len(programs))
        with open_mode(mode_of(sandbox), settings) as fresh:
            return dict(zip(order, fresh.run_all(order), strict=True))

    with ThreadPoolExecutor(2) as cores:
        first, *others = cores.map(on_a_fresh_worker, range(4))
    for other in others:
        assert [program for program in programs if first[program] != other[program]] == []
