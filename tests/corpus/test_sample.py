"""A draw is stable: neither more texts nor a larger draw changes what was drawn, and no text is drawn
twice.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.core.hashing import content_id
from jz3.core.params import ParamsError
from jz3.corpus.sample import SampleParams, draw, passage_frames, passage_ids, passages_of
from jz3.tables.passage import Passage

ROUNDS = ("initial", "candidates", "corpus")


def passages(source, count):
    rows = [
        {
            "passage_id": content_id(source, str(number)),
            "source": source,
            "document_id": f"{source}:{number}",
            "origin": source,
            "licence": "MIT",
            "offset": 0,
            "text": f"Text {number} of {source}.",
        }
        for number in range(count)
    ]
    return pl.DataFrame(rows, schema=Passage.create_empty().schema).sort("passage_id")


def sources(count):
    return {"a": passages("a", count), "b": passages("b", count)}


def params(initial=5, candidates=5, corpus=None, allow_missing=1):
    quota = {"initial": initial, "candidates": candidates, "corpus": corpus}
    document = {"seed": 1, "allow_missing": allow_missing, "quotas": {"a": quota, "b": quota}}
    return SampleParams.model_validate(document)


def sampled(tables, frame_rows=7, **quota):
    """The passages of each round, and the metrics."""
    drawn = draw({name: table["passage_id"] for name, table in tables.items()}, params(**quota))

    def in_frames():
        return {name: table.iter_slices(frame_rows) for name, table in tables.items()}

    rounds = {
        name: pl.concat([Passage.create_empty(), *passages_of(name, in_frames(), drawn)]) for name in ROUNDS
    }
    return rounds, drawn.metrics


def ids(count, name, **quota):
    return set(sampled(sources(count), **quota)[0][name]["passage_id"])


few = settings(max_examples=30)  # each draws from tables of its own


@few
@given(st.integers(0, 40), st.integers(0, 20))
def test_candidates_hold_no_initial_passage(count, size):
    tables, _ = sampled(sources(count), initial=size, candidates=size)
    assert set(tables["initial"]["passage_id"]).isdisjoint(tables["candidates"]["passage_id"])
    assert tables["initial"].height == 2 * min(size, count)
    assert tables["candidates"].height == 2 * min(size, count - min(size, count))


@few
@given(st.integers(1, 30), st.integers(0, 30))
def test_a_larger_draw_keeps_the_smaller_one(count, more):
    assert ids(60, "initial", initial=count) <= ids(60, "initial", initial=count + more)


def test_new_texts_push_out_only_as_many_as_come_in():
    before, after = (ids(count, "initial", initial=20) for count in (50, 60))
    assert 20 <= len(before & after) < 40


@few
@given(st.integers(1, 31), st.booleans())
def test_neither_the_order_of_the_sources_nor_the_size_of_frames_matters(frame_rows, turned):
    tables = sources(30)
    turned_tables = dict(reversed(tables.items())) if turned else tables
    one, other = sampled(tables)[0], sampled(turned_tables, frame_rows)[0]
    for name in ROUNDS:
        assert one[name].equals(other[name])
        assert one[name]["passage_id"].is_sorted()


def test_all_passages_leave_as_they_came():
    tables, _ = sampled(sources(30))
    assert tables["corpus"].equals(pl.concat(sources(30).values()).sort("passage_id"))


def test_what_a_source_lacks_is_said():
    tables, metrics = sampled(sources(3), initial=5, candidates=1)
    assert metrics.missing == {
        "candidates/a": 1,
        "candidates/b": 1,
        "initial/a": 2,
        "initial/b": 2,
    }
    assert metrics.passages == {"a": 3, "b": 3}
    assert tables["corpus"].height == 6


def test_a_quota_that_is_just_met_is_no_lack():
    _, metrics = sampled(sources(6), initial=5, candidates=1, corpus=6)
    assert metrics.missing == {}


def test_ids_and_texts_come_in_the_order_of_the_tables(tmp_path):
    for name, count in (("none", 0), ("some", 9)):
        Out(Passage, tmp_path / name).write(passages("a", count))
    tables = {name: In(Passage, tmp_path / name) for name in ("none", "some")}
    found = passage_ids(tables)
    for name, frames in passage_frames(tables).items():
        whole = tables[name].read()
        assert found[name].to_list() == whole["passage_id"].to_list()
        assert pl.concat([Passage.create_empty(), *frames]).equals(whole)


@given(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0, 0.1, 0.5, 0.99]))
def test_a_quota_that_is_missed_by_more_than_its_share_ends_the_stage(count, asked, share):
    quota = params(initial=asked, candidates=0, corpus=0, allow_missing=share)
    there = {"a": pl.Series([f"a{n}" for n in range(30)]), "b": pl.Series([f"b{n}" for n in range(count)])}
    if asked - count > share * asked:
        with pytest.raises(
            ParamsError, match=f"^source b has {count} passages for initial; {asked} were wanted"
        ):
            draw(there, quota)
    else:
        assert draw(there, quota).metrics.initial["b"] == min(asked, count)


def test_a_source_without_any_passage_ends_the_stage_where_all_are_wanted():
    there = {"a": pl.Series(["a1"]), "b": pl.Series([], dtype=pl.String)}
    with pytest.raises(ParamsError, match="source b has 0 passages for corpus; some were wanted"):
        draw(there, params(initial=0, candidates=0, allow_missing=0.9))
    assert draw(there, params(initial=0, candidates=0)).metrics.corpus == {"a": 1, "b": 0}


def test_a_source_of_the_graph_that_has_no_quota_is_named():
    there = {name: pl.Series([f"{name}1"]) for name in ("a", "b", "web")}
    with pytest.raises(ParamsError, match=r"^sample\.quotas has no source 'web'; .* Add it, with 0 for none"):
        draw(there, params())
