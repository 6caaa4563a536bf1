"""One run of the whole graph on the test profile, shared by all tests that look at one."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.forked_ranks import forking

# The same examples in every run, so that a change is judged by what it changes; no deadline, as machines
# differ.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

# A shell starts what it puts into the background with Ctrl-C ignored, and the programs that the tests
# interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Clone:
    """A copy of the repository with a row store and a DVC cache of its own, both empty at first."""

    path: Path

    @property
    def environment(self):
        return os.environ | {
            "JZ3_STORE": str(self.path.parent / f"{self.path.name}-store"),
            "DVC_SITE_CACHE_DIR": str(self.path.parent / f"{self.path.name}-site"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.path),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command):
        """Run a command in the clone; returns its output as text. A failure shows what it printed."""
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr


def make_clone(path, profile="test"):
    """The files of the working tree as git sees them, with a profile in use."""
    from jz3.graph.profile import write_profile  # not in the environment of `make test-vllm`

    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock":
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    for compiled in (ROOT / "jz3").rglob("__pycache__/*.nb?"):
        copied = path / compiled.relative_to(ROOT)
        copied.parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, copied)  # numba's machine code, which takes half a minute to make
    write_profile(path, profile)
    subprocess.run(["git", "init", "-q"], cwd=path, check=True)
    return Clone(path)


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    """The whole graph, run once for all processes of the suite, with what `dvc repro` printed."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the folder of this run of the suite; each process has one of its own in it
    printed = folder / "whole.log"
    with FileLock(folder / "whole.lock"):
        if printed.is_file():
            return Clone(folder / "whole" / "clone"), printed.read_text()
        clone = make_clone(folder / "whole" / "clone")
        printed.write_text(clone.run(*FORKED_STAGES, "repro"))
        return clone, printed.read_text()


FORKED_STAGES = (sys.executable, "-m", "tests.forked_stages")
"""DVC with stages that need not import what others have imported; for runs of many stages."""
LONGEST = (
    "tests/test_graph.py",
    "tests/test_benchmarks.py",
    "tests/sandbox/test_same_bytes.py",
    "tests/training/test_sharding.py",
    "tests/workers/test_stages.py",
    "tests/training/test_launchers.py",
    "tests/test_kill_stages.py",
    "tests/sharing/test_s3.py",
    "tests/sharing/test_trouble.py",
    "tests/synthesis/test_asked_rows.py",
    "tests/graph/test_fill.py",
    "tests/test_kill.py",
    "tests/test_examples.py",
)
"""The longest files (measured), which start before others, so that no process is left alone with one at the
end."""


@pytest.hookimpl(trylast=True)  # after `-m` has taken its part
def pytest_collection_modifyitems(items):
    """The processes of a suite take files in this order: the one that makes the whole run, those that do not
    read it, and those that do, since they would wait for it.
    """
    files = {item: item.nodeid.partition("::")[0] for item in items}
    readers = {files[item] for item in items if "whole_run" in item.fixturenames}
    rank = {name: place for place, name in enumerate(LONGEST)}
    maker = min(readers, key=lambda name: rank.get(name, len(rank)), default=None)

    def place(item):
        name = files[item]
        return name != maker, name in readers, rank.get(name, len(rank))

    items.sort(key=place)


@pytest.fixture(scope="module")
def _forking():
    with TemporaryDirectory() as folder, forking(Path(folder)) as command:
        yield command


@pytest.fixture
def forked_ranks(_forking, monkeypatch):
    """Trainings of this test fork their ranks (`tests/forked_ranks.py`); the command that does."""
    from jz3.lm import launch

    monkeypatch.setattr(launch, "TORCHRUN", _forking)
    return _forking


@pytest.fixture(scope="module", autouse=True)
def _left_out_of_garbage_collections():
    """What is in memory before a file's tests, such as imported packages, is not looked through again.

    Each training collects garbage at its end (`jz3/lm/freed_memory.py`, accelerate's `free_memory`), which
    took longer in a suite of this size than the training.
    """
    gc.collect()
    gc.freeze()
