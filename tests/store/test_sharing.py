"""Rows to and from a shared place: each row once, every one checked, whatever files they are in."""

from pathlib import Path

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.generation.spending import SENT
from jz3.store.records import encode_rows, json_bytes
from jz3.store.row_store import Operation, RowStore, request_key
from jz3.store.sharing import DamagedPack, SharedPlace, damages, pull, push

OPERATION = Operation("double", 1)


def place(folder):
    return SharedPlace(fsspec.filesystem("file"), str(folder))


def fill(store, numbers):
    with store.writer(OPERATION) as writer:
        for number in numbers:
            writer.append(request_key(OPERATION, {"n": number}), {"n": number}, {"twice": 2 * number})
        writer.commit()


def rows(store):
    return {row.request["n"]: row.result["twice"] for row in store.rows(OPERATION)}


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.integers(0, 20))), max_size=6))
def test_after_each_has_pushed_and_pulled_both_hold_every_row_once_and_nothing_is_sent_twice(
    tmp_path_factory, steps
):
    folder = tmp_path_factory.mktemp("sharing")
    stores = {name: RowStore(folder / name) for name in "ab"}
    sent = 0
    for name, numbers in steps:
        fill(stores[name], numbers)
        sent += push(stores[name], place(folder / "shared")).rows
    for store in stores.values():
        pull(store, place(folder / "shared"))
    wanted = {number: 2 * number for _, numbers in steps for number in numbers}
    assert rows(stores["a"]) == rows(stores["b"]) == wanted
    assert sent == len(wanted)
    assert pull(stores["a"], place(folder / "shared")).rows == 0


def test_many_rows_go_in_several_packs(tmp_path, monkeypatch):
    monkeypatch.setattr("jz3.store.sharing.PACK_BYTES", 1000)
    fill(RowStore(tmp_path / "a"), range(100))
    assert push(RowStore(tmp_path / "a"), place(tmp_path / "shared")).rows == 100
    assert len(list((tmp_path / "shared").glob("*/*.keys"))) > 3
    pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert len(rows(RowStore(tmp_path / "b"))) == 100


def test_a_push_that_was_killed_before_the_keys_is_read_by_nobody_and_sent_again(tmp_path):
    fill(RowStore(tmp_path / "a"), range(3))
    push(RowStore(tmp_path / "a"), place(tmp_path / "shared"))
    next((tmp_path / "shared").glob("*/*.keys")).unlink()
    assert pull(RowStore(tmp_path / "b"), place(tmp_path / "shared")).rows == 0
    assert push(RowStore(tmp_path / "a"), place(tmp_path / "shared")).rows == 3
    assert pull(RowStore(tmp_path / "b"), place(tmp_path / "shared")).rows == 3


def shared_by_one(tmp_path, numbers=range(3)):
    fill(RowStore(tmp_path / "a"), numbers)
    push(RowStore(tmp_path / "a"), place(tmp_path / "shared"))
    [pack] = (tmp_path / "shared").glob("*/*.journal")
    return pack


def test_a_flipped_byte_in_a_pack_costs_its_row_and_is_named(tmp_path):
    pack = shared_by_one(tmp_path)
    content = bytearray(pack.read_bytes())
    content[-3] ^= 1
    pack.write_bytes(content)
    with pytest.raises(DamagedPack, match=r"holds 2 of its 3 rows undamaged.*jz3 store push"):
        pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert rows(RowStore(tmp_path / "b")) == {0: 0, 1: 2}
    assert damages(RowStore(tmp_path / "b")) == []


def forged(request, result, *, key_of=None, raw=None):
    """A record that claims to be the row of another request, or whose payload is not one."""
    key = bytes.fromhex(request_key(OPERATION, key_of or request))
    return encode_rows([(key, raw or json_bytes(request), raw or json_bytes(result))], 0)[0], key


@pytest.mark.parametrize(
    ("record", "key"),
    [
        forged({"n": 5}, {"twice": 0}, key_of={"n": 7}),
        forged({"n": 7, "more": 1}, {"twice": 0}, key_of={"n": 7}),
        forged({}, {}, key_of={"n": 7}, raw=b"[7]"),
        forged({}, {}, key_of={"n": 7}, raw=b"\xff\xfe"),
        forged({}, {}, key_of={"n": 7}, raw=b"[" * 100_000),
    ],
    ids=["of another request", "of a request with more", "no object", "no text", "deep"],
)
def test_a_row_under_the_key_of_another_request_is_kept_out_and_the_others_are_taken(tmp_path, record, key):
    pack = shared_by_one(tmp_path)
    pack.write_bytes(pack.read_bytes() + record)
    keys = pack.with_suffix(".keys")
    keys.write_bytes(keys.read_bytes() + key)
    with pytest.raises(
        DamagedPack, match=rf"1 rows under keys that are not their requests', such as {key.hex()}"
    ):
        pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert rows(RowStore(tmp_path / "b")) == {0: 0, 1: 2, 2: 4}
    assert RowStore(tmp_path / "b").known(OPERATION, [key.hex()]) == {}
    fill(RowStore(tmp_path / "c"), [7])
    with pytest.raises(DamagedPack):
        pull(RowStore(tmp_path / "c"), place(tmp_path / "shared"))
    assert rows(RowStore(tmp_path / "c"))[7] == 14, "what was here stays"


