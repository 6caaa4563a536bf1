"""The diverse order: repeats come last, a larger count keeps a smaller one, its first part is more diverse.

If they fail, a selection by `g_vendi` repeats itself.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.influence.diversify import METHOD, DiversifyParams, diverse_order, diversify
from jz3.tables.value import Value
from tests.influence.test_vendi import SIZE, random_rows, written

PARAMS = DiversifyParams(count=5, seed=0)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(count=st.integers(1, 30), first=st.integers(1, 30), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_every_row_has_one_place_and_a_larger_count_keeps_a_smaller_one(count, first, seed):
    rows = unit(random_rows(count, seed))
    order = diverse_order(rows, first)
    assert sorted(order) == list(range(count))
    assert diverse_order(rows, count)[: min(first, count)] == order[:first]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_next_is_the_one_that_leaves_the_score_of_order_two_highest(seed):
    rows = unit(random_rows(8, seed)).astype(np.float64)
    order = diverse_order(rows, 8)

    def score(chosen):
        shares = np.linalg.eigvalsh(rows[chosen] @ rows[chosen].T / len(chosen))
        return 1 / (shares**2).sum()

    for place in range(1, 8):
        best = max(score([*order[:place], row]) for row in set(range(8)) - set(order[:place]))
        assert score(order[: place + 1]) == pytest.approx(best, rel=1e-9)


def test_repeats_come_after_all_that_is_new_and_the_first_are_more_diverse_than_as_many_drawn(tmp_path):
    centres = np.eye(SIZE, dtype=np.float32)[:5]
    rows = {f"p{i:02}": centres[i // 8] + 0.01 * row for i, row in enumerate(random_rows(40, 2))}
    found = diversify(written(tmp_path / "sketches", {"epoch-1": rows, "epoch-2": rows}), PARAMS)
    values = Value.validate(found.values)
    assert set(values["method"]) == {METHOD}
    first = values.sort("value", descending=True).head(5)
    assert {int(key[1:]) // 8 for key in first["problem_id"]} == set(range(5))
    assert first["value"].to_list() == pytest.approx([1 - place / 40 for place in range(5)])
    assert found.metrics.vendi == pytest.approx(5, abs=0.01)
    assert found.metrics.vendi_drawn < 4.5


def test_a_problem_without_direction_is_rejected_and_no_sketch_leaves_an_empty_table(tmp_path):
    rows = dict(zip("abc", random_rows(3, 0), strict=True)) | {"z": np.zeros(SIZE, np.float32)}
    found = diversify(written(tmp_path / "sketches", {"epoch-1": rows}), PARAMS)
    assert found.values["problem_id"].to_list() == ["a", "b", "c"]
    assert found.metrics.rows.rejected == {"diversify.no_direction": 1}
    nothing = diversify(written(tmp_path / "none", {}), PARAMS)
    assert Value.validate(nothing.values).height == nothing.metrics.rows.read == 0
    assert nothing.metrics.vendi == nothing.metrics.vendi_drawn == 0
