"""The strongest mode that works is chosen; a sandbox that is too weak is refused, with the reasons."""

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from jz3.core.errors import UserError
from jz3.sandbox import modes
from jz3.sandbox.environment import environment_digest, library_versions, readonly_paths
from jz3.sandbox.modes import LANDLOCK, MODES, SECCOMP, failure_of
from jz3.sandbox.pool import SandboxUnavailable, open_mode, open_sandbox, strongest_mode
from jz3.sandbox.settings import SandboxSettings
from tests.sandbox.builders import LIMITS, OURSELVES, users

# A host without user namespaces and privileges, like many containers.
WITHOUT_NAMESPACES = """
import os, sys
from jz3.sandbox import kernel
uid, gid = os.getuid(), os.getgid()
kernel.unshare(kernel.CLONE_NEWUSER)
open("/proc/self/setgroups", "w").write("deny")
open("/proc/self/uid_map", "w").write(f"{uid} {uid} 1")
open("/proc/self/gid_map", "w").write(f"{gid} {gid} 1")
open("/proc/sys/user/max_user_namespaces", "w").write("0")
kernel.drop_capabilities()
"""
REPORT = """
from tests.sandbox.builders import LIMITS
from jz3.sandbox.pool import SandboxUnavailable, open_sandbox
from jz3.sandbox.settings import SandboxSettings
for level in map(int, sys.argv[1:]):
    try:
        with open_sandbox(SandboxSettings(workers=1, required_level=level, limits=LIMITS)) as sandbox:
            print(sandbox.report.mode, sandbox.run("print(1)").stdout.strip())
    except SandboxUnavailable as error:
        print(error)
"""
# Landlock's system calls return ENOSYS, as in a kernel without it.
WITHOUT_LANDLOCK = """
import struct
from jz3.sandbox import kernel, seccomp
parts = [struct.pack("HBBI", 0x20, 0, 0, 0), struct.pack("HBBI", 0x35, 0, 2, 444)]
parts += [struct.pack("HBBI", 0x25, 1, 0, 446), struct.pack("HBBI", 6, 0, 0, 0x50000 | 38)]
seccomp.install(b"".join([*parts, struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)]), os.getpid())
"""


@cache
def report(program: str, *levels: int) -> list[str]:
    """One line for each required level, all from one process."""
    process = OURSELVES.start("-c", program + REPORT, *map(str, levels))
    out, err = process.communicate(timeout=120)
    if "unshare" in err:
        pytest.skip("no user namespace to try a machine without user namespaces in")
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert len(lines) == len(levels)
    return lines


def test_without_namespaces_landlock_holds() -> None:
    assert report(WITHOUT_NAMESPACES, 2, 3)[0] == "landlock 1"


def test_without_namespaces_level_three_is_refused_with_all_that_was_tried() -> None:
    message = report(WITHOUT_NAMESPACES, 2, 3)[1]
    assert "level 3" in message
    assert "user-namespaces (" in message
    assert "root-namespaces (" in message
    assert "Docker" in message


def test_without_landlock_too_the_default_is_refused() -> None:
    message = report(WITHOUT_NAMESPACES + WITHOUT_LANDLOCK, 2, 1)[0]
    assert "landlock (" in message
    assert "Docker" in message


def test_the_weaker_level_runs_where_it_was_asked_for() -> None:
    assert report(WITHOUT_NAMESPACES + WITHOUT_LANDLOCK, 2, 1)[1] == "seccomp 1"


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match=r"darwin is not Linux.*Docker"):
        strongest_mode(2)
    assert issubclass(SandboxUnavailable, UserError)


def test_the_modes_go_from_strong_to_weak() -> None:
    assert [mode.level for mode in MODES] == sorted((mode.level for mode in MODES), reverse=True)


def test_a_mode_that_lets_a_file_be_read_fails_its_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a mode contains is found by trying: here more may be read than should, and the self-test must
    notice it.
    """
    everything = [*readonly_paths(), tempfile.gettempdir()]
    monkeypatch.setattr(modes.environment, "readonly_paths", lambda: everything)
    assert "not contained" in (failure_of(LANDLOCK) or "")


def test_the_weakest_mode_writes_nowhere() -> None:
    settings = SandboxSettings(workers=1, required_level=1, limits=LIMITS)
    with open_mode(SECCOMP, settings) as sandbox:
        assert sandbox.run("open('x', 'w')").status == "error"
        assert sandbox.run("import sympy; print(sympy.sqrt(8))").stdout == "2*sqrt(2)\n"


def test_a_program_reads_nothing_of_the_home_of_the_user() -> None:
    home = Path.home()
    assert not any(Path(path) == home or home.is_relative_to(path) for path in readonly_paths())


CLOSED = """
import sys, sysconfig
from jz3.sandbox.environment import library_paths, readonly_paths
get_path = sysconfig.get_path
sysconfig.get_path = lambda name: sys.argv[1] + "/lib/" + name if name == "platstdlib" else get_path(name)
sysconfig.get_config_var = lambda name: sys.argv[1] + "/lib"
sys.path.append(sys.argv[1] + "/lib/site-packages")
print([path for path in readonly_paths() + library_paths() if path.startswith(sys.argv[1])])
"""


def test_a_folder_that_the_user_may_not_search_is_left_out() -> None:
    """As if Python had been moved: its library folder is in somebody else's home."""
    user = users()[-1]
    if user.name == "root":
        pytest.skip("root may search every folder, and no ordinary user can start a Python here")
    with tempfile.TemporaryDirectory() as place:
        closed = Path(place, "closed")
        (closed / "lib" / "site-packages").mkdir(parents=True)
        closed.chmod(0)
        Path(place).chmod(0o755)
        out, err = user.start("-c", CLOSED, str(closed)).communicate(timeout=60)
        closed.chmod(0o700)
    assert (out, err) == ("[]\n", "")


def test_the_environment_has_one_digest() -> None:
    assert environment_digest() == environment_digest()
    assert len(environment_digest()) == 64
    assert library_versions()["sympy"]


def test_settings_know_no_level_zero_and_no_unknown_key() -> None:
    with pytest.raises(ValueError, match="required_level"):
        SandboxSettings.model_validate({"workers": 1, "required_level": 0, "limits": LIMITS})
    with pytest.raises(ValueError, match="Field required"):
        SandboxSettings.model_validate({"workers": 1})


def test_a_sandbox_that_cannot_start_its_workers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        pytest.raises(SandboxUnavailable, match="did not start"),
        open_mode(LANDLOCK, SandboxSettings(workers=1, required_level=1, limits=LIMITS)),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="root's mode")
def test_root_gets_namespaces_or_bubblewrap() -> None:
    with open_sandbox(SandboxSettings(workers=1, required_level=3, limits=LIMITS)) as sandbox:
        assert sandbox.report.level == 3
