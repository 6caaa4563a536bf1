"""What a killed process left is removed; what is alive, or is not ours, stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.sandbox import folders
from jz3.sandbox.folders import make_folder, remove_folder, sweep
from jz3.sandbox.pool import open_sandbox
from tests.sandbox.builders import OURSELVES, SETTINGS

MAKE = "from jz3.sandbox.folders import make_folder\nimport tempfile, sys\ntempfile.tempdir = sys.argv[1]\n"


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def left_by_a_dead_process(folder: Path, *kinds: str) -> list[Path]:
    words = MAKE + "".join(f"print(make_folder({kind!r}))\n" for kind in kinds)
    process = OURSELVES.start("-c", words, str(folder))
    return [Path(line) for line in process.communicate()[0].split()]


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    left = left_by_a_dead_process(tmp_path, "sandbox", "self-test")
    for name in folders.FILES:
        (left[1] / name).write_text("x")
    assert sorted(sweep()) == sorted(path.name for path in left)
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_has_stays(tmp_path: Path) -> None:
    wait = MAKE + "print(make_folder('sandbox'), flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", wait, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        theirs, ours = Path(process.stdout.readline().strip()), make_folder("sandbox")
        assert sweep() == []
        assert theirs.is_dir()
        process.communicate()
    assert sweep() == [theirs.name]
    remove_folder(ours)


names = st.one_of(
    st.from_regex(r"jz3-(sandbox|self-test)-[a-z0-9_]{1,12}", fullmatch=True),
    st.from_regex(r"jz3-sandbox-[0-9a-f]{8}-[0-9]{10}-[0-9]{10}-[0-9]{20}-[a-z0-9_]{8}", fullmatch=True),
    st.sampled_from(["jz3-sandbox-", "thesis", "jz3-self-test-results"]),
)


@settings(max_examples=40)
@given(foreign=st.dictionaries(names, st.sampled_from(["empty", "full", "file", "link"]), max_size=6))
def test_what_is_not_ours_stays(foreign: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name, kind in foreign.items():
            if kind == "file":
                (root / name).write_text("thesis")
            elif kind == "link":
                (root / name).symlink_to("elsewhere")
            else:
                (root / name).mkdir()
                (root / name / "thesis").write_text("x") if kind == "full" else None
        before = sorted(str(path) for path in root.rglob("*"))
        outside, tempfile.tempdir = tempfile.tempdir, place
        try:
            assert sweep() == []
        finally:
            tempfile.tempdir = outside
        assert sorted(str(path) for path in root.rglob("*")) == before


def test_a_folder_that_holds_something_else_stays(tmp_path: Path) -> None:
    (left,) = left_by_a_dead_process(tmp_path, "sandbox")
    (left / "thesis").write_text("x")
    assert sweep() == []
    assert (left / "thesis").read_text() == "x"


def test_another_start_of_the_machine_or_another_process_of_that_number_is_told_apart(tmp_path: Path) -> None:
    ours = Path(make_folder("sandbox"))
    here, pid, start = ours.name.removeprefix("jz3-sandbox-").rsplit("-", 3)[0:3]
    elsewhere = tmp_path / ours.name.replace(here, f"{'0' * 8}{here[8:]}")
    earlier = tmp_path / ours.name.replace(start, f"{int(start) - 1:020}")
    elsewhere.mkdir()
    earlier.mkdir()
    assert int(pid) == os.getpid()
    assert sweep() == [earlier.name]
    assert {path.name for path in tmp_path.iterdir()} == {ours.name, elsewhere.name}


def test_a_sandbox_sweeps_when_it_opens_and_leaves_nothing(tmp_path: Path) -> None:
    left_by_a_dead_process(tmp_path, "sandbox")
    with open_sandbox(SETTINGS.model_copy(update={"workers": 1})):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
