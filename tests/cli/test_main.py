"""The command line: results on stdout; one line and status 1 for what one can mend, 2 for wrong usage."""

import json
import os
import subprocess
import sys

import pytest
import typer

from jz3.cli.main import app
from tests.conftest import ROOT


def jz3(*arguments, folder=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "jz3", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def answers(tmp_path):
    file = tmp_path / "answers.jsonl"
    rows = [{"gold": "1/2", "predicted": "0.5"}, {"gold": "[0,1)", "predicted": "(0,1]"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_grade_gives_a_verdict_a_line_in_the_order_of_the_file(answers):
    done = jz3("grade", str(answers), "--json")
    assert [json.loads(line)["equal"] for line in done.stdout.splitlines()] == [True, False]
    assert "1 of 2" in jz3("grade", str(answers)).stdout


def test_grade_reads_whole_responses(tmp_path):
    file = tmp_path / "responses.jsonl"
    file.write_text(json.dumps({"gold": "12", "predicted": "So it is 3 * 4 = \\boxed{12}."}) + "\n")
    verdict = json.loads(jz3("grade", str(file), "--responses", "--json").stdout)
    assert verdict["equal"] is True


def test_a_malformed_line_is_named(answers):
    answers.write_text('{"gold": "1"}\n')
    done = jz3("grade", str(answers))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "answers.jsonl" in done.stderr


def test_a_profile_is_written_only_over_a_profile(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "small.yaml").write_text("a: 1\n")
    (tmp_path / "params.yaml").write_text("a: 2\n")
    done = jz3("profile", "small", folder=tmp_path)
    assert (done.returncode, "+a: 1" in done.stdout) == (1, True)
    assert "holds edits" in done.stderr
    assert jz3("profile", "small", "--force", folder=tmp_path).returncode == 0
    assert (tmp_path / "params.yaml").read_text() == "a: 1\n"


def test_dependencies_are_checked(tmp_path):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "one.py").write_text("X = 1\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  one:\n    cmd: python -m stages.one\n    deps: [data]\n")
    done = jz3("deps", "--check", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "one lacks stages/one.py\n")
    assert jz3("deps", "--fix", folder=tmp_path).returncode == 0
    assert jz3("deps", "--check", folder=tmp_path).returncode == 0


def test_wrong_usage_is_status_2():
    assert jz3("deps", "--nonsense").returncode == 2


COMMANDS = typer.main.get_command(app).commands
EVERY = [
    *((name,) for name, command in COMMANDS.items() if not hasattr(command, "commands")),
    *((name, inner) for name, command in COMMANDS.items() for inner in getattr(command, "commands", ())),
]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_each_command_has_an_example_that_names_it(path):
    command = COMMANDS[path[0]] if len(path) == 1 else COMMANDS[path[0]].commands[path[1]]
    assert f"Example: jz3 {' '.join(path)}" in command.help


# `fill` has no result: it says how far it is, on stderr.
@pytest.mark.parametrize("path", [path for path in EVERY if path != ("fill",)], ids=" ".join)
def test_each_command_with_a_result_has_it_as_json(path):
    command = COMMANDS[path[0]] if len(path) == 1 else COMMANDS[path[0]].commands[path[1]]
    assert "--json" in {name for parameter in command.params for name in parameter.opts}


def test_what_a_command_did_is_one_document_of_json_on_stdout(tmp_path, monkeypatch):
    """Commands that need no whole graph; the others are run with --json in the tests of what they do."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "rows"))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "small.yaml").write_text("a: 1\n")
    profile = json.loads(jz3("profile", "small", "--json", folder=tmp_path).stdout)
    assert (profile["profile"], "+a: 1" in profile["difference"]) == ("small", True)
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "one.py").write_text("X = 1\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  one:\n    cmd: python -m stages.one\n    deps: [data]\n")
    done = jz3("deps", "--check", "--json", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (
        1,
        {"one": {"lacks": ["stages/one.py"], "extra": []}},
    )
    assert json.loads(jz3("store", "check", "--json", folder=tmp_path).stdout)["damages"] == []
    (tmp_path / "away").mkdir()
    away = f"file://{tmp_path}/away"
    for command in ("push", "pull"):
        moved = json.loads(jz3("store", command, away, "--json", folder=tmp_path).stdout)
        assert moved == {"rows": 0, "size": 0, "there": 0}


def test_help_comes_at_once():
    """Under 0.3 s of processor time, the least of five: the rest is the machine's load."""

    def used() -> float:
        before = os.times()
        assert "verify" in jz3("--help").stdout
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(used() for _ in range(5)) < 0.3


def as_installed(*arguments, **variables):
    """The command under its own name, by which a shell knows it."""
    code = "import sys; sys.argv[0] = 'jz3'; from jz3.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("words", "last", "offered"),
    [("jz3 ver", "1", ["verify"]), ("jz3 store pu", "2", ["push", "pull"]), ("jz3 why --j", "2", ["--json"])],
)
def test_the_shell_completes_commands_and_options(words, last, offered):
    found = as_installed(_JZ3_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=last)
    assert found.split() == offered


def test_the_script_for_a_shell_is_shown():
    """Asked for by the shell's name: which shell it is can't be seen where none started the process."""
    assert "_JZ3_COMPLETE=complete_bash" in as_installed(_JZ3_COMPLETE="source_bash")


def test_a_store_without_a_place_to_share_it_says_what_to_give(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, check=True)
    done = jz3("store", "push", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no default remote" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
