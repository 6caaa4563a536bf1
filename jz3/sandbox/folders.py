"""Temporary folders of a process, whose names say whose they are: what a killed one left can be swept.

A name holds the boot of the machine, the process namespace, and the owner's number and start time. Only where
all of these say that the owner was here and is gone is a folder removed, and then only if it is of this user
and holds nothing but the files that we put there.
"""

import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(
    r"jz3-(?P<kind>sandbox|self-test)-(?P<here>[0-9a-f]{8}-\d{10})-(?P<pid>\d{10})-(?P<start>\d{20})-.*"
)
FILES = ("secret", "written")
"""What the self-test may leave in its folder; a sandbox's folder is empty."""


def make_folder(kind: str) -> str:
    """A new empty folder of this process; the names of one kind are of equal length."""
    pid = os.getpid()
    prefix = f"jz3-{kind}-{_here()}-{pid:010}-{_started(pid):020}-"
    return tempfile.mkdtemp(prefix=prefix)


def standing_folder() -> str | None:
    """The empty folder of this user in which programs stand, one for all workers and runs; it stays.

    Nobody can write to it. None where somebody else has its name.
    """
    folder = Path(tempfile.gettempdir(), f"jz3-empty-{os.geteuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o555)
    about = folder.lstat()
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o222
    return str(folder) if ours and not any(folder.iterdir()) else None


def remove_folder(folder: str) -> None:
    """Remove a folder that `make_folder` made. Raises OSError where it holds what is not ours."""
    for name in FILES:
        Path(folder, name).unlink(missing_ok=True)
    Path(folder).rmdir()


def sweep() -> list[str]:
    """Remove the folders whose owner is surely dead; their names."""
    swept: list[str] = []
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [(entry, _NAME.fullmatch(entry.name)) for entry in entries]
    for entry, name in found:
        if name and name["here"] == _here() and not _lives(int(name["pid"]), int(name["start"])):
            # Another process may sweep the same; a folder that holds anything else is not ours.
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False) and entry.stat().st_uid == os.geteuid():
                    remove_folder(entry.path)
                    swept.append(entry.name)
    return swept


def _here() -> str:
    """The boot of the machine and the process namespace: in others the same number is another process."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{boot[:8]}-{Path('/proc/self/ns/pid').stat().st_ino:010}"


def _started(pid: int) -> int:
    """When a process started, in clock ticks since boot."""
    # The name of the process, in parentheses, may hold anything; the start is field 22.
    return int(
        Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[19]
    )


def _lives(pid: int, start: int) -> bool:
    """False only where no process has that number, or another one has it now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return _started(pid) == start
    except OSError:
        return True
