"""Compaction makes few files of many and changes nothing that a reader sees, whenever it looks."""

import fcntl
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.store import segment as segments
from jz3.store.compaction import LOOSE_FILES, compact
from jz3.store.rows import RowStore
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
from jz3.store.rows import RowStore
segment.SEGMENT_BYTES = 30_000
while True:
    RowStore(Path(sys.argv[1])).compact()
    print("once", flush=True)
    segment.SEGMENT_BYTES *= 2
"""


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
