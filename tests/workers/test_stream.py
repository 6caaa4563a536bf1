"""Rows as a stream: the engine is never kept waiting, and a kill costs the rows of the last minute."""

import random
from heapq import heappop, heappush
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.store.row_store import Operation, open_store, request_key
from jz3.workers.batch import Lost
from jz3.workers.fill import COMMIT_S, fill_by, fill_stream

SQUARE = Operation("square", 1)


class Simulated:
    """Servers that take a limited number of rows at once, on a clock of their own; a row takes
    `seconds(n)`.
    """

    def __init__(self, places, seconds, lost=frozenset(), look=None):
        self.places, self.seconds, self.lost, self.look = places, seconds, lost, look
        self.now = self.busy = 0.0
        self.done = []
        """Time and number of each row, when it was done."""

    def __call__(self, asked):
        running = []
        while True:
            while len(running) < self.places and (row := next(asked, None)) is not None:
                heappush(running, (self.now + self.seconds(row[1]["n"]), *row[:1], row[1]["n"]))
                self.busy += self.seconds(row[1]["n"])
            if not running:
                return
            end, key, n = heappop(running)
            while self.now + 1.0 < end:
                self.now += 1.0
                yield None
            self.now = end
            self.done.append((end, n))
            if self.look:
                self.look(self)
            yield Lost(key, "ended all") if n in self.lost else (key, {"n": n}, {"square": n * n})

    @property
    def idle_share(self):
        return 1 - self.busy / (self.places * self.now)


def stream(numbers, simulated, *, commit_rows=10**9, window=10**9):
    rows = {request_key(SQUARE, {"n": n}): {"n": n} for n in numbers}
    keys = list(rows)
    windows = (
        {key: rows[key] for key in keys[start : start + window]} for start in range(0, len(keys), window)
    )
    return fill_stream(
        SQUARE,
        windows,
        simulated,
        order=lambda row: -row["n"],
        commit_rows=commit_rows,
        clock=lambda: simulated.now,
    )


def stored():
    return {row.request["n"] for row in open_store().rows(SQUARE)}


@pytest.fixture(autouse=True)
def _store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))


def lengths(seed):
    """Seconds of each row: most take a few, some many times more, as completions do."""
    draws = random.Random(seed)
    known = {}
    return lambda n: known.setdefault(n, min(120.0, draws.lognormvariate(3, 0.8)))


def test_servers_stand_idle_for_under_two_percent_of_the_time():
    simulated = Simulated(64, lengths(1))
    assert len(list(stream(range(20_000), simulated, window=1_000))) == 20_000
    assert simulated.idle_share < 0.02


@pytest.mark.parametrize("commit_rows", [50, 10**9])
def test_a_kill_at_any_moment_costs_the_rows_of_the_last_minute_or_fewer(commit_rows):
    looks = []

    def look(simulated):
        if len(simulated.done) % 97:
            return
        # What a process that starts now would find, as after kill -9 of the writer.
        due = {n for end, n in simulated.done[:-1] if end < simulated.now - COMMIT_S - 1}
        kept = stored()
        looks.append(len(simulated.done) - len(kept))
        assert due <= kept <= {n for _, n in simulated.done}

    simulated = Simulated(16, lengths(2), look=look)
    list(stream(range(2_000), simulated, commit_rows=commit_rows))
    assert len(looks) == 20
    assert max(looks) <= commit_rows
    assert stored() == set(range(2_000))


@given(
    st.sets(st.integers(0, 60), min_size=1),
    st.sets(st.integers(0, 60)),
    st.integers(0, 60),
    st.integers(1, 9),
)
@settings(max_examples=25, deadline=None)
def test_asked_is_stored_and_lost_and_a_run_that_was_broken_off_ends_with_the_same_keys(
    numbers, lost, stops_after, places
):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", folder)
        rows = stream(numbers, Simulated(places, lengths(3), lost), commit_rows=4)
        first = [row for row, _ in zip(rows, range(stops_after), strict=False)]
        rows.close()
        assert stored() >= {row[1]["square"] ** 0.5 for row in first if not isinstance(row, Lost)}
        kept = stored()
        rest = list(stream(numbers - kept, Simulated(places, lengths(4), lost), commit_rows=4))
        assert stored() == numbers - lost
        assert {row.key for row in rest if isinstance(row, Lost)} == {
            request_key(SQUARE, {"n": n}) for n in numbers & lost
        }


def test_results_come_in_the_order_of_the_requests_and_equal_ones_are_computed_once():
    simulated = Simulated(3, lengths(5))

    def compute(windows):
        return fill_stream(SQUARE, windows, simulated, order=str, commit_rows=2)

    requests = [{"n": n} for n in (3, 1, 3, 2)]
    for _ in range(2):
        results = fill_by(SQUARE, requests, compute, what="squares", tokens=None)
        assert [row["square"] for row in results] == [9, 1, 9, 4]
    assert sorted(n for _, n in simulated.done) == [1, 2, 3]
