"""Ctrl-C while modules are still being imported, and what the operating system refuses."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jz3.core.ending import end_imports_in_one_line, ends_in_one_line, heed_sigterm
from jz3.core.errors import UserError

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("module", "after"),
    [("stages.filter", "argparse"), ("stages.filter", "polars"), ("jz3", "typer"), ("jz3", "polars")],
)
def test_ctrl_c_before_any_work_is_one_line_and_status_130(module, after):
    """The interpreter reports which module it has imported, so that the moment is the same on each
    machine.
    """
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", module, "doctor"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert any(line.split()[-1:] == [after] for line in running.stderr)
        running.send_signal(signal.SIGINT)
        (line,) = (line for line in running.stderr if not line.startswith("import time:"))
    assert running.returncode == 130
    assert "interrupted before any work. To go on, run" in line or line.startswith("jz3: interrupted")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.EISDIR])
def test_a_path_that_cannot_be_used_is_one_line(number, capsys):
    with pytest.raises(SystemExit) as ended, ends_in_one_line("jz3", "run it again"):
        raise OSError(number, os.strerror(number), "mine.jsonl")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"jz3: mine.jsonl: {os.strerror(number)}; a path that ")


@pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL])
def test_another_failure_of_the_system_is_a_traceback(number):
    with pytest.raises(OSError, match="mine"), ends_in_one_line("jz3", "run it again"):
        raise OSError(number, os.strerror(number), "mine.jsonl")


@pytest.fixture
def handlers():
    """The handlers of both signals are afterwards as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ending(error, capsys):
    """What is said of an error, and the status."""
    with pytest.raises(SystemExit) as ended, ends_in_one_line("jz3", "run it again"):
        raise error
    return capsys.readouterr().err, ended.value.code


def test_a_users_mistake_is_its_line_and_its_status(capsys):
    assert ending(UserError("no such stage"), capsys) == ("jz3: no such stage\n", UserError.exit_status)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line(number, capsys):
    said, status = ending(OSError(number, os.strerror(number), "rows"), capsys)
    assert status == 1
    assert said.startswith("jz3: the disk is full at rows; ")
    assert said.count("\n") == 1


def test_what_is_refused_without_a_path_is_a_traceback():
    with pytest.raises(PermissionError), ends_in_one_line("jz3", "run it again"):
        raise PermissionError(errno.EACCES, "mine")


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("notes", "where"),
    [((), "what is in the row store is not computed or asked for again"), (("from step 3",), "from step 3")],
)
def test_an_interrupt_says_where_the_next_run_goes_on(notes, where, capsys):
    error = KeyboardInterrupt()
    for note in notes:
        error.add_note(note)
    said, status = ending(error, capsys)
    assert (said.partition("To go on, ")[2], status) == (f"run it again: {where}.\n", 130)


@pytest.mark.usefixtures("handlers")
def test_sigterm_is_heeded_where_it_was_ignored_and_only_there():
    for before, after in ((signal.SIG_IGN, signal.default_int_handler), (signal.SIG_DFL, signal.SIG_DFL)):
        signal.signal(signal.SIGTERM, before)
        heed_sigterm()
        assert signal.getsignal(signal.SIGTERM) is after


@pytest.mark.usefixtures("handlers")
def test_while_modules_load_an_interrupt_is_taken_unless_it_is_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_imports_in_one_line("run it again")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_imports_in_one_line("run it again")
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    with ends_in_one_line("jz3", "run it again"):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