def test_reservations_of_money_lie_under_their_attempt_and_are_shared(tmp_path):
    attempt = {"attempt": "a" * 32}
    with RowStore(tmp_path / "a").writer(SENT) as writer:
        writer.append(request_key(SENT, attempt), attempt | {"chat": "b" * 32}, {"usd": 1.0})
        writer.flush()
    assert push(RowStore(tmp_path / "a"), place(tmp_path / "shared")).rows == 1
    assert pull(RowStore(tmp_path / "b"), place(tmp_path / "shared")).rows == 1


NAMES = [
    "X/../n.keys",
    "../n.keys",
    "/n.keys",
    "double@1/../../n.keys",
    "double@1/n.keys",
    "double@1/deeper/" + "0" * 32 + ".keys",
    "Double@1/" + "0" * 32 + ".keys",
    "double@1/" + "A" * 32 + ".keys",
    "double@1\\" + "0" * 32 + ".keys",
    "double@1/" + "0" * 31 + "\0.keys",
    "double@1/" + "0" * 31 + "\n.keys",
    "double@1/..\\..\\n.keys",
    "C:/n.keys",
    "con/nul.keys",
    "double@1/con.keys",
    "double@01/" + "0" * 32 + ".keys",
    "double@1/\x1b[2J" + "0" * 32 + ".keys",
    "./" + "0" * 32 + ".keys",
    "double@1/.keys",
    ".keys",
]


class Bucket:
    """A file system whose names can be any strings, as in S3."""

    def __init__(self, contents):
        self.contents = contents

    def _strip_protocol(self, path):
        return path

    def find(self, path, **_):
        return [name for name in self.contents if name.startswith(path)]

    def cat(self, names):
        return {name: self.contents[name] for name in names}

    def get_file(self, name, target):
        Path(target).write_bytes(self.contents[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_shared_place_leads_nowhere_but_into_the_store(tmp_path, name):
    pack = shared_by_one(tmp_path)
    keys = pack.with_suffix(".keys").read_bytes()
    good = f"bucket/rows/double@1/{pack.stem}"
    bad = f"bucket/rows/{name}"
    contents = {good + ".keys": keys, good + ".journal": pack.read_bytes(), bad: keys}
    contents[bad.removesuffix(".keys") + ".journal"] = pack.read_bytes()
    (tmp_path / "in").mkdir()
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DamagedPack, match="is not the name of a pack") as caught:
        pull(RowStore(tmp_path / "in/b"), SharedPlace(Bucket(contents), "bucket/rows"))
    assert str(caught.value).isprintable()
    assert rows(RowStore(tmp_path / "in/b")) == {0: 0, 1: 2, 2: 4}
    new = set(tmp_path.rglob("*")) - before
    assert {path.relative_to(tmp_path / "in/b/double@1").suffix for path in new if path.is_file()} == {
        ".segment"
    }


@pytest.mark.parametrize("keys", [b"", b"1" * 15, b"1" * 17], ids=["empty", "short", "long"])
def test_a_damaged_list_of_keys_is_named_and_the_other_packs_are_taken(tmp_path, keys):
    pack = shared_by_one(tmp_path)
    fill(RowStore(tmp_path / "a"), range(3, 6))
    push(RowStore(tmp_path / "a"), place(tmp_path / "shared"))
    pack.with_suffix(".keys").write_bytes(keys)
    with pytest.raises(DamagedPack, match="no list of keys"):
        pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert rows(RowStore(tmp_path / "b")) == {3: 6, 4: 8, 5: 10}


def test_a_row_that_is_damaged_in_one_pack_is_taken_from_another(tmp_path):
    pack = shared_by_one(tmp_path)
    (tmp_path / "other").mkdir()
    fill(RowStore(tmp_path / "other"), range(2, 5))
    push(RowStore(tmp_path / "other"), place(tmp_path / "second"))
    for path in (tmp_path / "second").glob("*/*"):
        path.rename(pack.with_name(path.name))
    for path in pack.parent.glob("*.journal"):
        content = bytearray(path.read_bytes())
        content[3 if path == pack else -3] ^= 1
        path.write_bytes(content)
    with pytest.raises(DamagedPack):
        pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert rows(RowStore(tmp_path / "b")) == {1: 2, 2: 4, 3: 6}


def test_damage_in_the_store_is_named_with_file_and_byte(tmp_path):
    store = RowStore(tmp_path / "a")
    fill(store, range(3))
    assert damages(store) == []
    journal = next((tmp_path / "a").glob("*/*.journal"))
    content = bytearray(journal.read_bytes())
    content[-3] ^= 1
    journal.write_bytes(content)
    [line] = damages(RowStore(tmp_path / "a"))
    assert str(journal) in line
    assert "damaged at byte" in line
