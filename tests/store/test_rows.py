"""The store gives back what was committed, whatever happens to processes and files around it.

If these laws fail, answers that were paid for are lost, or damaged ones are used.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.store import writer as writer_module
from jz3.store.records import HEADER
from jz3.store.row_store import Operation, RowStore, open_store, request_key

OPERATION = Operation("test", 1)

TEXTS = st.text(st.characters(), max_size=30)
"""Texts, including lone surrogates."""
COMMITS = st.lists(st.lists(TEXTS, max_size=4), max_size=5)


def write(store: RowStore, commits, tag=""):
    """Commit each list of texts; returns the key of each text."""
    keys = {}
    with store.writer(OPERATION) as writer:
        for texts in commits:
            for text in texts:
                keys[text] = request_key(OPERATION, {"text": tag + text})
                writer.append(keys[text], {"text": tag + text}, {"twice": text * 2})
            writer.commit()
    return keys


def only_file(store: RowStore) -> Path:
    (file,) = (store.root / "test@1").iterdir()
    return file


@given(COMMITS)
@settings(max_examples=30, deadline=None)
def test_what_was_committed_is_known(commits):
    with TemporaryDirectory() as directory:
        keys = write(RowStore(Path(directory)), commits)
        store = RowStore(Path(directory))
        assert store.known(OPERATION, keys.values()) == {keys[text]: {"twice": text * 2} for text in keys}
        assert {row.key: row.request["text"] for row in store.rows(OPERATION)} == {
            key: text for text, key in keys.items()
        }


@given(COMMITS, COMMITS, st.lists(TEXTS, max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_sweep_gives_each_wanted_row_once_with_its_place(first, second, strange):
    with TemporaryDirectory() as directory:
        store = RowStore(Path(directory))
        keys = write(store, first) | write(store, second)  # two journals, which may share rows
        asked = sorted({*list(keys)[::2], *strange})
        places = [request_key(OPERATION, {"text": text}) for text in asked]
        found = list(store.sweep(OPERATION, places))
        assert sorted(found, key=lambda row: row[0]) == [
            (place, {"twice": text * 2}) for place, text in enumerate(asked) if text in keys
        ]


@given(COMMITS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_journal_that_was_cut_holds_every_row_before_the_cut(commits, data):
    with TemporaryDirectory() as directory:
        store = RowStore(Path(directory))
        distinct = [[f"{i}.{j} {text}" for j, text in enumerate(texts)] for i, texts in enumerate(commits)]
        keys = write(store, distinct)
        if not keys:
            return
        file = only_file(store)
        whole = file.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        file.write_bytes(whole[:cut])
        known = RowStore(Path(directory)).known(OPERATION, keys.values())
        there = [key in known for key in keys.values()]
        assert there == sorted(there, reverse=True)
        assert sum(there) == sum(end <= cut for end in ends(whole)), "whole rows are there, flush or no flush"
        assert bool(RowStore(Path(directory)).damages()) == (cut < len(whole))


def ends(journal: bytes) -> list[int]:
    """The byte after each record."""
    found, at = [], 0
    while at < len(journal):
        _, _, _, request_bytes, result_bytes, _, _ = HEADER.unpack_from(journal, at)
        at += HEADER.size + request_bytes + result_bytes
        found.append(at)
    return found


@given(st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_byte_costs_one_row_and_never_gives_a_wrong_one(data):
    with TemporaryDirectory() as directory:
        store = RowStore(Path(directory))
        keys = write(store, [[f"row {i}"] for i in range(8)])
        file = only_file(store)
        damaged = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
        file.write_bytes(damaged)
        known = RowStore(Path(directory)).known(OPERATION, keys.values())
        assert len(known) == 7
        assert all(known[keys[text]] == {"twice": text * 2} for text in keys if keys[text] in known)


@pytest.mark.parametrize("place", [3, HEADER.size + 3], ids=["header", "payload"])
def test_damage_is_named_with_file_and_byte_and_healed_by_computing_the_row_again(tmp_path, caplog, place):
    keys = write(RowStore(tmp_path), [["a"], ["b"], ["c"]])
    file = only_file(RowStore(tmp_path))
    damaged = bytearray(file.read_bytes())
    start = len(damaged) // 3  # three records of equal length
    damaged[start + place] ^= 1
    file.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert set(RowStore(tmp_path).known(OPERATION, keys.values())) == {keys["a"], keys["c"]}
    assert str(file) in caplog.text
    assert f"byte {start}" in caplog.text
    write(RowStore(tmp_path), [["b"]])
    assert set(RowStore(tmp_path).known(OPERATION, keys.values())) == set(keys.values())


def test_rows_that_were_not_committed_are_not_there(tmp_path):
    with RowStore(tmp_path).writer(OPERATION) as writer:
        writer.append(request_key(OPERATION, {}), {}, {})
    assert RowStore(tmp_path).known(OPERATION, [request_key(OPERATION, {})]) == {}


def test_a_large_journal_is_sealed_and_its_rows_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 2000)
    texts = [[f"row {i}"] for i in range(100)]
    reader = RowStore(tmp_path)
    keys = write(RowStore(tmp_path), texts[:50])
    assert len(reader.known(OPERATION, keys.values())) == 50
    keys |= write(RowStore(tmp_path), texts[50:])
    endings = [file.suffix for file in (tmp_path / "test@1").iterdir()]
    assert endings.count(".segment") == 2
    assert set(endings) <= {".segment", ".journal"}
    expected = {key: {"twice": text * 2} for text, key in keys.items()}
    assert reader.known(OPERATION, keys.values()) == expected, "a reader sees what was sealed since"
    assert RowStore(tmp_path).known(OPERATION, [*keys.values(), "0" * 32, "f" * 32]) == expected


def test_a_segment_with_a_damaged_index_still_gives_its_rows(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 1)
    keys = write(RowStore(tmp_path), [[f"row {i}" for i in range(20)]])
    file = only_file(RowStore(tmp_path))
    damaged = bytearray(file.read_bytes())
    damaged[-40] ^= 1
    file.write_bytes(damaged)
    assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == 20
    assert "damaged index" in caplog.text


def test_operations_and_versions_do_not_share_rows(tmp_path):
    request = {"text": "a"}
    assert request_key(Operation("test", 1), request) != request_key(Operation("test", 2), request)
    keys = write(RowStore(tmp_path), [["a"]])
    assert RowStore(tmp_path).known(Operation("test", 2), keys.values()) == {}


def test_the_store_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "here"))
    assert open_store().root == tmp_path / "here"
    monkeypatch.delenv("JZ3_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert open_store().root == tmp_path / "jz3"


WRITER = """
import sys
from pathlib import Path
from jz3.store import writer as module
from jz3.store.row_store import Operation, RowStore, request_key
module.SEGMENT_BYTES = 20_000
name, commits = sys.argv[2], int(sys.argv[3])
operation = Operation("test", 1)
with RowStore(Path(sys.argv[1])).writer(operation) as writer:
    for i in range(commits):
        for j in range(10):
            request = {"text": f"{name} {i} {j}"}
            writer.append(request_key(operation, request), request, {"i": i, "pad": "x" * 50})
        writer.commit()
        print(i, flush=True)
