"""Work done ahead by threads keeps the order of its stream, takes no more than it may, and fails at
its item.
"""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.thread_map import thread_map


@given(st.lists(st.integers(), max_size=12), st.integers(1, 4))
def test_results_come_in_the_order_of_the_stream(items, threads):
    assert list(thread_map(lambda item: item * 2, items, threads)) == [item * 2 for item in items]


def test_no_more_items_are_taken_than_threads_and_one():
    taken = []
    stream = thread_map(str, (taken.append(item) or item for item in range(100)), threads=2)
    assert next(stream) == "0"
    assert taken == [0, 1, 2]


def test_calls_run_beside_one_another():
    both = threading.Barrier(2, timeout=30)
    assert list(thread_map(lambda _: both.wait() < 2, range(2), threads=2)) == [True, True]


def test_an_error_is_raised_in_its_place():
    stream = thread_map(lambda item: 1 // item, [1, 1, 0, 1], threads=2)
    assert [next(stream), next(stream)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(stream)
