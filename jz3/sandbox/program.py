"""The forked child: it puts up the inner walls, then runs the program as `__main__`."""

import atexit
import gc
import importlib
import inspect
import linecache
import os
import random
import sys
import threading
import types
from collections.abc import Generator
from contextlib import contextmanager

_NAME = "program.py"
_SEED = 0  # chosen: a fork copies the state of generators, so each program starts from the same known one
_DEPTH_OF_EXEC = 1 if sys.version_info < (3, 12) else 0  # later versions count only Python's own frames
_INTERNAL_FRAMES_LIMIT = 100
_generators: list[random.Random] = []
"""Generators that exist before a program: of the standard library and of the preloaded ones."""


def read_program(fd: int, size: int) -> str:
    """The program from the keeper. What this does depends only on the program's size, not on the pace."""
    source = bytearray(size)
    left = memoryview(source)
    while left:
        count = os.readv(fd, [left])
        if count == 0:
            os._exit(1)  # the keeper has gone
        left = left[count:]
    os.close(fd)
    return source.decode("utf-8", "surrogatepass")


def run_program(program: str, scratch: str) -> int:
    """Run a program to its end, as the interpreter runs a script; return its exit code."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=_NAME, __builtins__=__builtins__)
    _make_fresh(module, scratch)
    linecache.cache[_NAME] = (len(program), None, program.splitlines(keepends=True), _NAME)
    code = _run(program, module)
    return _finish(code)


def _make_fresh(module: types.ModuleType, scratch: str) -> None:
    sys.modules["__main__"] = module
    sys.argv[:] = [_NAME]
    sys.orig_argv[:] = ["python", _NAME]
    sys.path.insert(0, scratch)
    sys.stdin = sys.__stdin__ = open(0)  # noqa: SIM115 (for the life of the process, by number)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115 (as above)
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 (as above)
    _seed_generators()
    gc.enable()


def _seed_generators() -> None:
    for generator in _generators:
        generator.seed(_SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(_SEED)


def _run(program: str, module: types.ModuleType) -> int:
    # A script begins at depth 1: how deep it may recurse must not depend on the frames that called it.
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth() + _DEPTH_OF_EXEC)
    try:
        code = compile(program, _NAME, "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except SystemExit as stop:
        return _exit_code(stop.code)
    except BaseException as error:  # whatever a program raises is its result
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace.tb_next if trace else None)
        return 1
    return 0


def _depth() -> int:
    """Frames from here down to the bottom, minus the one that a script has anyway."""
    frame, depth = inspect.currentframe(), -1
    while frame is not None and depth < _INTERNAL_FRAMES_LIMIT:
        frame, depth = frame.f_back, depth + 1
    return depth


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _finish(code: int) -> int:
    """What the interpreter does when it ends: threads, exit functions, objects of the program, buffers."""
    try:
        getattr(threading, "_shutdown")()  # noqa: B009 (private, and what the interpreter itself calls)
        getattr(atexit, "_run_exitfuncs")()  # noqa: B009 (as above)
        namespace = sys.modules["__main__"].__dict__
        for name in [name for name in namespace if name != "__builtins__"]:
            namespace[name] = None  # finalizers run, files are flushed
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # a program may have replaced any of this; it only has to end
        return code or 120  # as in the interpreter if flushing fails
    return code


def preload(names: list[str]) -> None:
    """Import the libraries that programs use most, if they are installed."""
    with _seeded_from_birth():
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:
                continue
        if "numpy" in sys.modules:
            importlib.import_module("numpy.random")  # numpy 2 loads it lazily: 15 ms in each program
    _generators.extend(thing for thing in gc.get_objects() if isinstance(thing, random.Random))
    _seed_generators()


@contextmanager
def _seeded_from_birth() -> Generator[None]:
    """Give generators that libraries create our seed, too: sympy shuffles facts with one and numbers its
    Dummies from another.
    """
    begin = random.Random.__init__

    def begin_seeded(self: random.Random, x: int | float | str | bytes | bytearray | None = None) -> None:
        begin(self, _SEED if x is None else x)

    random.seed(_SEED)
    random.Random.__init__ = begin_seeded
    try:
        yield
    finally:
        random.Random.__init__ = begin
