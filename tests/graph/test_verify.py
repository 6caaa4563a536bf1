"""A flipped byte is found and named, with the stage that makes the file again; removing it heals the
cache.
"""

import json

import pytest

from jz3.graph.verify import as_json, as_text, remove, verify
from tests.graph.conftest import run_in


def objects(folder):
    return sorted(path for path in folder.glob("files/md5/??/*") if path.is_file())


def object_of(folder, content):
    [path] = [path for path in objects(folder) if path.read_bytes() == content]
    return path


def flip(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.fixture
def pushed(run, tmp_path):
    run_in(run, "dvc", "remote", "add", "-d", "shared", str(tmp_path / "shared"))
    run_in(run, "dvc", "push", "-q")
    return run


def test_a_whole_cache_is_whole(run):
    found = verify(run, "cache")
    assert (found.objects, found.damages) == (len(objects(run / ".dvc/cache")), [])


def test_a_flipped_byte_in_the_cache_is_named_with_file_and_stage_and_once_removed_comes_back(run):
    damaged = object_of(run / ".dvc/cache", b"bx")
    flip(damaged)
    found = verify(run, "cache")
    [damage] = found.damages
    assert (damage.what, damage.file, damage.stage) == ("damaged", "one/b.txt", "first")
    assert "it is one/b.txt of first. Once removed, `dvc fetch first`" in as_text([found], [])
    assert json.loads(as_json([found], []))["objects"][0]["damages"][0]["stage"] == "first"
    assert str(damaged) in remove(run, found)
    run_in(run, "dvc", "repro", "-q")
    assert verify(run, "cache").damages == []
    assert damaged.read_bytes() == b"bx"


def test_a_flipped_byte_and_a_missing_file_in_the_remote_are_found_and_heal_by_a_push(pushed, tmp_path):
    flip(object_of(tmp_path / "shared", b"ax"))
    object_of(tmp_path / "shared", b"bx").unlink()
    run_in(pushed, "dvc", "push", "-q")  # the trap: DVC sees the folder's list and assumes the rest
    found = verify(pushed, "remote")
    assert {(damage.what, damage.file) for damage in found.damages} == {
        ("damaged", "one/a.txt"),
        ("missing", "one/b.txt"),
    }
    remove(pushed, found)
    run_in(pushed, "dvc", "push", "-q")
    assert verify(pushed, "remote").damages == []


def test_an_object_that_no_stage_names_is_damage_too(run):
    stray = run / ".dvc/cache/files/md5/00" / ("1" * 30)
    stray.parent.mkdir()
    stray.write_text("x")
    [damage] = verify(run, "cache").damages
    assert damage.stage is None
