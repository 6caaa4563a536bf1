"""What is at or beside the place of an output, and is not ours, is byte for byte the same afterwards."""

import ctypes
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, model_serializer

from jz3.core import placing
from jz3.core.artifacts import ArtifactError, In, InDir, Metrics, Out, OutDir, OutText, Plot
from jz3.project.project import start
from tests.conftest import ROOT
from tests.core.test_artifacts import Fruit, fruits


class Box(BaseModel):
    size: int


def write_box(out, size=3, **files):
    with out.open() as directory:
        (directory / "manifest.json").write_text(json.dumps({"size": size}))
        for name, text in files.items():
            (directory / name).write_text(text)


WRITES = {
    "x.parquet": lambda path: Out(Fruit, path).write(fruits("a")),
    "x": lambda path: Out(Fruit, path).write(fruits("a")),
    "box": lambda path: write_box(OutDir(Box, path)),
    "x.json": lambda path: Metrics(path).write(Box(size=1)),
    "x.csv": lambda path: Plot(Fruit, path).write(fruits("a")),
    "x.md": lambda path: OutText(path).write("a text of ours"),
}
CONTENT = st.one_of(
    st.binary(max_size=20).map(lambda content: b"of a user " + content),
    st.sampled_from([b"", b"{}", b"[]", b"fruit_id\n", b"PAR1PAR1", b'{"size": "large"}', b'{"a": 1}']),
)
FILES = st.dictionaries(
    st.sampled_from(
        ["manifest.json", "thesis.txt", "part-00000.parquet", "sub/a", "sub/sub/b", "new", "x.part"]
    ),
    CONTENT,
    max_size=4,
)
KINDS = st.sampled_from(["nothing", "file", "folder", "link", "dangling", "fifo"])


def put(path, kind, content, files, elsewhere):
    """Put something of a user's at a path."""
    if kind == "file":
        path.write_bytes(content)
    elif kind == "folder":
        path.mkdir()
        for name, inner in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(inner)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "nothing":
        if kind == "link":
            put(elsewhere, "folder" if files else "file", content, files, None)
        path.symlink_to(elsewhere)


