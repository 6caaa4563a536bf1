"""Whatever happens to bytes of the store: no result is wrong, every intact row is read, each damage
is named.
"""

import random
import shutil

import pytest

from jz3.store import writer as writer_module
from jz3.store.records import HEADER, MAGIC
from jz3.store.row_store import Operation, RowStore, request_key

FIRST, SECOND = Operation("first", 1), Operation("second", 2)
ROWS = 12


def rows_of(operation, seed):
    """Requests and results of many lengths, by key."""
    draw = random.Random(seed)
    rows = {}
    for number in range(ROWS):
        request = {"text": f"{operation.name} {seed} {number} " + draw.choice("xyz") * draw.randrange(60)}
        result = {"number": number, "text": "ªjz3é\x01" * draw.randrange(12)}
        rows[request_key(operation, request)] = (request, result)
    return rows


def write(root, operation, rows, flush_rows):
    with RowStore(root).writer(operation) as writer:
        for place, (key, (request, result)) in enumerate(rows.items(), start=1):
            writer.append(key, request, result)
            if place % flush_rows == 0:
                writer.flush()
        writer.commit()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with a closed journal, a journal of a killed writer and segments, of two operations; and its
    rows.
    """
    root, truth = tmp_path_factory.mktemp("made"), {}
    for operation in (FIRST, SECOND):
        for seed, flush_rows in ((1, 7), (2, 1), (3, 10)):
            rows = rows_of(operation, seed)
            if seed == 3:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(writer_module, "SEGMENT_BYTES", 1)
                    write(root, operation, rows, flush_rows)
            else:
                write(root, operation, rows, flush_rows)
            truth |= {(operation, key): result for key, (_, result) in rows.items()}
        shortest = min((root / f"{operation.name}@{operation.version}").glob("*.journal"))
        shortest.rename(shortest.with_name("0" * 32 + ".journal"))  # as a killed writer leaves it
    return root, truth


def chunk(data, draw, longest=400):
    first = draw.randrange(len(data))
    return first, min(len(data), first + 1 + draw.randrange(longest))


def flip(data, draw):
    for _ in range(draw.choice((1, 1, 1, 3))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def flip_a_header(data, draw):
    starts = [at for at in range(len(data) - HEADER.size) if data[at : at + 4] == MAGIC] or [0]
    place = draw.choice((draw.choice(starts), starts[-1])) + draw.randrange(HEADER.size)
    data[min(place, len(data) - 1)] ^= 1 << draw.randrange(8)


def cut(data, draw):
    del data[draw.randrange(len(data)) :]


def zero(data, draw):
    first, after = chunk(data, draw)
    data[first:after] = bytes(after - first)


def remove(data, draw):
    first, after = chunk(data, draw)
    del data[first:after]


def duplicate(data, draw):
    first, after = chunk(data, draw)
    place = draw.randrange(len(data))
    data[place:place] = data[first:after]


def reorder(data, draw):
    first, after = chunk(data, draw)
    moved = data[first:after]
    del data[first:after]
    place = draw.randrange(len(data) + 1)
    data[place:place] = moved


def append_garbage(data, draw):
    data += draw.randbytes(1 + draw.randrange(200))


def append_a_part_of_it(data, draw):
    first, after = chunk(data, draw)
    data += data[first:after]


def empty(data, draw):
    data.clear()


DAMAGES = [
    flip, flip_a_header, cut, zero, remove, duplicate, reorder, append_garbage, append_a_part_of_it, empty
]  # fmt: skip


def records_in(data):
    """The bytes of each record of an intact file."""
    at, records = 0, []
    while data[at : at + 4] == MAGIC:
        _, key, _, request, result, _, _ = HEADER.unpack_from(data, at)
        records.append((key.hex(), bytes(data[at : (at := at + HEADER.size + request + result)])))
    return records


def known(store, truth):
    """The rows that the store returns; asserts that none of them is wrong."""
    found = {
        (operation, key): result
        for operation in (FIRST, SECOND)
        for key, result in store.known(operation, [key for known, key in truth if known == operation]).items()
    }
    assert found == {row: truth[row] for row in found}
    return found.keys()


def check(root, truth, expected, store=None):
    """Assert that nothing wrong is read, and that what is expected is."""
    store = store or RowStore(root)
    for operation in (FIRST, SECOND):
        asked = [key for known, key in truth if known == operation]
        found = store.known(operation, asked)
        assert all(result == truth[operation, key] for key, result in found.items())
        lacking = {key for known, key in expected if known == operation} - found.keys()
        assert not lacking
        assert dict(store.sweep(operation, asked)) == {asked.index(key): found[key] for key in found}
        assert {row.key: row.result for row in store.rows(operation)} == found
        assert {row.key: row.result for row in RowStore(root).follow(operation).new()} == found


def readable(root, truth):
    """The rows whose records are intact in some file of their operation, by their bytes."""
    return {
        (operation, key)
        for operation in (FIRST, SECOND)
        for file in (root / f"{operation.name}@{operation.version}").iterdir()
        if (content := file.read_bytes()) or True
        for known, key in truth
        if known == operation and RECORDS[operation, key] in content
    }


RECORDS = {}


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 1030), marks=pytest.mark.long)], ids=["few", "a thousand"]
)
def test_damaged_bytes_cost_the_rows_that_they_are_of_and_no_other(made, tmp_path, seeds):
    whole, truth = made
    files = sorted(path for path in whole.glob("*/*") if path.suffix in (".journal", ".segment"))
    for file in files:
        operation = FIRST if file.parent.name == "first@1" else SECOND
        RECORDS.update({(operation, key): record for key, record in records_in(file.read_bytes())})
    assert set(RECORDS) == set(truth)
    for seed in seeds:
        draw = random.Random(seed)
        root = tmp_path / str(seed)
        shutil.copytree(whole, root)
        opened = RowStore(root)
        known(opened, truth)
        damaged = {}
        for place in draw.sample(files, draw.choice((1, 1, 2))):
            file = root / place.relative_to(whole)
            before = file.read_bytes()
            data = bytearray(before)
            draw.choice(DAMAGES)(data, draw)
            if data and not len(damaged) and draw.random() < 0.3:
                draw.choice(DAMAGES)(data, draw)
            file.write_bytes(data)
            damaged[file] = (before, bytes(data))
        expected = readable(root, truth)
        check(root, truth, expected)
        check(root, truth, expected, opened)
        said = [str(damage) for damage in RowStore(root).damages()]
        for file, (before, data) in damaged.items():
            named = any(str(file) in line for line in said)
            assert named or data == before or is_cut_between_flushes(file, before, data), seed
        RowStore(root).mend()
        assert expected <= known(RowStore(root), truth)
        assert RowStore(root).damages() == []
        shutil.rmtree(root)


def is_cut_between_flushes(file, before, data):
    """Nothing shows that a killed writer's journal had more flushes."""
    return file.stem == "0" * 32 and before.startswith(data)
