"""Filling computes what is missing, once, in batches that do not depend on how often it was interrupted."""

from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.store.row_store import Operation
from jz3.workers.crew import open_crew
from jz3.workers.fill import fill
from tests.workers.work import IN_PROCESS

SQUARE = Operation("square", 1)


@pytest.fixture(autouse=True)
def _store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))


class Worker:
    """Squares numbers, notes its batches, and stops before batch number `dies_at`."""

    def __init__(self, dies_at=None):
        self.batches, self.dies_at = [], dies_at

    def __call__(self, batch):
        if len(self.batches) == self.dies_at:
            raise KeyboardInterrupt
        self.batches.append([row["n"] for row in batch])
        return [{"square": row["n"] ** 2, "batch": (len(batch),)} for row in batch]

    @property
    def computed(self):
        return [n for batch in self.batches for n in batch]


def run(numbers, worker, *, batch_rows=3):
    return fill_squares([{"n": n} for n in numbers], worker, lambda row: -row["n"], batch_rows)


def fill_squares(requests, worker, order, batch_rows):
    with open_crew(IN_PROCESS) as crew:
        return fill(SQUARE, requests, worker, order=order, batch_rows=batch_rows, what="squares", crew=crew)


@given(st.lists(st.integers(-50, 50)), st.integers(1, 7))
@settings(max_examples=25, deadline=None)
def test_each_request_gets_its_result_and_equal_ones_are_computed_once(numbers, batch_rows):
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as directory:
        patch.setenv("JZ3_STORE", directory)
        worker, again = Worker(), Worker()
        results = run(numbers, worker, batch_rows=batch_rows)
        assert [row["square"] for row in results] == [n**2 for n in numbers]
        assert worker.computed == sorted(set(numbers), reverse=True)
        assert run(numbers, again, batch_rows=batch_rows) == results
        assert again.batches == []


def test_a_stopped_run_goes_on_with_the_same_batches():
    first, second = Worker(dies_at=2), Worker()
    with pytest.raises(KeyboardInterrupt) as interrupted:
        run(range(11), first)
    assert interrupted.value.__notes__ == ["squares has 6 of 11 rows in the row store and goes on there"]
    run(range(11), second)
    assert len(first.batches) == 2
    assert first.batches + second.batches == [[10, 9, 8], [7, 6, 5], [4, 3, 2], [1, 0]]


def test_a_larger_set_computes_only_the_new_rows():
    run(range(6), Worker())
    worker = Worker()
    run(range(9), worker)
    assert worker.computed == [8, 7, 6]


def test_results_are_the_same_fresh_and_from_the_store():
    fresh = run([5], Worker())
    assert fresh == run([5], Worker()) == [{"square": 25, "batch": [1]}]


def test_a_worker_that_loses_a_row_is_noticed():
    with pytest.raises(ValueError, match="shorter"):
        fill_squares([{"n": 1}, {"n": 2}], lambda _: [{}], str, batch_rows=2)
