"""A small repository: two stages that DVC itself ran, under git, with a store of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DVC_YAML = """\
stages:
  first:
    cmd: python first.py
    deps: [first.py, source.txt]
    params: [first]
    outs: [one]
  second:
    cmd: cp one/a.txt two.txt
    deps: [one]
    outs: [two.txt]
"""

FIRST_PY = '''\
"""What it does."""

from pathlib import Path

Path("one").mkdir()
for name in "ab":
    Path("one", f"{name}.txt").write_text(name + Path("source.txt").read_text())
Path("one", "manifest.json").write_text('{"libraries": {"numpy": "1.0"}}')
'''


def jz3(*arguments):
    return (sys.executable, "-m", "jz3", *arguments)


def run_in(root, *command):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=root, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The pipeline, run once by DVC; tests change copies."""
    path = tmp_path_factory.mktemp("pipeline") / "repository"
    path.mkdir()
    run_in(path, "git", "init", "-q")
    run_in(path, "dvc", "init", "-q")
    (path / "dvc.yaml").write_text(DVC_YAML)
    (path / "params.yaml").write_text("first: {rate: 0.1, deep: {a: 1}}\n")
    (path / "source.txt").write_text("x")
    (path / "first.py").write_text(FIRST_PY)
    run_in(path, "dvc", "repro", "-q")
    run_in(path, "git", "add", ".")
    run_in(path, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "run")
    return path


@pytest.fixture
def run(ran, tmp_path, monkeypatch):
    """A copy of the repository after its run."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    return shutil.copytree(ran, tmp_path / "repository")
