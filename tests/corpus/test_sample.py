"""A draw is stable: more texts or a larger draw move nothing that was drawn, and no text is drawn twice."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from jz3.corpus.sample import SampleParams, sample


def passages(source, count):
    return pl.DataFrame({"passage_id": [f"{source}-{i}" for i in range(count)], "source": source})


def params(initial=5, candidates=5, corpus=None):
    quota = {"initial": initial, "candidates": candidates, "corpus": corpus}
    return SampleParams.model_validate({"seed": 1, "quotas": {"a": quota, "b": quota}})


def drawn(count, **quota):
    return sample({"a": passages("a", count), "b": passages("b", count)}, params(**quota))


@given(st.integers(0, 40), st.integers(0, 20))
def test_candidates_hold_no_initial_passage(count, size):
    draw = drawn(count, initial=size, candidates=size)
    assert set(draw.initial["passage_id"]).isdisjoint(draw.candidates["passage_id"])
    assert draw.initial.height == 2 * min(size, count)


@given(st.integers(1, 30), st.integers(0, 30))
def test_a_larger_draw_keeps_the_smaller_one(count, more):
    small = set(drawn(60, initial=count).initial["passage_id"])
    assert small <= set(drawn(60, initial=count + more).initial["passage_id"])


def test_new_texts_push_out_only_as_many_as_come_in():
    before, after = (
        set(drawn(50, initial=20).initial["passage_id"]),
        set(drawn(60, initial=20).initial["passage_id"]),
    )
    assert 20 <= len(before & after) < 40


def test_the_order_of_the_texts_does_not_matter():
    tables = {"a": passages("a", 30), "b": passages("b", 30)}
    turned = {name: table.reverse() for name, table in tables.items()}
    assert set(sample(tables, params()).initial["passage_id"]) == set(
        sample(turned, params()).initial["passage_id"]
    )


def test_what_a_source_lacks_is_said():
    draw = drawn(3, initial=5, candidates=1)
    assert draw.metrics.missing == {
        "candidates/a": 1,
        "candidates/b": 1,
        "initial/a": 2,
        "initial/b": 2,
    }
    assert draw.corpus.height == 6