def picture(root):
    """Every entry under a folder: its kind, and its bytes or its target."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            what = ("link", path.readlink())
        elif path.is_file():
            what = ("file", path.read_bytes())
        else:
            what = ("folder" if path.is_dir() else "special", None)
        found[path.relative_to(root).as_posix()] = what
    return found


@pytest.mark.parametrize("name", WRITES)
@settings(max_examples=40)
@given(st.data())
def test_what_is_foreign_stays_whatever_it_is_and_whatever_is_written(tmp_path_factory, name, data):
    root = tmp_path_factory.mktemp("r")
    beside = [f"{name}.part", f"{name}.tmp", f".{name}.jz3-abc", f"{name}.new-1", "live"]
    for number, place in enumerate([name, *beside]):
        kind = data.draw(KINDS if place == name else st.sampled_from(["nothing", "file", "folder"]))
        put(root / place, kind, data.draw(CONTENT), data.draw(FILES), root / f"elsewhere-{number}")
    before = picture(root)
    empty = (root / name).is_dir() and not (root / name).is_symlink() and not any((root / name).iterdir())
    there = os.path.lexists(root / name) and not (empty and name in ("x", "box"))
    with suppress(ArtifactError):
        WRITES[name](root / name)
        assert not there, "what was there is no output of ours"
    after = picture(root)
    assert {key: after[key] for key in before} == before
    new = {key for key in after.keys() - before.keys() if not (key == name or key.startswith(f"{name}/"))}
    assert not new, "nothing else is left"
    assert there or name in after


@pytest.mark.parametrize("name", WRITES)
def test_the_error_is_one_line_that_says_whose_it_is_and_what_to_do(tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / name).symlink_to("elsewhere")
    with pytest.raises(ArtifactError, match=r"is a link: jz3 did not make it.*Move it away") as caught:
        WRITES[name](tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WRITES)
def test_what_the_same_handle_wrote_gives_way(tmp_path, name):
    WRITES[name](tmp_path / name)
    first = picture(tmp_path)
    WRITES[name](tmp_path / name)
    assert picture(tmp_path) == first


@pytest.mark.parametrize("name", ["a.txt/x.parquet", "a.txt/b/x", ".", "..", "/dev/null", "gone", "gone/x"])
def test_a_place_that_cannot_be_one_is_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("of a user")
    (tmp_path / "gone").symlink_to("nowhere")
    with pytest.raises(ArtifactError):
        placing.make_folder(placing.Path("a.txt/b" if name in (".", "..") else name))
    for kind in (lambda path: OutDir(Box, path), Metrics, OutText, lambda path: Plot(Fruit, path)):
        with pytest.raises(ArtifactError):
            kind(placing.Path(name)).must_be_free()
    assert (tmp_path / "a.txt").read_text() == "of a user"


@pytest.mark.parametrize("name", WRITES)
def test_a_folder_in_which_no_file_can_be_made_is_one_line(name):
    with pytest.raises(ArtifactError, match="cannot be written"):
        WRITES[name](placing.Path("/proc") / name)
    with pytest.raises(ArtifactError, match="cannot be written"):
        placing.make_folder(placing.Path("/proc/x"))


@pytest.mark.parametrize("name", ["scores.csv", "scores.pq", "scores.parquet.gz", "scores.PARQUET"])
def test_a_table_ends_in_parquet_or_in_nothing(tmp_path, name):
    with pytest.raises(ArtifactError, match="ends in"):
        Out(Fruit, tmp_path / name).write(fruits("a"))
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_kind_and_metrics_of_other_fields_do_not_give_way(tmp_path):
    pl.DataFrame({"fruit_id": ["a"], "price": [1.0]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ArtifactError, match=r"differs in weight \(missing\), price \(too many\)"):
        Out(Fruit, tmp_path / "x.parquet").write(fruits("a"))
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    with pytest.raises(ArtifactError, match="holds no Box"):
        Metrics(tmp_path / "package.json").write(Box(size=1))
    write_box(OutDir(Box, tmp_path / "box"))
    with pytest.raises(ArtifactError, match="is not a PartsManifest"):
        Out(Fruit, tmp_path / "box").write(fruits("a"))


@pytest.mark.parametrize(
    "manifest",
    [
        '{"size": 3, "version": 1}',
        '{"name": "my thesis", "files": {"thesis.txt": "sha256:0"}, "size": 3}',
        '{"size": 3, "thesis.txt": null}',
    ],
)
def test_a_manifest_with_fields_of_another_program_is_foreign(tmp_path, manifest):
    """What a manifest names may be replaced, so one that is not ours may name nothing."""
    (tmp_path / "box").mkdir()
    (tmp_path / "box/manifest.json").write_text(manifest)
    (tmp_path / "box/thesis.txt").write_text("of a user")
    before = picture(tmp_path)
    with pytest.raises(ArtifactError, match=r"has a manifest\.json that is not a Box"):
        write_box(OutDir(Box, tmp_path / "box"))
    assert picture(tmp_path) == before


class Optional(BaseModel):
    size: int
    more: int | None

    @model_serializer(mode="wrap")
    def _without_nothing(self, write):
        return {name: value for name, value in write(self).items() if value is not None}


def test_metrics_that_leave_out_what_is_null_give_way_to_their_like(tmp_path):
    metrics = Metrics(tmp_path / "x.json")
    metrics.write(Optional(size=1, more=None))
    metrics.write(Optional(size=2, more=3))
    metrics.write(Optional(size=4, more=None))
    assert json.loads((tmp_path / "x.json").read_text()) == {"size": 4}
    for foreign in ('{"more": 3}', '{"size": 1, "mine": 2}', '{"size": 1, "more": null}', "{}"):
        (tmp_path / "x.json").write_text(foreign)
        with pytest.raises(ArtifactError, match="holds no Optional"):
            metrics.write(Optional(size=1, more=None))


class Nullable(BaseModel):
    size: int
    more: int | None


def test_metrics_that_lack_a_field_which_their_kind_writes_do_not_give_way(tmp_path):
    (tmp_path / "x.json").write_text('{"size": 1}')
    with pytest.raises(ArtifactError, match="holds no Nullable"):
        Metrics(tmp_path / "x.json").write(Nullable(size=1, more=None))


def test_a_file_that_a_user_put_into_our_folder_is_not_lost_nor_is_the_new_folder(tmp_path):
    out = OutDir(Box, tmp_path / "box")
    write_box(out, weights="old")
    (tmp_path / "box" / "notes.txt").write_text("of a user")
    before = picture(tmp_path / "box")
    with pytest.raises(ArtifactError, match=r"box holds notes.txt.*complete and is now at (.*)\.$") as caught:
        write_box(out, size=4, weights="new")
    assert picture(tmp_path / "box") == before
    aside = placing.Path(str(caught.value).rpartition("is now at ")[2].rstrip("."))
    assert InDir(Box, aside).manifest().size == 4


def test_a_table_of_fewer_parts_takes_the_place_of_one_with_more(tmp_path, monkeypatch):
    out = Out(Fruit, tmp_path / "fruits")
    monkeypatch.setattr("jz3.core.table_bytes.PART_BYTES", 20)
    out.write(fruits("a", "b", "c"))
    monkeypatch.setattr("jz3.core.table_bytes.PART_BYTES", 1000)
    out.write(fruits("a"))
    assert list(In(Fruit, out.path).read()["fruit_id"]) == ["a"]
    assert len(list(out.path.glob("part-*"))) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from jz3.core import placing
from tests.core.test_placing import Box, OutDir, write_box
if sys.argv[2] == "renames":
    placing._exchanged = lambda one, other: False
count, stop = 0, int(sys.argv[3])
def die(event, _):
    global count
    if event == "os.rename":
        count += 1
        if count == stop:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
write_box(OutDir(Box, Path(sys.argv[1]) / "box"), size=4, weights="new")
"""


