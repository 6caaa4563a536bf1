"""`dvc exp run -S` changes both how stages run and what they make; the former runs nothing again."""

import json
import re
import shutil
import subprocess

import pytest

from jz3.core.execution import load_execution
from tests.conftest import ROOT
from tests.graph.conftest import run_in


@pytest.fixture
def experiment(run):
    """A repository that has run, with the execution.yaml of the embedded profile in git."""
    shutil.copy(ROOT / "profiles/execution/embedded.yaml", run / "execution.yaml")
    run_in(run, "git", "add", ".")
    run_in(run, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "execution")

    def with_parameter(override):
        return run_in(run, "dvc", "exp", "run", "-S", override)

    return run, with_parameter


def test_how_stages_run_is_set_for_an_experiment_and_no_stage_runs_again(experiment):
    root, with_parameter = experiment
    said = with_parameter("execution.yaml:workers=2")
    assert "Running stage" not in said
    assert "'first' didn't change, skipping" in said
    before, after = (
        load_execution(ROOT / "profiles/execution/embedded.yaml"),
        load_execution(root / "execution.yaml"),
    )
    assert after == before.model_copy(update={"workers": 2})
    assert "Running stage 'first'" in with_parameter("first.rate=0.2")


def test_a_parameter_that_is_not_there_is_refused(experiment):
    root, with_parameter = experiment
    with pytest.raises(subprocess.CalledProcessError):
        with_parameter("execution.yaml:wrokers=2")
    assert load_execution(root / "execution.yaml").workers == 1


def test_a_table_of_experiments_has_the_columns_that_are_asked_for_and_no_others(experiment):
    """`dvc exp show` has a column for each metric and parameter."""
    root, _ = experiment
    script = ROOT / "docs/show_experiments.sh"
    narrow = run_in(root, "env", "COLUMNS=20", script, "first.rate")
    assert narrow.splitlines()[1].split() == ["Experiment", "first.rate"]
    metrics = json.loads((ROOT / "data/metrics/tabulate.json").read_text())
    (kept,) = re.findall(r"^kept=(\w+)$", script.read_text(), re.MULTILINE)
    assert kept in metrics, "the figure of each model that the script keeps is one that a run leaves"
