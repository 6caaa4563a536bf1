"""The command line: results on stdout; one line and status 1 for what a user can fix, 2 for wrong usage."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from jz3.cli import completing
from jz3.cli.main import app, main
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
def here(monkeypatch, capsys):
    """The same in this process, where nothing depends on it being another: that costs half a second."""

    def invoke(*arguments, folder):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["jz3", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return invoke


@pytest.fixture
def answers(tmp_path):
    file = tmp_path / "answers.jsonl"
    rows = [{"gold": "1/2", "predicted": "0.5"}, {"gold": "[0,1)", "predicted": "(0,1]"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_grade_gives_one_document_in_the_order_of_the_file(answers):
    done = jz3("grade", str(answers), "--json")
    assert [item["equal"] for item in json.loads(done.stdout)["items"]] == [True, False]
    assert "1 of 2" in jz3("grade", str(answers)).stdout


def test_a_malformed_file_is_named(answers):
    answers.write_text("{\n")
    done = jz3("grade", str(answers))
    assert "answers.jsonl, line 1" in done.stderr
    assert (done.returncode, "none of the 1 lines" in done.stderr) == (1, True)


def small_profile(folder):
    (folder / "profiles/graphs").mkdir(parents=True)
    (folder / "profiles/small.yaml").write_text("a: 1\n")
    (folder / "profiles/graphs/small.yaml").write_text("models: []\n")
    (folder / "profiles/execution").mkdir()
    (folder / "profiles/execution/small.yaml").write_text("workers: 1\n")
    (folder / "dvc.yaml").write_text("stages: {}\n")


def test_a_profile_is_written_only_over_a_profile(here, tmp_path):
    small_profile(tmp_path)
    (tmp_path / "params.yaml").write_text("a: 2\n")
    done = here("profile", "small", folder=tmp_path)
    assert (done.returncode, "params.yaml: a: 2 -> 1" in done.stdout) == (1, True)
    assert "holds edits" in done.stderr
    assert here("profile", "small", "--force", folder=tmp_path).returncode == 0
    assert (tmp_path / "params.yaml").read_text() == "a: 1\n"


def test_profiles_are_listed_with_the_one_in_use(here, tmp_path):
    small_profile(tmp_path)
    (tmp_path / "profiles/other.yaml").write_text("a: 3\nb: 1\n")
    for folder in ("graphs", "execution"):
        shutil.copy(tmp_path / f"profiles/{folder}/small.yaml", tmp_path / f"profiles/{folder}/other.yaml")
    assert here("profile", "small", folder=tmp_path).returncode == 0
    assert here("profile", folder=tmp_path).stdout == "  other\n* small\n"
    (tmp_path / "params.yaml").write_text("a: 4\n")
    document = json.loads(here("profile", "--json", folder=tmp_path).stdout)
    assert document == {"profiles": {"other": 2, "small": 1}, "in_use": []}
    assert "none is in use: 1 values differ from small" in here("profile", folder=tmp_path).stdout
    assert (tmp_path / "params.yaml").read_text() == "a: 4\n"


def test_the_version_is_said_wherever_one_is(tmp_path):
    done = jz3("--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"jz3 {version('jz3')}\n")


def test_make_alone_lists_what_can_be_made():
    silent = ["make", "--no-print-directory"]  # else it names the folders where make itself runs the tests
    listed = subprocess.run(silent, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert [line.split(":")[0] for line in listed.splitlines()] == [f"make {one}" for one in targets]


def test_dependencies_are_checked(here, tmp_path):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "one.py").write_text("X = 1\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  one:\n    cmd: python -m stages.one\n    deps: [data]\n")
    done = here("deps", "--check", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "one lacks data/code/one.txt\n")
    assert here("deps", "--fix", folder=tmp_path).returncode == 0
    assert here("deps", "--check", folder=tmp_path).returncode == 0


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


BRINGING = [("fetch",), ("fill",), ("store", "pull"), ("pull",)]


@pytest.mark.parametrize("path", BRINGING, ids=" ".join)
def test_help_of_what_brings_something_names_what_brings_the_rest(path):
    command = COMMANDS[path[0]] if len(path) == 1 else COMMANDS[path[0]].commands[path[1]]
    first, *_ = command.help.split("\n\n")
    assert first.startswith("Compute" if path == ("fill",) else "Download")
    others = {f"`jz3 {' '.join(other)}`" for other in BRINGING if other not in (path, ("fill",))}
    assert {name for name in others if name in " ".join(command.help.split())} == others


# `fill` has no result: it reports its progress on stderr.
@pytest.mark.parametrize("path", [path for path in EVERY if path not in (("fill",), ("join",))], ids=" ".join)
def test_each_command_with_a_result_has_it_as_json(path):
    command = COMMANDS[path[0]] if len(path) == 1 else COMMANDS[path[0]].commands[path[1]]
    assert "--json" in {name for parameter in command.params for name in parameter.opts}


def test_what_a_command_did_is_one_document_of_json_on_stdout(here, tmp_path, monkeypatch):
    """Commands that need no whole graph; the tests of what the others do run them with --json."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "rows"))
    small_profile(tmp_path)
    profile = json.loads(here("profile", "small", "--json", folder=tmp_path).stdout)
    assert (profile["profile"], "params.yaml does not exist yet" in profile["difference"]) == ("small", True)
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "one.py").write_text("X = 1\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  one:\n    cmd: python -m stages.one\n    deps: [data]\n")
    done = here("deps", "--check", "--json", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (
        1,
        {"code": {"one": {"lacks": ["data/code/one.txt"], "extra": []}}, "lists": {}},
    )
    assert json.loads(here("store", "check", "--json", folder=tmp_path).stdout)["damages"] == []
    (tmp_path / "away").mkdir()
    away = f"file://{tmp_path}/away"
    for command in ("push", "pull"):
        moved = json.loads(here("store", command, away, "--json", folder=tmp_path).stdout)
        assert moved == {"rows": 0, "size": 0, "there": 0}


def test_help_comes_at_once():
    """Under 0.3 s of processor time, the least of five runs: the rest is the machine's load."""

    def used() -> float:
        before = os.times()
        assert "verify" in jz3("--help").stdout
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(used() for _ in range(5)) < 0.3


def test_help_names_each_command_under_its_heading(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, ["--help"], prog_name="jz3").stdout
    heading, under = "", {}
    for line in shown.splitlines():
        if found := re.search(r"^╭─ (.*?) ─", line):
            heading = found[1]
        elif found := re.search(r"^│ ([a-z][a-z-]*) +[A-Z]", line):
            under[found[1]] = heading
    assert under == {name: command.rich_help_panel for name, command in COMMANDS.items()}
    assert all(len(line) <= 80 for line in shown.splitlines())


def as_installed(*arguments, **variables):
    """The command under its own name, as a shell knows it."""
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
    """Asked for by the shell's name: which shell it is cannot be seen if none started the process."""
    assert "_JZ3_COMPLETE=complete_bash" in as_installed(_JZ3_COMPLETE="source_bash")


def test_a_store_without_a_place_to_share_it_says_what_to_give(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, check=True)
    done = jz3("store", "push", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no default remote" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_command_works_from_any_folder_under_the_root():
    """That of a run is compared in tests/graph/test_why.py, in a small one."""
    assert jz3("profile", "nosuch", folder=ROOT / "docs").stderr.count("embedded") == 1


@pytest.mark.parametrize("command", [("why", "mix"), ("plan",), ("deps", "--check"), ("profile", "embedded")])
def test_outside_a_repository_a_command_says_so(here, tmp_path, command):
    done = here(*command, folder=tmp_path)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert "is not in a repository of jz3" in done.stderr


@pytest.mark.parametrize(
    "scores", ["results", "results/scores.csv", "mine.parquet", "results/thesis.txt/x.parquet"]
)
def test_scores_take_no_place_that_a_user_has(here, tmp_path, scores):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("precious")
    (tmp_path / "mine.parquet").write_text("precious")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    done = here("influence", "targets.parquet", scores, folder=tmp_path)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert "give" in done.stderr.lower()
    found = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"dvc.yaml": b"stages: {}\n", "thesis.txt": b"precious", "mine.parquet": b"precious"}


def test_a_link_in_place_of_params_yaml_is_left_with_what_it_points_to(here, tmp_path):
    for folder in ("profiles", "profiles/execution", "profiles/graphs"):
        (tmp_path / folder).mkdir()
        for name in ("small", "large"):
            (tmp_path / folder / f"{name}.yaml").write_text(f"{name}: 1\n")
    (tmp_path / "params.yaml").symlink_to("profiles/large.yaml")
    done = here("profile", "small", folder=tmp_path)
    assert (done.returncode, "is a link" in done.stderr) == (1, True)
    assert (tmp_path / "profiles" / "large.yaml").read_text() == "large: 1\n"


def test_of_a_users_own_file_no_message_advises_dvc(here, tmp_path):
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  one:\n    foreach: [x, y]\n"
        "    do:\n      cmd: true\n      outs: ['data/one/${item}.parquet']\n"
    )
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "mine.jsonl").write_text("{}\n")
    pl.DataFrame({"question": ["1 + 1?"]}).write_parquet(tmp_path / "mine.parquet")
    for name, said in (
        ("absent.parquet", "Check the path"),
        ("mine.jsonl", "Write parquet, with"),
        ("mine.parquet", "Give a table with the columns"),
    ):
        done = here("influence", name, "scores.parquet", folder=tmp_path)
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
        assert said in done.stderr
        assert "dvc" not in done.stderr
    done = here("influence", "data/one/x.parquet", "scores.parquet", folder=tmp_path)
    assert "`dvc repro one` makes it again" in done.stderr