def test_what_a_user_puts_there_while_a_file_is_written_stays(tmp_path):
    path, begun = tmp_path / "x.md", []

    def write():
        with placing.placed_file(path, lambda _: "is of a user") as part:
            begun.append(part)
            part.write_text("ours")
            path.write_text("of a user")

    for _ in range(2):
        with pytest.raises(ArtifactError, match="is of a user: jz3 did not make it"):
            write()
    assert len(begun) == 1, "nothing is computed for a place that is taken"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.md"]
    assert path.read_text() == "of a user"


@pytest.mark.parametrize("stop", [1, 2])
def test_a_kill_between_the_steps_of_a_swap_loses_nothing(tmp_path, stop):
    """Before each of the two renames that are used if folders cannot change places at once."""
    out = OutDir(Box, tmp_path / "box")
    write_box(out, weights="old")
    command = [sys.executable, "-c", KILLED, str(tmp_path), "renames", str(stop)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "box").exists() == (stop == 1)
    out.must_be_free()
    assert (InDir(Box, out.path).manifest().size, (out.path / "weights").read_text()) == (3, "old")
    write_box(out, size=5, weights="newer")
    assert [entry.name for entry in tmp_path.iterdir()] == ["box"], "what the killed process left is gone"
    assert InDir(Box, out.path).manifest().size == 5


def test_folders_change_places_in_one_step_here(tmp_path):
    """Guard: without it the old folder is gone for a moment, and every test would still pass."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    places = [os.fsencode(tmp_path / name) for name in ("one", "two")]
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    if call is None or call(-100, places[0], -100, places[1], 2):
        pytest.skip("this file system cannot exchange two folders")
    assert (tmp_path / "one" / "two").exists()
    assert placing._exchanged(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one" / "one").exists()
    with pytest.raises(FileNotFoundError):
        placing._exchanged(tmp_path / "one", tmp_path / "three")


def test_a_working_folder_that_is_in_use_is_left_to_its_process(tmp_path):
    out = OutDir(Box, tmp_path / "box")
    with out.open() as directory:
        write_box(out, size=7)
        assert directory.is_dir()
        (directory / "manifest.json").write_text('{"size": 8}')
    assert InDir(Box, tmp_path / "box").manifest().size == 8


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a file system of its own, which has room for 4 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no file system: {mounted.stderr.strip()}")
    (place / "ballast").write_bytes(bytes(60 << 10))
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def copy_tree(path):
    with OutDir(Box, path).open() as directory:
        shutil.copytree(ROOT / "jz3/project/template/prompts", directory / "prompts")


@pytest.mark.parametrize(
    "write",
    [
        lambda place: Out(Fruit, place / "x.parquet").write(fruits(*map(str, range(9_000)))),
        lambda place: Out(Fruit, place / "x").write(fruits(*map(str, range(9_000)))),
        lambda place: copy_tree(place / "box"),
        lambda place: start(place / "project", ROOT / "README.md", ()),
    ],
)
def test_a_full_disk_is_said_whatever_library_meets_it_and_nothing_is_left(full_disk, write):
    with pytest.raises(OSError, match="No space left") as caught:
        write(full_disk)
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in full_disk.iterdir()] == ["ballast"]
