"""What the system refuses is one line that names the store; what is still being written is not a damage."""

import errno
import os
import shutil
import subprocess
import sys
from io import FileIO

import pytest

from jz3.store.row_store import Operation, RowStore, request_key
from jz3.store.segment import RowFile, seal_in_place
from jz3.store.trouble import StoreError
from tests.conftest import ROOT
from tests.store.test_rows import OPERATION, write

USES = {
    "known": lambda store: store.known(OPERATION, ["0" * 32]),
    "sweep": lambda store: list(store.sweep(OPERATION, ["0" * 32])),
    "rows": lambda store: list(store.rows(OPERATION)),
    "follow": lambda store: store.follow(OPERATION).new(),
    "writer": lambda store: write(store, [["new"]]),
    "claims": lambda store: store.claims(OPERATION).__enter__(),
    "alone": lambda store: store.alone(OPERATION).__enter__(),
    "compact": lambda store: store.compact(),
    "damages": lambda store: store.damages(),
    "mend": lambda store: store.mend(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("depth", ["store", "store/deeper", "store/test@1"])
def test_a_file_in_the_place_of_a_folder_is_one_line_that_names_the_store(tmp_path, use, depth):
    place = tmp_path / depth
    is_operation = depth == "store/test@1"
    if is_operation:
        place.parent.mkdir()
        place.write_text("")
    else:
        (tmp_path / "store").write_text("")
    root = place.parent if is_operation else place
    if is_operation and use in ("compact", "damages", "mend"):
        USES[use](RowStore(root))  # a strange file beside the folders belongs to none of them
        return
    with pytest.raises(StoreError) as caught:
        USES[use](RowStore(root))
    assert f"row store at {root} is not a folder" in str(caught.value)
    assert "JZ3_STORE" in str(caught.value)


@pytest.mark.parametrize("use", sorted(set(USES) - {"writer", "claims", "alone"}))
@pytest.mark.parametrize("ending", [".segment", ".journal"])
def test_a_link_to_nothing_is_one_line_that_names_it_or_left_alone(tmp_path, use, ending):
    """It is no file that another process has moved: to list it again would never end."""
    store = RowStore(tmp_path)
    write(store, [["old"]])
    link = tmp_path / "test@1" / ("0" * 32 + ending)
    link.symlink_to("gone")
    if use in ("compact", "mend") and ending == ".journal":
        USES[use](RowStore(tmp_path))
        return
    with pytest.raises(StoreError) as caught:
        USES[use](RowStore(tmp_path))
    assert str(link) in str(caught.value)
    assert link.is_symlink()


NOBODY = """
import os, sys
import jz3.cli.main

away = sys.argv[1]

def run(command):
    sys.argv[1:] = ["store", *command.split()]
    try:
        jz3.cli.main.main()
    except SystemExit as status:
        return status.code

run(f"push {away}")  # what this user may not import is imported now
os.setegid(65534)
os.seteuid(65534)
for command in ("check", "compact", "mend", f"push {away}"):
    print("status", run(command), file=sys.stderr)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("closed", [".", "test@1", "test@1/*"])
def test_a_store_of_another_user_is_one_line(tmp_path, closed):
    for folder in (tmp_path, *tmp_path.parents):
        if "pytest-of" in str(folder):
            folder.chmod(0o755)  # so that the store can be reached
    store, away = tmp_path / "store", tmp_path / "away"
    away.mkdir()
    write(RowStore(store), [["a"]])
    for path in [store] if closed == "." else store.glob(closed):
        path.chmod(0o700 if path.is_dir() else 0o600)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, str(away)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert lines[1::2] == ["status 1"] * 4
    assert all(f"row store at {store} refuses access" in line for line in lines[::2])


def test_a_full_disk_names_the_store_keeps_what_was_flushed_and_leaves_no_half_row(tmp_path, monkeypatch):
    whole = FileIO.write
    room = [200]

    def write_until_full(self, content):
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = whole(self, bytes(content[: room[0]]))
        room[0] -= taken
        return taken

    class Small(FileIO):
        write = write_until_full

    monkeypatch.setattr("jz3.store.writer.FileIO", Small)
    store, key = RowStore(tmp_path), request_key(OPERATION, {"n": 1})
    with store.writer(OPERATION) as writer:
        writer.append(request_key(OPERATION, {"n": 0}), {"n": 0}, {})
        writer.flush()
        writer.append(key, {"n": 1}, {"text": "x" * 500})
        with pytest.raises(OSError, match=f"disk of the row store at {tmp_path} is full") as caught:
            writer.flush()
        assert isinstance(caught.value, StoreError)
        assert caught.value.strerror == os.strerror(errno.ENOSPC)
        room[0] = 10_000
        writer.flush()
    assert len(store.known(OPERATION, [key, request_key(OPERATION, {"n": 0})])) == 2
    assert store.damages() == []


def test_what_a_live_writer_has_half_written_is_no_damage_and_is_seen_once_it_is_whole(tmp_path):
    store, texts = RowStore(tmp_path), ["a", "b", "c"]
    with store.writer(OPERATION) as writer:
        for text in texts:
            request = {"text": text}
            writer.append(request_key(OPERATION, request), request, {"twice": text * 2})
        writer.flush()
        [journal] = tmp_path.rglob("*.journal")
        content = journal.read_bytes()
        keys = [request_key(OPERATION, {"text": text}) for text in texts]
        reader = RowStore(tmp_path)
        for cut in range(len(content)):
            os.truncate(journal, cut)
            assert reader.known(OPERATION, keys) == {}
            assert reader.damages() == []
        journal.write_bytes(content)
        assert len(reader.known(OPERATION, keys)) == 3
        os.truncate(journal, len(content) - 1)
        writer._file.close()  # as if the process were gone, and with it its lock
        writer._file = None
    assert len(reader.known(OPERATION, keys)) == 2
    [damage] = reader.damages()
    assert damage.file == journal


def test_a_journal_that_was_left_while_it_was_sealed_is_whole(tmp_path):
    keys = write(RowStore(tmp_path), [["a", "b"], ["c"]])
    [closed] = tmp_path.rglob("*.journal")
    records = closed.read_bytes()
    seal_in_place(closed)
    [segment] = tmp_path.rglob("*.segment")
    sealed = segment.read_bytes()
    segment.unlink()
    left = segment.parent / ("0" * 32 + ".journal")
    for size in range(len(records), len(sealed) + 1):
        left.write_bytes(sealed[:size])
        assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == 3
        assert RowStore(tmp_path).damages() == []
    RowStore(tmp_path).compact()
    assert not left.exists()
    assert len(RowStore(tmp_path).known(OPERATION, keys.values())) == 3


def test_an_emptied_file_is_named(tmp_path):
    write(RowStore(tmp_path), [["a"]])
    [journal] = tmp_path.rglob("*.journal")
    for name in (journal.name, "0" * 32 + ".journal", "0" * 32 + ".segment"):
        path = journal.rename(journal.with_name(name))
        path.write_bytes(b"")
        [damage] = RowStore(tmp_path).damages()
        assert (damage.file, damage.at) == (path, 0)
        journal = path


def test_segments_that_were_exchanged_between_operations_are_named_and_put_back(tmp_path):
    other = Operation("other", 1)
    texts = {OPERATION: ["a", "b"], other: ["c"]}
    for operation, words in texts.items():
        with RowStore(tmp_path).writer(operation) as writer:
            for text in words:
                writer.append(request_key(operation, {"text": text}), {"text": text}, {"twice": text * 2})
            writer.commit()
    RowStore(tmp_path).compact()
    first, second = sorted(tmp_path.rglob("*.segment"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert {damage.file for damage in RowStore(tmp_path).damages()} == {first, second}
    assert RowStore(tmp_path).mend().rows == 3
    assert RowStore(tmp_path).damages() == []
    for operation, words in texts.items():
        found = RowStore(tmp_path).known(
            operation, [request_key(operation, {"text": text}) for text in words]
        )
        assert [row["twice"] for row in found.values()] == [text * 2 for text in words]
    assert len(list(tmp_path.rglob("*.damaged"))) == 2


def test_the_index_of_another_segment_hides_no_row(tmp_path):
    for texts in (["a1", "b1"], ["a2", "b2"]):
        write(RowStore(tmp_path), [texts])
        [journal] = tmp_path.rglob("*.journal")
        seal_in_place(journal)
    first, second = sorted(tmp_path.rglob("*.segment"))
    rows = RowFile(first).count * 24 + 28
    first.write_bytes(first.read_bytes()[:-rows] + second.read_bytes()[-rows:])
    keys = [request_key(OPERATION, {"text": text}) for text in ("a1", "b1", "a2", "b2")]
    assert len(RowStore(tmp_path).known(OPERATION, keys)) == 4
    assert {damage.file for damage in RowStore(tmp_path).damages()} == {first}


@pytest.mark.parametrize("lock", ["claims.lock", "alone.lock", "compaction.lock"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"garbage"])
def test_what_stands_in_a_lock_file_means_nothing(tmp_path, lock, content):
    keys = write(RowStore(tmp_path), [["a"], ["b"]])
    (tmp_path / "test@1" / lock).write_bytes(content)
    store = RowStore(tmp_path)
    with store.claims(OPERATION) as claims, store.alone(OPERATION):
        assert claims.take("0" * 32)
    assert store.compact().merged == 1
    assert len(store.known(OPERATION, keys.values())) == 2


def test_a_follower_takes_a_row_that_is_damaged_in_one_file_from_another(tmp_path):
    for _ in range(2):
        write(RowStore(tmp_path), [["a"], ["b"]])
    first, _ = sorted(tmp_path.rglob("*.journal"))
    damaged = bytearray(first.read_bytes())
    damaged[-3] ^= 1
    first.write_bytes(damaged)
    found = RowStore(tmp_path).follow(OPERATION).new()
    assert sorted(row.request["text"] for row in found) == ["a", "b"]


def test_compaction_leaves_a_damaged_file_as_it_is(tmp_path):
    for texts in (["a", "b"], ["c"], ["d"]):
        write(RowStore(tmp_path), [texts])
    journal = max(tmp_path.rglob("*.journal"), key=lambda path: path.stat().st_size)
    damaged = bytearray(journal.read_bytes())
    damaged[-3] ^= 1
    journal.write_bytes(damaged)
    RowStore(tmp_path).compact()
    assert journal.read_bytes() == damaged
    assert [damage.file for damage in RowStore(tmp_path).damages()] == [journal]
    shutil.rmtree(tmp_path / "test@1")
