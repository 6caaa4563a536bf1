"""Settings, interpreters and users for the tests of the sandbox."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from jz3.sandbox.environment import library_paths
from jz3.sandbox.modes import MODES, Mode
from jz3.sandbox.pool import Sandbox
from jz3.sandbox.settings import Limits, SandboxSettings

REPOSITORY = Path(__file__).resolve().parents[2]
ORDINARY_UID = 54321
LIMITS = Limits(wall_seconds=1.5, cpu_seconds=2, memory_mb=256, output_characters=10_000)
SETTINGS = SandboxSettings(workers=2, required_level=2, limits=LIMITS)


@dataclass(frozen=True)
class User:
    """A user who runs Python: a name, a user id (None: the current one), and an interpreter."""

    name: str
    uid: int | None
    python: str

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start Python as this user, with our packages importable."""
        identity = {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}
        return subprocess.Popen(
            [self.python, "-B", *arguments],
            cwd="/",
            env={
                "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *library_paths()]),
                "PATH": os.environ["PATH"],
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **identity,
        )


OURSELVES = User("root" if os.geteuid() == 0 else "user", None, sys.executable)


# Found, not imported, as each collection of the tests starts this.
IMPORTS = "import jz3, pydantic\nfrom importlib.util import find_spec\nassert find_spec('sympy')"


def users() -> list[User]:
    """The current user, and if that is root an ordinary user too, provided there is a Python that one can
    start.
    """
    return [OURSELVES] if os.geteuid() != 0 else [OURSELVES, *_ordinary_users()]


def _ordinary_users() -> list[User]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # Our own interpreter may be in root's home; a system one of the same version serves as well.
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        user = User("user", ORDINARY_UID, python)
        try:
            process = user.start("-c", IMPORTS)
        except OSError:
            continue
        process.communicate()
        if process.returncode == 0:
            return [user]
    return []


def mode_of(sandbox: Sandbox) -> Mode:
    """The way in which a sandbox was built: another one needs no self-test."""
    return next(mode for mode in MODES if mode.name == sandbox.report.mode)


def zygotes_of(pid: int) -> list[int]:
    """Process numbers of a process's sandbox workers: its descendants that run a zygote."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"zygote.py" in (entry / "cmdline").read_bytes():
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    ours: set[int] = {pid}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sorted(ours - {pid})
