"""The ways to build a sandbox, strongest first, and the self-test that shows which of them work here.

A way counts only if its worker starts and all attacks of the self-test fail; settings and versions do not
count.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jz3.sandbox import environment
from jz3.sandbox.folders import make_folder, remove_folder
from jz3.sandbox.protocol import WorkerConfig
from jz3.sandbox.settings import Level, Limits
from jz3.sandbox.walls import DEVICES, SCRATCH, is_there
from jz3.sandbox.worker import Launch, Worker, WorkerFailed

ModeName = Literal["bubblewrap", "root-namespaces", "user-namespaces", "landlock", "seccomp"]


@dataclass(frozen=True)
class Mode:
    """One way to build a sandbox, and its strength if it works."""

    name: ModeName
    level: Level
    wall: Literal["bwrap", "root", "user", "none"]
    landlock: bool


BUBBLEWRAP = Mode("bubblewrap", 3, "bwrap", landlock=True)
ROOT_NAMESPACES = Mode("root-namespaces", 3, "root", landlock=True)
USER_NAMESPACES = Mode("user-namespaces", 3, "user", landlock=True)
LANDLOCK = Mode("landlock", 2, "none", landlock=True)
SECCOMP = Mode("seccomp", 1, "none", landlock=False)

MODES = (BUBBLEWRAP, ROOT_NAMESPACES, USER_NAMESPACES, LANDLOCK, SECCOMP)
"""Strongest first; among equals the well-maintained tool first."""

_PROBE_LIMITS = Limits(wall_seconds=20, cpu_seconds=10, memory_mb=256, output_characters=1000)
_FIRST_UID = 2_000_000_000  # chosen: far above what systems give to people and containers
_UIDS_PER_HOST = 100

# Each line is an attack that must fail. All are bounded: if no wall stands, nothing breaks.
_SELF_TEST = """
import os, socket, sys
opened = []
def attempt(name, action):
    try:
        action()
    except (OSError, MemoryError):
        return
    opened.append(name)
def fork():
    if os.fork() == 0:
        os._exit(0)
attempt("network", socket.socket)
attempt("fork", fork)
attempt("execute", lambda: os.posix_spawn("/bin/true", ["true"], {{}}))
attempt("write", lambda: open({folder!r} + "/written", "w").close())
attempt("chmod", lambda: os.chmod({folder!r} + "/secret", 0o600))
attempt("signal", lambda: os.kill({pid}, 0))
attempt("memory", lambda: bytearray(512 << 20))
if {level} >= 2:
    attempt("read", lambda: open({folder!r} + "/secret").close())
    attempt("environment", lambda: open("/proc/{pid}/environ").close())
if {level} >= 3:
    attempt("stat", lambda: os.stat({folder!r} + "/secret"))
sys.exit("not contained: " + ", ".join(opened) if opened else 0)
"""


def launch(mode: Mode, limits: Limits, preload: tuple[str, ...], number: int) -> Launch:
    """How to start worker `number` of this process in a mode."""
    paths = environment.readonly_paths()
    config = WorkerConfig(
        wall=mode.wall,
        landlock=mode.landlock,
        readonly_paths=paths,
        library_paths=environment.library_paths(),
        base="",
        place=SCRATCH,
        preload=list(preload),
        uid=_FIRST_UID + os.getpid() % 1_000_000 * _UIDS_PER_HOST + number % _UIDS_PER_HOST,
        wall_seconds=limits.wall_seconds,
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_mb << 20,
        output_characters=limits.output_characters,
    )
    prefix = _bubblewrap_command(paths) if mode is BUBBLEWRAP else ()
    return Launch(prefix, config)


def failure_of(mode: Mode) -> str | None:
    """Why a mode does not work here; None if it does."""
    lack = lacking(mode)
    if lack is not None:
        return lack
    folder = Path(make_folder("self-test"))
    try:
        secret = folder / "secret"
        secret.write_text("secret\n")
        folder.chmod(0o777)  # only the sandbox may stop the program
        secret.chmod(0o666)
        return _self_test(mode, folder)
    finally:
        remove_folder(str(folder))


def lacking(mode: Mode) -> str | None:
    """What a mode needs and this machine lacks; None if it can be tried."""
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} is not Linux"
    if mode is ROOT_NAMESPACES and os.geteuid() != 0:
        return "not root"
    if mode is BUBBLEWRAP and not _bubblewrap():
        return "not installed"
    return None


def _self_test(mode: Mode, folder: Path) -> str | None:
    worker = Worker(launch(mode, _PROBE_LIMITS, (), number=_UIDS_PER_HOST - 1))
    try:
        worker.hello()
        result = worker.run(_SELF_TEST.format(folder=str(folder), pid=os.getpid(), level=mode.level))
    except WorkerFailed as failure:
        return str(failure)
    finally:
        worker.close()
    if result.status != "ok":
        return result.error or f"the self-test ended with status {result.status}"
    if (folder / "written").exists() or (folder / "secret").stat().st_mode & 0o777 != 0o666:
        return "not contained: the self-test left its mark on the file system"
    return None


def _bubblewrap_command(paths: list[str]) -> tuple[str, ...]:
    """The words that put bubblewrap's walls around a command.

    The capabilities apply to its namespaces: the zygote uses them to give each program a scratch and a user
    of its own, and then takes them away.
    """
    words = [
        _bubblewrap(),
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--hostname",
        "sandbox",
    ]
    if os.geteuid() == 0:
        capabilities = (
            "CAP_SYS_ADMIN",
            "CAP_SETUID",
            "CAP_SETGID",
            "CAP_SETPCAP",
            "CAP_SYS_RESOURCE",
            "CAP_KILL",
        )
    else:
        words.append("--unshare-user")
        capabilities = ("CAP_SYS_ADMIN",)
    for capability in capabilities:
        words += ["--cap-add", capability]
    for path in [*paths, *_interpreter_paths()]:
        if Path(path).is_symlink():
            words += ["--symlink", str(Path(path).readlink()), path]
        else:
            words += ["--ro-bind", path, path]
    for device in DEVICES:
        words += ["--dev-bind", device, device]
    words += ["--proc", "/proc", "--dir", SCRATCH]
    if not any(word.startswith("/tmp/") for word in words):  # unless Python itself is there
        words += ["--symlink", SCRATCH[1:], "/tmp"]
    return (*words, "--remount-ro", "/", "--chdir", "/", "--")


def _bubblewrap() -> str:
    """The path of bubblewrap; empty if it is not installed."""
    return shutil.which("bwrap") or ""


def _interpreter_paths() -> list[str]:
    """Paths needed to start the interpreter and the zygote, besides what programs read."""
    executable = Path(sys.executable)
    chain = [executable]
    while chain[-1].is_symlink():
        chain.append(chain[-1].parent / chain[-1].readlink())
    settings = executable.parents[1] / "pyvenv.cfg"
    package = Path(__file__).resolve().parents[1]
    return [str(path) for path in (*chain, settings, package) if is_there(str(path))]
