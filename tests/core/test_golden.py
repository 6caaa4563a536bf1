"""No stage depends on the handles of tables, so they may never change a result.

These bytes are fixed.

If one of them must change, every artifact and every paid row changes with it: say so in the changelog, and
run everything with `dvc repro -f`.
"""

import hashlib
import json

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import Out
from jz3.core.hashing import canonical_json, content_id, draw_order, draw_orders, files_digest


class Number(dy.Schema):
    name = dy.String(primary_key=True)
    value = dy.Float64(nullable=True)


def test_names_by_content_are_fixed():
    assert content_id("web", "é", "0") == "72a608810e3313874c67a5f0518e1766"
    assert draw_order(17, "a passage") == 45980791233528981
    assert draw_orders(17, ["a passage", "é"]).tolist() == [45980791233528981, draw_order(17, "é")]
    assert canonical_json({"b": [1, 2.5, None], "a": "é"}) == '{"a":"é","b":[1,2.5,null]}'


TEXTS = st.text(st.characters())  # lone surrogates among them
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(st.dictionaries(TEXTS, JSON, max_size=5))
def test_canonical_json_is_that_of_the_standard_library(value):
    """It made the keys; the faster encoder that writes most values must not change any of them."""
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    assert canonical_json(value) == plain


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1e-4, 9.99e-5, 1e15, 1e16, 2**53, 2**63 - 1, 2**63, -(2**63) - 1]
)
def test_canonical_json_of_numbers_at_the_bounds_of_the_fast_encoder(value):
    assert canonical_json({"n": value}) == f'{{"n":{value!r}}}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_holds_no_number_that_is_none(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"n": value})


def test_the_digest_of_files_is_fixed(tmp_path):
    (tmp_path / "b").write_text("two")
    (tmp_path / "a").write_text("one")
    assert files_digest([tmp_path / "b", tmp_path / "a"], tmp_path) == "37ac8d45d62523cb89295be7d2afe551"


def test_the_bytes_of_a_table_are_fixed(tmp_path):
    table = pl.DataFrame({"name": ["b", "a"], "value": [None, 0.5]})
    Out(Number, tmp_path / "numbers.parquet").write(table)
    assert (
        hashlib.sha256((tmp_path / "numbers.parquet").read_bytes()).hexdigest()
        == "6087741a68b5221ec66fa930381e8949c05ef95e66003b46d6c3a3a2dfd0ea26"
    )
