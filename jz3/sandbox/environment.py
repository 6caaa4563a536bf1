"""What a program can use: the interpreter, the libraries, and the paths that contain them."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import sysconfig
from pathlib import Path

from jz3.sandbox.kernel import can_fix_addresses
from jz3.sandbox.walls import is_there

PRELOADED = ("sympy", "numpy", "scipy")
"""Libraries imported before the first program, if they are installed."""

# Shared libraries that extension modules link to, and the time zones.
_SYSTEM_PATHS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")


def library_versions() -> dict[str, str]:
    """Version of each installed preloaded library, by name."""
    return {
        name: importlib.metadata.version(name)
        for name in sorted((*PRELOADED, "mpmath"))
        if importlib.util.find_spec(name) is not None
    }


def environment_digest() -> str:
    """Digest of the versions of Python and the preloaded libraries: part of a stored result's key.

    It differs if the kernel does not fix addresses: then programs that print an address fail, but elsewhere
    they have a result.
    """
    facts: dict[str, object] = {"python": platform.python_version(), "libraries": library_versions()}
    if not can_fix_addresses():
        facts["addresses"] = "moving"
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def library_paths() -> list[str]:
    """Folders of installed packages on this process's search path, in its order."""
    folders = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    for name in PRELOADED:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(str(Path(spec.origin).parents[1]))
    return list(dict.fromkeys(str(Path(folder).absolute()) for folder in folders if is_there(folder)))


def readonly_paths() -> list[str]:
    """Everything that a program may read: the system's libraries, the Python installation and its packages.

    Paths that this user may not look at are left out.
    """
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    shared = sysconfig.get_config_var("LIBDIR")
    python += [shared] if sysconfig.get_config_var("Py_ENABLE_SHARED") and shared else []
    paths = {*_SYSTEM_PATHS, *python, *library_paths()}
    paths |= {os.path.realpath(path) for path in python}
    present = sorted(path for path in paths if is_there(path))
    return [path for path in present if not any(path.startswith(f"{other}/") for other in present)]
