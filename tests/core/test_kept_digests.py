"""A digest is computed once, until the size, time or place of its file changes."""

import os

import pytest

from jz3.core.kept_digests import kept_digest


class Asked:
    """Counts how often the files are read; the digests differ."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return f"{self.times:032x}"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    made = [tmp_path / name for name in ("a", "b")]
    for file in made:
        file.write_bytes(b"1234")
        os.utime(file, ns=(10**18, 10**18))
    return made


def test_files_that_have_not_changed_are_read_once(files):
    asked = Asked()
    assert kept_digest(files, asked) == kept_digest(files, asked) == f"{1:032x}"
    assert asked.times == 1


@pytest.mark.parametrize("change", ["size", "time", "place"])
def test_a_change_of_any_file_is_noticed(files, change):
    asked = Asked()
    kept_digest(files, asked)
    if change == "size":
        files[1].write_bytes(b"12345")
        os.utime(files[1], ns=(10**18, 10**18))
    elif change == "time":
        os.utime(files[1], ns=(10**18, 10**18 + 1))
    else:
        files[1] = files[1].rename(files[1].with_name("c"))
    assert kept_digest(files, asked) == f"{2:032x}"


def test_files_that_changed_a_moment_ago_are_read_again(files):
    asked = Asked()
    files[0].write_bytes(b"4321")
    kept_digest(files, asked)
    kept_digest(files, asked)
    assert asked.times == 2


@pytest.mark.parametrize("note", ["", "xyz"])
def test_a_damaged_note_is_written_anew(files, note, tmp_path):
    asked = Asked()
    kept_digest(files, asked)
    (kept,) = (tmp_path / "store/digests").iterdir()
    kept.write_text(note)
    assert kept_digest(files, asked) == f"{2:032x}"
    assert kept_digest(files, asked) == f"{2:032x}"
    assert asked.times == 2
