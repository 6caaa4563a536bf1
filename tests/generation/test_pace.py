"""Requests are sent no faster than the limits allow, and waits are those that the server asks for."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.generation.outcomes import Setback, Stop
from jz3.generation.pace import (
    BURST_S,
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    Bucket,
    Pace,
    Turnstile,
    Window,
    asked_wait_s,
    backoff_s,
    patiently,
)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 50)), max_size=40), st.floats(0.5, 100))
def test_no_span_of_time_passes_more_than_its_rate_and_one_burst(steps, per_second):
    bucket, now, sent = Bucket(per_second), 100.0, []
    for pause, amount in steps:
        now += pause
        sent.append((now + bucket.take(amount, now), amount))
    assert sent == sorted(sent, key=lambda pair: pair[0]), "those who come first go first"
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            before_last = sum(amount for _, amount in sent[first:last])
            span = sent[last][0] - sent[first][0]
            assert before_last <= (span + BURST_S) * per_second + 1e-6


@given(st.floats(0.5, 100), st.lists(st.floats(0.1, 50), min_size=1, max_size=10))
def test_a_burst_passes_at_once_and_what_follows_waits_for_its_share_alone(per_second, amounts):
    bucket = Bucket(per_second)
    assert bucket.take(per_second * BURST_S, 100.0) == 0
    taken = 0.0
    for amount in amounts:
        assert bucket.take(amount, 100.0) == pytest.approx(taken / per_second, abs=1e-9)
        taken += amount


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("jz3.generation.pace.time", clock)
    monkeypatch.setattr("asyncio.sleep", clock.sleep)
    return clock


@pytest.mark.parametrize(("requests", "tokens"), [(600, 10**9), (10**9, 600 * 7)])
def test_in_a_minute_a_limit_is_sent_and_one_burst(requests, tokens, clock):
    async def run():
        pace, sent = Pace(requests, tokens), []
        for _ in range(700):
            await pace.wait(7)
            sent.append(clock.now - 1000)
        return sent

    sent = asyncio.run(run())
    assert sent[:10] == [0] * 10, "a second's worth"
    assert sum(moment < 60 for moment in sent) == pytest.approx(610, abs=1)


def test_a_pause_is_waited_for_whole_and_a_shorter_one_does_not_shorten_it(clock):
    async def run():
        pace = Pace(600, 600)
        pace.pause(7)
        pace.pause(2)
        await pace.wait(1)
        waited = clock.now - 1000
        pace.pause(7)
        pace.end_pause()
        await pace.wait(1)
        return waited, clock.now - 1000 - waited

    assert asyncio.run(run()) == (7, 0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, 0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read_in_each_form(headers, seconds):
    assert asked_wait_s(headers) == seconds


def test_a_wait_until_a_date_is_counted_from_now():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < (asked_wait_s({"retry-after": date}) or 0) <= 90


@given(st.integers(0, 30))
def test_waits_grow_to_a_limit_and_are_scattered(attempt):
    full = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
    waits = [backoff_s(attempt) for _ in range(20)]
    assert all(full / 2 <= wait <= full for wait in waits)
    assert len(set(waits)) > 1


def test_a_window_is_halved_by_a_busy_server_once_and_widens_as_it_answers():
    async def run():
        window = Window(16)
        sent = [await window.enter() for _ in range(16)]
        for number in sent[:8]:
            window.leave(number, busy=True)
        assert window.width == 8, "eight refusals of one moment count once"
        for number in sent[8:]:
            window.leave(number, busy=False)
        assert window.width in (8, 9)
        for _ in range(300):
            window.leave(await window.enter(), busy=False)
        assert window.width == 16
        for _ in range(10):
            window.leave(await window.enter(), busy=True)
        assert window.width == 1, "one may always be sent"

    asyncio.run(run())


def test_who_waits_for_a_place_gets_the_one_that_is_freed():
    async def run():
        window = Window(1)
        first = await window.enter()
        waiting = asyncio.create_task(window.enter())
        await asyncio.sleep(0)
        assert not waiting.done()
        window.leave(first, busy=False)
        return await asyncio.wait_for(waiting, 5) != first

    assert asyncio.run(run()), "as a request of its own"


@pytest.mark.parametrize("refused", range(4))
def test_the_refusal_of_any_request_in_flight_halves_the_window(refused):
    async def run():
        window = Window(4)
        sent = [await window.enter() for _ in range(4)]
        window.leave(sent[refused], busy=True)
        return window.width

    assert asyncio.run(run()) == 2


def test_of_a_hundred_ready_tasks_one_passes_a_turn_in_order_and_writes_before_the_next():
    """What a task schedules once it may go, such as writing its request, comes before the next task."""
    done = []

    async def send(turnstile, number):
        await turnstile.wait()
        done.append(("made", number))
        asyncio.get_running_loop().call_soon(done.append, ("written", number))

    async def all_at_once():
        turnstile = Turnstile()
        for _ in range(2):  # back in its initial state once nobody waits
            await asyncio.gather(*(send(turnstile, number) for number in range(100)))
            await asyncio.sleep(0.001)

    asyncio.run(all_at_once())
    assert done == 2 * [(what, number) for number in range(100) for what in ("made", "written")]


def test_a_task_that_is_cancelled_while_it_waits_holds_nobody_up():
    async def passed_by():
        turnstile = Turnstile()
        tasks = [asyncio.create_task(turnstile.wait()) for _ in range(9)]
        await asyncio.sleep(0)
        for task in tasks[2::3]:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(passed_by()) == [False, False, True] * 3


AGAIN = Setback("busy", again=True, paid=False, wait_s=0.0)
REFUSED = Setback("bad request", again=False, paid=False)


@pytest.mark.parametrize(
    ("outcomes", "retries", "last", "asked"),
    [
        (["an answer"], 3, "an answer", 1),
        ([AGAIN, AGAIN, "an answer"], 2, "an answer", 3),
        ([AGAIN, AGAIN, "too late"], 1, AGAIN, 2),
        ([AGAIN, "too late"], 0, AGAIN, 1),
        ([REFUSED, "not asked"], 3, REFUSED, 1),
        ([AGAIN, Stop("no key"), "not asked"], 3, Stop("no key"), 2),
    ],
)
def test_what_may_be_better_the_next_time_is_asked_again(outcomes, retries, last, asked, clock):
    left = list(outcomes)

    async def ask():
        return left.pop(0)

    assert asyncio.run(patiently(ask, retries)) == last
    assert len(outcomes) - len(left) == asked


@pytest.mark.parametrize(("wait_s", "least", "most"), [(None, 0.25, 0.5), (0.0, 0.25, 0.5), (9.0, 9.0, 9.0)])
def test_the_longer_of_our_wait_and_the_servers_is_waited(wait_s, least, most, clock):
    left = [Setback("busy", again=True, paid=False, wait_s=wait_s), "an answer"]

    async def ask():
        return left.pop(0)

    assert asyncio.run(patiently(ask, 1)) == "an answer"
    assert least <= clock.now - 1000 <= most
