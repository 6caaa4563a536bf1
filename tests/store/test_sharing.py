"""Rows to and from a shared place: each row once, every one checked, whatever files they lie in."""

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.store.rows import Operation, RowStore, request_key
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


def test_a_flipped_byte_in_a_pack_is_found_before_it_is_used(tmp_path):
    fill(RowStore(tmp_path / "a"), range(3))
    push(RowStore(tmp_path / "a"), place(tmp_path / "shared"))
    pack = next((tmp_path / "shared").glob("*/*.journal"))
    content = bytearray(pack.read_bytes())
    content[-3] ^= 1
    pack.write_bytes(content)
    with pytest.raises(DamagedPack, match=r"holds 2 of its 3 rows undamaged.*jz3 store push"):
        pull(RowStore(tmp_path / "b"), place(tmp_path / "shared"))
    assert list((tmp_path / "b").glob("*/*")) == []


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
