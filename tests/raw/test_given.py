"""A given path that cannot be read ends in one line, whichever command it is given to."""

import os

import pytest
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.errors import UserError
from jz3.raw.given import must_be_a_file

COMMANDS = (("dedup", "-o", "out"), ("export", "openai", "-o", "out"), ("grade",), ("look",))


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "No such file"),
        ("gone", "No such file"),
        ("folder", "a folder"),
        ("loop", "Too many levels"),
        ("pipe", "can be read only once"),
        ("What is 2 + 3? " * 40, "File name too long"),
    ],
)
def test_what_is_no_file_is_named(paths, name, said):
    with pytest.raises(UserError, match=rf"{said}.*; a file of rows was expected\. "):
        must_be_a_file(paths / name, "a file of rows")


def test_a_file_will_do_and_a_pipe_where_it_may(paths):
    (paths / "mine.jsonl").write_text("{}\n")
    must_be_a_file(paths / "mine.jsonl", "a file of rows")
    must_be_a_file(paths / "pipe", "a file of answers", pipes=True)


def test_a_file_without_rights_is_named(paths):
    closed = paths / "closed.jsonl"
    closed.write_text("{}\n")
    closed.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # nothing is closed to root
    try:
        with pytest.raises(UserError, match="Permission denied; a file of rows was expected"):
            must_be_a_file(closed, "a file of rows")
    finally:
        os.seteuid(was)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["x" * 300, "loop"])
def test_each_command_says_so_in_one_line(paths, monkeypatch, command, name):
    monkeypatch.chdir(paths)
    first, *rest = command
    words = [first, *rest[:1], name, *rest[1:]] if first == "export" else [first, name, *rest]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    (line,) = done.output.splitlines()
    assert line.startswith("jz3: ")
    assert name in line
