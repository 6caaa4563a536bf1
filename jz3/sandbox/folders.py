"""Temporary folders whose names identify their process, so that those left by killed processes can be
removed.

A name contains the boot of the machine, the process namespace, and the owner's process id and start time. A
folder is removed only if all of these show that its owner was here and has ended, and only if it belongs to
this user and contains nothing but our own files.
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
"""Files that the self-test may leave in its folder; a sandbox's folder is empty."""


def make_folder(kind: str) -> str:
    """A new empty folder of this process; all names of one kind have the same length."""
    pid = os.getpid()
    prefix = f"jz3-{kind}-{_here()}-{pid:010}-{_started(pid):020}-"
    return tempfile.mkdtemp(prefix=prefix)


def standing_folder() -> str | None:
    """The empty folder of this user in which programs of all workers and runs start; it is never removed.

    Nobody can write to it. None if somebody else's folder has its name.
    """
    folder = Path(tempfile.gettempdir(), f"jz3-empty-{os.geteuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o555)
    about = folder.lstat()
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o222
    return str(folder) if ours and not any(folder.iterdir()) else None


def remove_folder(folder: str) -> None:
    """Remove a folder made by `make_folder`. Raises OSError if it contains files that are not ours."""
    for name in FILES:
        Path(folder, name).unlink(missing_ok=True)
    Path(folder).rmdir()


def sweep() -> list[str]:
    """Remove the folders whose owner has certainly ended; return their names."""
    swept: list[str] = []
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [(entry, _NAME.fullmatch(entry.name)) for entry in entries]
    for entry, name in found:
        if name and name["here"] == _here() and not _lives(int(name["pid"]), int(name["start"])):
            # Another process may remove the same folder; a folder with anything else in it is not ours.
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False) and entry.stat().st_uid == os.geteuid():
                    remove_folder(entry.path)
                    swept.append(entry.name)
    return swept


def _here() -> str:
    """The boot of the machine and the process namespace, within which a process id is unique."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{boot[:8]}-{Path('/proc/self/ns/pid').stat().st_ino:010}"


def _started(pid: int) -> int:
    """When a process started, in clock ticks since boot."""
    # The process name, in parentheses, may contain anything; the start time is field 22.
    return int(
        Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[19]
    )


def _lives(pid: int, start: int) -> bool:
    """False only if no process has that id, or if another one has it now."""
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