def test_ctrl_c_is_one_line_and_status_130(tmp_path):
    os.mkfifo(tmp_path / "answers")
    running = subprocess.Popen(
        [sys.executable, "-m", "jz3", "grade", "answers"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with (tmp_path / "answers").open("w"):  # blocks until the command opens it for reading
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=30)[1]
    assert running.returncode == 130
    assert said.startswith("jz3: interrupted")
    assert len(said.strip().splitlines()) == 1


def test_quiet_leaves_results_alone_and_verbose_adds_to_them(answers):
    loud, quiet = jz3("grade", str(answers)), jz3("-q", "grade", str(answers))
    assert loud.stderr
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
    assert "No such file" in jz3("-q", "grade", "nowhere.jsonl").stderr, "errors are said"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("why di", {"distill@initial", "distill@boosted"}),
        ("profile e", {"embedded"}),
        ("plan --profile s", {"single_gpu"}),
        ("lm-eval in", {"instruct_only"}),
        ("export verl ji", {"jiuzhang"}),
    ],
)
def test_names_of_the_clone_are_completed(words, offered, monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    asked = {
        "_JZ3_COMPLETE": "complete_bash",
        "COMP_WORDS": f"jz3 {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    done = CliRunner().invoke(app, [], prog_name="jz3", env=asked)
    assert offered <= set(done.stdout.split())
    assert all(name.startswith(words.split()[-1]) for name in done.stdout.split())


def test_nothing_is_completed_where_there_is_no_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completing.stages("") == completing.profiles("") == completing.models("") == []
    (tmp_path / "dvc.yaml").write_bytes(b"stages: [\xff")
    assert completing.stages("") == []
