"""Runs every attack in one sandbox and reports what each achieved: on host, output and next program.

`python -m tests.sandbox.arena MODE` prints one JSON object {attack: verdict}. It is a separate program so
that the tests can run it as another user. It owns everything that it exposes to the attacks: listeners on
loopback, a folder of files, a process to be killed.
"""

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jz3.sandbox.modes import MODES, Mode
from jz3.sandbox.pool import Sandbox, open_mode
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits, SandboxSettings
from tests.sandbox.attacks import ATTACKS

LIMITS = Limits(wall_seconds=0.6, cpu_seconds=2, memory_mb=128, output_characters=10_000)
SETTINGS = SandboxSettings(workers=1, required_level=1, limits=LIMITS)

# What an honest program finds; the same before and after every attack.
CANARY = """
import decimal, fcntl, math, os, random, signal, sys
import sympy, numpy
x = sympy.Symbol("x")
print(sympy.expand((x + 1) ** 2), sympy.sin(x).diff(x), sympy.Integer(2) + 3, sum([1, 2, 3, 4]), 3 + 4)
print(random.random(), numpy.random.rand(), decimal.Decimal(1) / 3, math.pi)
print(sorted(os.listdir(".")), os.getcwd(), sorted(os.environ), os.umask(0))
print(signal.getsignal(signal.SIGTERM), sys.getrecursionlimit(), len(sys.path), sys.argv, __name__)
print([fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (0, 1, 2)], os.lseek(0, 0, 1))
print(map(int, "1"), {object, int, dict}, sympy.srepr(sympy.Dummy("x")))
print("neighbour-<token>")
"""


class Host:
    """The targets of the attacks, and what is seen of them afterwards."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.abstract = f"jz3-{secrets.token_hex(8)}"
        os.environ["JZ3_SECRET"] = self.token
        (folder / "secret").write_text(self.token)
        (folder / "secret").chmod(0o666)
        (folder / "pointer").symlink_to("secret")
        self.victim = subprocess.Popen(["sleep", "600"])
        stack.callback(self.victim.wait)
        stack.callback(self.victim.kill)
        self.listeners = {
            "tcp": self._listener(socket.AF_INET, ("127.0.0.1", 0)),
            "udp": self._listener(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM),
            "unix": self._listener(socket.AF_UNIX, str(folder / "stream")),
            "datagram": self._listener(socket.AF_UNIX, str(folder / "datagram"), socket.SOCK_DGRAM),
            "abstract": self._listener(socket.AF_UNIX, f"\0{self.abstract}"),
        }
        for name in ("stream", "datagram"):
            (folder / name).chmod(0o777)
        folder.chmod(0o777)
        for listener in self.listeners.values():
            stack.callback(listener.close)

    def _listener(self, family: int, address: object, kind: int = socket.SOCK_STREAM) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        return listener

    def aim(self, program: str, *, threads_bounded: bool) -> str:
        """The program with its targets filled in."""
        places = {
            "folder": str(self.folder),
            "tcp": self.listeners["tcp"].getsockname()[1],
            "udp": self.listeners["udp"].getsockname()[1],
            "abstract": self.abstract,
            "host": os.getpid(),
            "victim": self.victim.pid,
            "threads_bounded": threads_bounded,
            "token": self.token,
        }
        for name, place in places.items():
            program = program.replace(f"<{name}>", str(place))
        return program

    def files(self) -> dict[str, tuple[object, ...]]:
        """The planted files, and what must not change about them."""
        facts: dict[str, tuple[object, ...]] = {}
        for path in [*sorted(self.folder.iterdir()), Path("/dev/null")]:
            about = path.lstat()
            text = path.read_text() if path.name == "secret" else ""
            names = os.listxattr(path, follow_symlinks=False)
            facts[str(path)] = (
                about.st_mode,
                about.st_uid,
                about.st_nlink,
                about.st_mtime,
                text,
                tuple(names),
            )
        facts["/dev/null"] = (*facts["/dev/null"][:3], Path("/dev/null").stat().st_mtime == 1)
        return facts

    def was_reached(self) -> list[str]:
        """Listeners that somebody connected to."""
        return [name for name, listener in self.listeners.items() if select.select([listener], [], [], 0)[0]]

    def traces(self) -> list[str]:
        """Files and shared memory that only an attack leaves."""
        folders = ("/var/tmp", "/run", "/run/user/0", "/dev", "/home", "/", tempfile.gettempdir())
        places = [f"{folder}/jz3-sandbox-attack" for folder in folders] + [f"/dev/shm/{self.abstract}"]
        return [place for place in places if Path(place).exists()]


def sandbox_processes(mark: str) -> list[int]:
    """Our processes whose command line names a sandbox's folder; a forked child inherits it."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def breaches(host: Host, before: dict[str, tuple[object, ...]], result: ProgramResult) -> list[str]:
    """What an attack achieved, seen from the host."""
    found = [line for line in result.stdout.splitlines() if line.startswith("BREACH")]
    found += ["the secret"] if host.token in result.stdout + result.error else []
    found += ["a forged result"] if "FORGED" in result.stdout else []
    found += [f"file {path}" for path, facts in host.files().items() if before.get(path) != facts]
    found += [f"file {path} is gone" for path in before.keys() - host.files().keys()]
    found += [f"listener {name}" for name in host.was_reached()]
    found += [f"trace {place}" for place in host.traces()]
    found += [] if host.victim.poll() is None else ["the victim is dead"]
    return found


def judge(sandbox: Sandbox, host: Host, mode: Mode, mark: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The verdict on each attack."""
    program = host.aim(CANARY, threads_bounded=True)
    sandbox.run(program)
    canary = sandbox.run(program)
    assert canary.status == "ok", canary
    before = host.files()
    processes = sandbox_processes(mark)
    threads_bounded = mode.wall != "none" or os.geteuid() == 0
    for attack in ATTACKS:
        result = sandbox.run(host.aim(attack.program, threads_bounded=threads_bounded))
        found = breaches(host, before, result)
        after = sandbox.run(program)
        if after.status == "timeout":  # a busy machine: what an attack has changed remains changed
            after = sandbox.run(program)
        found += ["the next program"] if after != canary else []
        found += ["a process is left"] if sandbox_processes(mark) != processes else []
        yield attack.name, {"breaches": found, "status": result.status, "error": result.error}


@contextmanager
def open_host() -> Iterator[Host]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jz3-arena-"))
        yield Host(Path(folder), stack)


def main() -> None:
    mode = next(mode for mode in MODES if mode.name == sys.argv[1])
    with open_host() as host, tempfile.TemporaryDirectory(prefix="jz3-base-") as base:
        Path(base).chmod(0o755)
        tempfile.tempdir = base
        with open_mode(mode, SETTINGS) as sandbox:
            print(json.dumps(dict(judge(sandbox, host, mode, base))))


if __name__ == "__main__":
    main()
