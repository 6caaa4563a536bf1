"""A benchmark's check is stored by frames of rows: only a new one is computed, and the store changes
no byte.
"""

import logging
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import OutDir
from jz3.curation.benchmark_hits import HITS, BenchmarkHits
from jz3.curation.decontaminate import decontaminate
from jz3.curation.overlap import ItemIndex
from jz3.store.row_store import open_store
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.item import Item
from tests.curation.rows import items, problem, problems
from tests.curation.test_decontaminate import ITEMS, QUESTION, ROWS, params

OTHERS = items("Find the area of a circle of radius 2.", "How many sheep are there?")


@pytest.fixture
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def benchmark(name, table):
    """The same items under another benchmark's name."""
    named = table.with_columns(benchmark=pl.lit(name), item_id=pl.col("item_id").str.replace("exam", name))
    return Item.validate(named)


def together(*tables):
    return Item.validate(pl.concat(tables).sort("item_id"))


def certified(table, directory, rows=ROWS, **changes):
    """Every byte of a certificate, and the verdicts."""
    found = decontaminate([rows.head(2), rows.slice(2)], table, params(**changes), threads=1)
    found.certify("x", OutDir(CertificateManifest, directory))
    return [(directory / name).read_bytes() for name in ("manifest.json", "hits.parquet")], found.verdicts


def stored():
    return len(list(open_store().rows(HITS)))


def test_a_new_benchmark_is_sought_alone_and_the_bytes_are_those_of_a_store_that_was_empty(
    tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    first, third = together(benchmark("a", ITEMS), benchmark("c", OTHERS)), benchmark("b", OTHERS)
    for name, before in (("warm", [first]), ("cold", [])):
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / name / "store"))
        for table in before:
            certified(table, tmp_path / name / "before")
            assert stored() == 4, "two frames against two benchmarks"
        caplog.clear()
        certified(together(first, third), tmp_path / name / "all")
        assert stored() == 6
        assert f"{4 if before else 0} of 6 checks were in the store" in caplog.text
    for name in ("manifest.json", "hits.parquet"):
        assert (tmp_path / "warm/all" / name).read_bytes() == (tmp_path / "cold/all" / name).read_bytes()


def test_what_changes_an_answer_asks_for_it_anew(own_store, tmp_path):
    certified(ITEMS, tmp_path / "first")
    assert stored() == 2
    certified(ITEMS, tmp_path / "again")
    assert stored() == 2
    certified(ITEMS, tmp_path / "method", ngram=12)
    assert stored() == 4
    certified(Item.validate(ITEMS.head(2)), tmp_path / "items")
    assert stored() == 6
    certified(ITEMS, tmp_path / "row", rows=problems(*ROWS.head(3).to_dicts(), problem("4", "Another one?")))
    assert stored() == 7, "the second frame alone"


WORDS = st.lists(st.sampled_from(["one", "Two", "3", "four.", "x"]), min_size=1, max_size=12).map(" ".join)
SEVERAL = st.lists(WORDS, min_size=1, max_size=4)


@given(st.lists(SEVERAL, min_size=1, max_size=3), SEVERAL, st.integers(0, 2))
@settings(max_examples=40)
def test_hits_are_those_of_one_search_for_all_items_whatever_is_in_the_store(sets, rows, known):
    named = [benchmark(name, items(*questions)) for name, questions in zip("cab", sets, strict=False)]
    table, frame = together(*named), problems(*(problem(str(n), text) for n, text in enumerate(rows)))
    plain = ItemIndex(table["question"], params(ngram=4)).hits(frame["problem"])
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(Path(directory)))
        for some in named[:known]:
            list(BenchmarkHits(some, params(ngram=4)).of([frame], 1))
        ((_, found),) = BenchmarkHits(table, params(ngram=4)).of([frame], 1)
    assert [((row, item), hit_class) for row, item, hit_class in found] == list(plain.items())


def test_the_stored_form_is_that_of_the_operations_version(own_store):
    """Golden: if this fails, HITS needs a new version."""
    list(BenchmarkHits(ITEMS, params()).of([ROWS], 1))
    (row,) = open_store().rows(HITS)
    assert row.result == {
        "hits": [[0, 0, "ngram"], [1, 0, "number_masked"], [3, 1, "whole"]],
    }
    assert row.key == "eaa00d032df450e25e027ccf5adcb5cc"
    assert QUESTION not in str(row.request)
