import json
from fractions import Fraction
from pathlib import Path

import pytest

from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.tables.item import Item
from jz3.tables.reject import Reject
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.raw import DataError
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.splits import part_of
from stages.benchmarks import main

HELD_OUT = {"name": "held_out", "reader": "writer", "per_family": 3, "seed": 1, "apart_from": []}
SUMS = {"name": "sums", "reader": "reasoning_gym", "dataset": "chain_sum", "size": 5, "seed": 1, "config": {}}
GSM8K = {
    "name": "gsm8k",
    "reader": "file",
    "pattern": "gsm8k/*.jsonl",
    "format": "gsm8k",
    "items": 2,
    "digest": None,
}


def params(*sources):
    return BenchmarksParams.model_validate({"sources": list(sources)})


@pytest.fixture
def raw(tmp_path: Path):
    file = tmp_path / "raw/gsm8k/test.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"question": "Q1?", "answer": "#### 1"}\n{"question": "Q2?", "answer": "#### 2"}\n')
    return InFiles(tmp_path / "raw")


def test_held_out_items_cover_every_family_with_draws_of_the_benchmarks_own(raw):
    items, metrics, _ = collect_items(raw, params(HELD_OUT))
    assert items["subject"].value_counts()["count"].to_list() == [3] * len(FAMILIES)
    assert metrics.items == {"held_out": 3 * len(FAMILIES)}
    for item in items.iter_rows(named=True):
        reading = read(item["question"])
        assert reading is not None
        assert (reading.family.name, reading.family.level) == (item["subject"], item["level"])
        assert part_of(reading.family, reading.values) == "benchmark"
        if isinstance(reading.answer, int):
            assert Fraction(item["gold"]) == reading.answer


def test_more_items_of_a_family_keep_the_ids_of_those_there_were(raw):
    few = collect_items(raw, params(HELD_OUT))[0]
    many = collect_items(raw, params(HELD_OUT | {"per_family": 5}))[0]
    assert many.join(few, on=few.columns, how="semi", nulls_equal=True).height == few.height


def test_benchmarks_apart_share_no_numbers_of_a_family(raw):
    test = HELD_OUT | {"name": "test", "per_family": 5, "apart_from": ["held_out"]}
    items = collect_items(raw, params(HELD_OUT | {"per_family": 5}, test))[0]
    numbers = {"held_out": set(), "test": set()}
    for item in items.iter_rows(named=True):
        reading = read(item["question"])
        numbers[item["benchmark"]].add((item["subject"], *whole_numbers(reading.values)))
    assert len(numbers["test"]) > 4 * len(FAMILIES)
    assert not numbers["held_out"] & numbers["test"]


def whole_numbers(values):
    return sorted((name, value) for name, value in values.drawn.items() if isinstance(value, int))


def test_a_benchmark_can_only_be_apart_from_one_before_it(raw):
    later = HELD_OUT | {"name": "test", "apart_from": ["held_out"]}
    with pytest.raises(DataError, match="'test' is to be apart from held_out"):
        collect_items(raw, params(later, HELD_OUT))


def test_the_stage_leaves_the_items_of_all_benchmarks_in_key_order(raw, tmp_path):
    main(
        params(SUMS, GSM8K, HELD_OUT),
        raw,
        Out(Item, tmp_path / "items.parquet"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Metrics(tmp_path / "m.json"),
    )
    items = In(Item, tmp_path / "items.parquet").read()
    assert items["item_id"].is_sorted()
    assert items.filter(benchmark="gsm8k")["gold"].to_list() == ["1", "2"]
    assert items.filter(benchmark="sums")["revision"].unique().to_list() == ["reasoning-gym 0.1.25"]
    numbers = json.loads((tmp_path / "m.json").read_text())
    assert numbers["items"]["sums"] == 5
    assert numbers["rows"]["kept"] == items.height
    rejects = In(Reject, tmp_path / "rejects.parquet").read()
    assert sum(numbers["rows"]["rejected"].values()) == rejects.height


def test_a_file_with_other_content_is_named(raw):
    with pytest.raises(DataError, match="'gsm8k' has 2 items; 1319 were expected"):
        collect_items(raw, params(GSM8K | {"items": 1319}))
    with pytest.raises(DataError, match=r"has the digest .*; 0a1b was expected for benchmark 'gsm8k'"):
        collect_items(raw, params(GSM8K | {"digest": "0a1b"}))
    with pytest.raises(DataError, match=r"gsm8k/\*.jsonl row 1 is not of the format 'svamp'"):
        collect_items(raw, params(GSM8K | {"format": "svamp"}))
    with pytest.raises(DataError, match=r"no file fits .*math"):
        collect_items(raw, params(GSM8K | {"pattern": "math/*.jsonl"}))
    with pytest.raises(DataError, match="gsm8k are listed twice"):
        collect_items(raw, params(GSM8K, GSM8K))


@pytest.mark.parametrize("content", ['{"question": "Q', "[1, 2]", "\x00"])
def test_a_damaged_file_is_named_with_its_line(raw, content):
    (raw.path / "gsm8k/test.jsonl").write_text('{"question": "Q1?", "answer": "#### 1"}\n' + content)
    with pytest.raises(DataError, match=r"test.jsonl line 2 cannot be read as a row"):
        collect_items(raw, params(GSM8K))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"question": "Q", "answer": ' + b"9" * 10_000 + b"}", "4300 digits"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"question": "caf\xe9"}', "Latin-1"),
    ],
    ids=["a number without end", "depth", "Latin-1"],
)
def test_an_odd_row_of_a_benchmark_is_named_with_its_line(raw, row, reason):
    file = raw.path / "gsm8k/test.jsonl"
    file.write_bytes(file.read_bytes() + row)
    with pytest.raises(DataError, match=rf"gsm8k/test.jsonl line 3 cannot be read as a row \(.*{reason}"):
        collect_items(raw, params(GSM8K))
