"""What answers cost, and that money which is held, paid or given back is counted under the cap once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.execution import Price
from jz3.generation.asking import key_set
from jz3.generation.chat import ChatAnswer, ChatRequest, chat_key
from jz3.generation.spending import (
    OVERHEAD_TOKENS,
    SENT,
    SETTLED,
    Spending,
    answer_usd,
    greatest_usd,
    paid_usd,
)
from jz3.store.row_store import RowStore
from tests.generation.builders import execution

USD = st.floats(0, 100)
PRICE = Price(as_of="2026-01-01", input=3e6, cached_input=1e6, output=7e6, batch_discount=0.25)
"""Tokens of 3, 1 and 7 USD."""


def request(prompt="What is it?", limit=50, **changes):
    return ChatRequest("test", "m", prompt, max_tokens=limit, **changes)


def answer(prompt_tokens=4, completion_tokens=10, cached_tokens=0, text="An answer.", **changes):
    return ChatAnswer(
        text, "stop", prompt_tokens, completion_tokens, cached_tokens, **{"by_batch": False} | changes
    )


@pytest.mark.parametrize(
    ("counts", "usd"),
    [
        ({"prompt_tokens": 4, "completion_tokens": 10}, 4 * 3 + 10 * 7),
        ({"prompt_tokens": 4, "completion_tokens": 10, "cached_tokens": 3}, 3 + 3 * 1 + 10 * 7),
        ({"prompt_tokens": 4, "completion_tokens": 10, "by_batch": True}, (4 * 3 + 10 * 7) * 0.75),
        ({"prompt_tokens": 0, "completion_tokens": 0}, 0),
    ],
)
def test_an_answer_costs_its_tokens_and_through_a_batch_a_share_less(counts, usd):
    assert answer_usd(PRICE, answer(**counts)) == pytest.approx(usd)


def test_without_a_price_nothing_costs_anything():
    assert answer_usd(None, answer()) == 0
    assert greatest_usd(None, request(), by_batch=True) == 0
    assert paid_usd(None, request(), answer(counted=False)) == 0


def test_the_most_that_a_request_may_cost_is_a_token_for_each_byte_that_is_sent_and_all_that_may_come():
    each = (OVERHEAD_TOKENS + len("é?".encode())) * 3 + 50 * 7
    assert greatest_usd(PRICE, request("é?"), by_batch=False) == pytest.approx(each)
    assert greatest_usd(PRICE, request("é?"), by_batch=True) == pytest.approx(each * 0.75)
    more = request("é?", system="Brief!", response_format={"a": 1}, extra_body={"b": [2]})
    sent = len("Brief!") + len('{"a": 1}') + len('{"b": [2]}')
    assert greatest_usd(PRICE, more, by_batch=False) == pytest.approx(each + sent * 3)


@given(
    st.builds(
        Price,
        as_of=st.just("2026-01-01"),
        input=USD,
        cached_input=USD,
        output=USD,
        batch_discount=st.floats(0, 1),
    ),
    st.text(min_size=1),
    st.integers(1, 60),
    st.booleans(),
    st.data(),
)
def test_an_answer_within_its_limits_never_costs_more_than_its_request_may(price, prompt, limit, batch, data):
    tokens = data.draw(st.integers(0, len(prompt.encode("utf-8", "surrogatepass")) + OVERHEAD_TOKENS))
    cached = data.draw(st.integers(0, tokens))
    asked = request(prompt, limit)
    given_ = answer(tokens, data.draw(st.integers(0, limit)), cached, by_batch=batch)
    most = greatest_usd(price, asked, by_batch=batch)
    assert answer_usd(price, given_) <= most * (1 + 1e-9)
    assert answer_usd(price, given_) <= paid_usd(price, asked, given_) <= most * (1 + 1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"counted": False},
        {"completion_tokens": 1, "text": "word " * 1000},
        {"completion_tokens": 1, "reasoning": "word " * 1000},
    ],
)
def test_where_the_counts_are_not_credible_an_answer_counts_as_the_most_it_may_cost(changes):
    asked = request()
    assert paid_usd(PRICE, asked, answer()) == answer_usd(PRICE, answer())
    assert paid_usd(PRICE, asked, answer(**changes)) == greatest_usd(PRICE, asked, by_batch=False)
    long = request("word " * 1000)
    assert paid_usd(PRICE, long, answer(prompt_tokens=1)) == greatest_usd(PRICE, long, by_batch=False)


@pytest.fixture
def spending(tmp_path):
    """Makes what a process knows of the money of one set, in a store that all of them share."""
    store = RowStore(tmp_path / "store")
    keys = key_set([request()])
    with store.writer(SENT) as sent, store.writer(SETTLED) as settled:
        yield lambda cap: Spending(execution(budget_usd=cap, prices={}), keys, store, sent, settled)


KEY = chat_key(request())


def test_what_is_held_is_counted_by_every_process_until_its_outcome_is_known(spending):
    async def run():
        one, other = spending(10), spending(10)
        held = await one.reserve(KEY, 6)
        assert held is not None
        assert await other.reserve(KEY, 5) is None, "another process holds too much"
        assert other.spent_usd == 6
        await one.settle(held, known=True)
        again = await other.reserve(KEY, 10)
        assert again is not None, "what was given back can be spent up to the cap"
        await other.settle(again, known=False)
        assert spending(10).spent_usd == 10, "of a lost request nobody knows that it was not paid for"
        assert await one.reserve(KEY, 0.01) is None

    asyncio.run(run())


def test_who_finds_no_room_waits_for_what_its_own_process_gives_back(spending):
    async def run():
        one = spending(10)
        held = await one.reserve(KEY, 6)
        assert held is not None
        waiting = asyncio.create_task(one.reserve(KEY, 5))
        await asyncio.sleep(0)
        assert not waiting.done()
        await one.settle(held, known=True)
        assert await asyncio.wait_for(waiting, 5) is not None
        one.look()
        assert one.spent_usd == 5

    asyncio.run(run())


def test_batches_hold_money_until_they_have_ended(spending):
    one = spending(10)
    one.hold(7)
    assert (one.spent_usd, one.has_room(3), one.has_room(3.01)) == (7, True, False)
    one.release(7)
    assert (one.spent_usd, one.has_room(10)) == (0, True)
    one.note_lost(KEY, 4)
    assert spending(10).spent_usd == 4


def test_without_a_cap_there_is_always_room_and_nothing_is_written(spending, tmp_path):
    async def run():
        free = spending(None)
        held = await free.reserve(KEY, 1e9)
        assert held is not None
        await free.settle(held, known=False)
        free.note_lost(KEY, 1e9)
        assert free.has_room(1e9)

    asyncio.run(run())
    assert spending(1).spent_usd == 0
