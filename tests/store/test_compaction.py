"""Compaction turns many files into few and changes nothing that a reader sees, whenever it looks."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.store import segment as segments
from jz3.store.compaction import LOOSE_FILES, compact
from jz3.store.row_store import RowStore, request_key
from tests.conftest import ROOT
from tests.store.test_rows import OPERATION, write


def directory(root):
    return root / "test@1"


def files(root, ending):
    return list(directory(root).glob(f"*{ending}"))


def leave_journals(root, count, rows=3):
    keys = {}
    for journal in range(count):
        keys |= write(RowStore(root), [[f"{journal} {row}" for row in range(rows)]])
    return keys


def test_journals_that_nobody_writes_become_one_segment_with_the_same_rows(tmp_path):
    keys = leave_journals(tmp_path, 5)
    reader = RowStore(tmp_path)
    before = reader.known(OPERATION, keys.values())
    done = reader.compact()
    assert (done.merged, done.into) == (5, 1)
    assert (len(files(tmp_path, ".journal")), len(files(tmp_path, ".segment"))) == (0, 1)
    assert len(before) == 15
    assert reader.known(OPERATION, keys.values()) == before, "a reader that was open sees the same"
    assert RowStore(tmp_path).known(OPERATION, keys.values()) == before
    assert RowStore(tmp_path).compact().merged == 0, "what is merged stays as it is"


def test_the_command_compacts_the_store_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    leave_journals(tmp_path, 3)
    assert "merged 3 files into 1" in CliRunner().invoke(app, ["store", "compact"]).stdout
    assert len(files(tmp_path, ".segment")) == 1


def test_a_journal_in_use_is_left_to_its_writer(tmp_path):
    leave_journals(tmp_path, 2)
    with RowStore(tmp_path).writer(OPERATION) as writer:
        writer.append("0" * 32, {}, {"x": 1})
        writer.flush()
        compact(directory(tmp_path))
        assert len(files(tmp_path, ".journal")) == 1
        writer.append("1" * 32, {}, {"x": 2})
        writer.commit()
    assert set(RowStore(tmp_path).known(OPERATION, ["0" * 32, "1" * 32])) == {"0" * 32, "1" * 32}


def test_segments_have_about_the_stated_size(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 2_000)
    keys = leave_journals(tmp_path, 12, rows=5)
    RowStore(tmp_path).compact()
    sizes = [file.stat().st_size for file in files(tmp_path, ".segment")]
    assert len(sizes) > 1
    assert max(sizes) < 5_000
    assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == 60


def test_many_loose_journals_are_merged_when_the_next_writer_begins(tmp_path):
    keys = leave_journals(tmp_path, LOOSE_FILES + 2, rows=1)
    assert len(files(tmp_path, ".journal")) <= LOOSE_FILES
    assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == LOOSE_FILES + 2


def test_two_do_not_compact_at_once(tmp_path):
    leave_journals(tmp_path, 3)
    with (directory(tmp_path) / "compaction.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert compact(directory(tmp_path)).merged == 0


def test_damaged_rows_are_named_and_the_others_kept(tmp_path, caplog):
    keys = write(RowStore(tmp_path), [["a"], ["b"], ["c"]])
    (journal,) = files(tmp_path, ".journal")
    damaged = bytearray(journal.read_bytes())
    damaged[len(damaged) // 3 - 2] ^= 1
    journal.write_bytes(damaged)
    RowStore(tmp_path).compact()
    assert set(RowStore(tmp_path).known(OPERATION, keys.values())) == {keys["b"], keys["c"]}
    assert str(journal) in caplog.text


COMPACTOR = """
import sys
from pathlib import Path
from jz3.store import segment
from jz3.store.row_store import RowStore, request_key
segment.SEGMENT_BYTES = 30_000
while True:
    RowStore(Path(sys.argv[1])).compact()
    print("once", flush=True)
    segment.SEGMENT_BYTES *= 2
"""


BRIEF_WRITER = """
import sys
from pathlib import Path
from jz3.store.row_store import Operation, RowStore, request_key
operation = Operation("test", 1)
for i in range(100):
    with RowStore(Path(sys.argv[1])).writer(operation) as writer:
        request = {"text": f"brief {i}"}
        writer.append(request_key(operation, request), request, {"i": i})
        writer.commit()
"""


def test_rows_of_journals_that_begin_and_end_while_others_are_merged_stay(tmp_path):
    directory(tmp_path).mkdir()
    command = [sys.executable, "-c", BRIEF_WRITER, str(tmp_path)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as writer:
        while writer.poll() is None:
            compact(directory(tmp_path))
    assert writer.returncode == 0
    keys = [request_key(OPERATION, {"text": f"brief {i}"}) for i in range(100)]
    assert len(RowStore(tmp_path).known(OPERATION, keys)) == 100


def test_a_journal_that_is_merged_before_its_writer_holds_it_costs_no_row(tmp_path, monkeypatch):
    lock, merged = fcntl.flock, []

    def compact_first(file, operation):
        if not merged and not operation & fcntl.LOCK_NB:  # the writer's: compaction never waits for a lock
            merged.append(compact(directory(tmp_path)).merged)
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", compact_first)
    keys = write(RowStore(tmp_path), [["a"], ["b"]])
    assert merged == [1], "the journal was taken between its creation and its lock"
    assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == 2


def test_a_file_that_is_renamed_while_files_are_listed_is_listed(tmp_path):
    names = {f"{number:03}" for number in range(300)}
    for name in names:
        (tmp_path / f"{name}{segments.JOURNAL}").touch()

    def rename_all():
        for name in sorted(names):
            (tmp_path / f"{name}{segments.JOURNAL}").rename(tmp_path / f"{name}{segments.SEGMENT}")

    sealing = threading.Thread(target=rename_all)
    sealing.start()
    while sealing.is_alive():
        assert {path.stem for path in segments.paths_of(tmp_path)} == names
    sealing.join()
    assert {path.suffix for path in segments.paths_of(tmp_path)} == {segments.SEGMENT}


@pytest.mark.parametrize("wait_s", [0.0, 0.01, 0.03])
def test_a_kill_in_the_middle_loses_no_row(tmp_path, wait_s):
    keys = leave_journals(tmp_path, 20, rows=40)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COMPACTOR, str(tmp_path)]
    compactor = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert compactor.stdout is not None
    reader = RowStore(tmp_path)
    if wait_s:
        compactor.stdout.readline()
    time.sleep(wait_s)
    assert len(reader.known(OPERATION, keys.values())) == 800
    compactor.send_signal(signal.SIGKILL)
    compactor.communicate()
    assert len(reader.known(OPERATION, keys.values())) == 800
    RowStore(tmp_path).compact()
    assert len(reader.known(OPERATION, keys.values())) == 800