"""


def start_writer(root: Path, name: str, commits: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(root), name, str(commits)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})


def keys_of(name: str, commits: int) -> list[list[str]]:
    return [[request_key(OPERATION, {"text": f"{name} {i} {j}"}) for j in range(10)] for i in range(commits)]


def test_writers_in_several_processes_lose_nothing(tmp_path):
    writers = [start_writer(tmp_path, name, 40) for name in "abc"]
    reader = RowStore(tmp_path)
    seen = 0
    keys = [key for name in "abc" for commit in keys_of(name, 40) for key in commit]
    fell = False
    while any(writer.poll() is None for writer in writers):
        now = len(reader.known(OPERATION, keys))
        fell = fell or now < seen
        seen = now
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert not fell, "rows never disappear, even while journals are sealed"
    assert len(reader.known(OPERATION, keys)) == 1200


def test_a_killed_writer_loses_at_most_the_commit_in_flight(tmp_path):
    for trial in range(3):
        root = tmp_path / str(trial)
        writer = start_writer(root, "a", 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 + 0.1 * trial)
        writer.send_signal(signal.SIGKILL)
        confirmed = 1 + len(writer.communicate()[0].splitlines())
        commits = keys_of("a", confirmed + 2)
        known = RowStore(root).known(OPERATION, [key for commit in commits for key in commit])
        there = [sum(key in known for key in commit) for commit in commits]
        assert there[:confirmed] == [10] * confirmed
        assert there[confirmed + 1 :] == [0], "of the commit in flight, the rows that were whole may be there"


PEAK = """
import sys
from pathlib import Path
from jz3.store.segment import RowFile, seal_in_place
def peak_mb():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1000
before = peak_mb()
journal = Path(sys.argv[1])
assert len(RowFile(journal).offsets()) == 1_000
seal_in_place(journal)
print(peak_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak where Linux tells it")
def test_a_journal_is_walked_and_sealed_in_less_memory_than_it_is_large(tmp_path):
    """Pages of a mapped file count as the reader's until it returns them."""
    store = RowStore(tmp_path)
    with store.writer(OPERATION) as writer:
        for number in range(1_000):
            request = {"number": number}
            writer.append(request_key(OPERATION, request), request, {"text": "x" * 40_000})
            writer.flush()
    [journal] = tmp_path.rglob("*.journal")
    command = [sys.executable, "-c", PEAK, str(journal)]
    grown_mb = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown_mb < 12
