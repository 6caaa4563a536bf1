"""Each answer is paid for once, none that was received is lost, and the cap on money holds.

The client talks to a provider on loopback, in a process of its own, that fails like real ones and counts what
it sends.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Price
from jz3.generation.asking import KeyList, KeySet, ask_all
from jz3.generation.bodies import body_bytes
from jz3.generation.chat import (
    CHAT,
    ChatAnswer,
    ChatFailure,
    ChatRequest,
    chat_key,
)
from jz3.generation.client import Endpoint
from jz3.generation.served_answers import Unreadable, read_body
from jz3.store.row_store import open_store
from tests.conftest import ROOT
from tests.generation.builders import execution

KEY = "sk-secret-of-the-test"
PRICES = {"m": Price(as_of="2026-01-01", input=1, cached_input=1, output=1, batch_discount=0.5)}
FAULTS = ("429", "500", "503", "drops", "truncates", "garbles", "chooses-none", "doubles")


def request(prompt, seed=0) -> ChatRequest:
    return ChatRequest("test", "m", prompt, temperature=0.6, top_p=1.0, max_tokens=100, seed=seed)


def ask(server, prompts, key=KEY, **changes):
    asked = [request(prompt) for prompt in prompts]
    return list(ask_all(asked, Endpoint(server.url, key), execution(**changes), "teacher"))


def answer(prompt):
    words = len(prompt.split())
    return ChatAnswer(f"re: {prompt} seed 0", "stop", words, 50, cached_tokens=1, by_batch=False)


def test_the_key_of_a_request_is_what_it_was():
    """Changed payloads need a new version of the operation, or paid answers are silently lost."""
    assert (CHAT.name, CHAT.version) == ("chat", 1)
    assert chat_key(request("A prompt.")) == "3872cc6fe0fbeb0ea840af0b7f840fe0"


def test_everything_in_a_request_is_in_its_key():
    whole = {"provider": "p", "model": "m", "prompt": "a", "temperature": 0.5, "top_p": 0.9}
    whole |= {"max_tokens": 5, "seed": 1}
    other = {"provider": "q", "model": "n", "prompt": "b", "temperature": 0.6, "top_p": 1.0}
    other |= {"max_tokens": 6, "seed": 2}
    keys = {chat_key(ChatRequest(**whole | {name: value})) for name, value in other.items()}
    assert len(keys | {chat_key(ChatRequest(**whole))}) == len(whole) + 1


@pytest.mark.parametrize("each", [12, pytest.param(60, marks=pytest.mark.long)], ids=["144", "750"])
def test_every_fault_ends_in_an_answer_or_a_failure_with_a_reason(server, each):
    """12 kinds of requests; 60 of each, and as many that are lost, make some 800."""
    once = ["fine", *FAULTS]
    lost = [f"always-{fault} {n}" for n in range(each // 2) for fault in ("400", "garbles")]
    asks = [f"asks {n}" for n in range(each // 12)]
    slow = [f"trickles {n}" for n in range(max(1, each // 40))]
    prompts = [f"{fault} {n}" for n in range(each * 12 // 9) for fault in once] + asks + slow
    asked = [*prompts, *lost]
    random.Random(1).shuffle(asked)  # a hundred refusals in a row would be an outage
    started = time.monotonic()
    limits = {"timeout_s": 5, "concurrency": 64, "unanswered_share": 1.0}
    replies = dict(zip(asked, ask(server, asked, **limits), strict=True))
    assert time.monotonic() - started < 120, "68 s on two cores that nine processes wanted"
    assert all(replies[prompt] == answer(prompt) for prompt in prompts)
    for prompt in lost:
        reply = replies[prompt]
        assert isinstance(reply, ChatFailure)
        assert reply.reason
        assert KEY not in reply.reason
    assert server.seen["always-400 0"] == 1
    assert server.seen["always-garbles 0"] == 5
    assert set(server.answered.values()) == {1}, "none that was received whole is asked for again"
    assert set(server.state["broken"]) == {prompt for prompt in prompts if prompt.startswith("truncates")}
    before = server.seen.total()
    assert ask(server, prompts) == [replies[prompt] for prompt in prompts]
    assert server.seen.total() == before


def test_a_prompt_with_half_a_character_can_be_sent():
    """Lone surrogates occur in texts of the web, and the openai client itself cannot encode them."""
    for prompt in ("fine \ud800 \u00e9", "fine \u00e9"):
        body = request(prompt).body()
        assert json.loads(body_bytes(body)) == body


def test_an_answer_with_half_a_character_is_kept_and_paid_once(server):
    """Models cut emoji apart, and servers pass the halves on as escapes; complete ones are left alone."""
    (reply,) = ask(server, ["halves a"])
    assert isinstance(reply, ChatAnswer)
    assert reply.text == "re: halves a seed 0 \ufffd and \U0001f600"
    assert ask(server, ["halves a"]) == [reply]
    assert server.seen == server.answered == {"halves a": 1}


def test_what_is_no_json_at_any_reading_is_no_answer():
    for content in (b"{not json", b"", b"null", b"9" * 5000, b"[" * 100_000, b"\xff\xfe"):
        assert isinstance(read_body(content), Unreadable)


def test_equal_requests_are_sent_once_and_a_larger_set_sends_the_new_ones(server):
    ask(server, ["fine a", "fine b", "fine a"])
    ask(server, ["fine a", "fine b", "fine c"])
    assert server.seen == {"fine a": 1, "fine b": 1, "fine c": 1}


@given(st.lists(st.integers(0, 5_000), max_size=40), st.integers(1, 7))
def test_keys_come_back_in_order_and_a_set_holds_those_and_no_others(numbers, piece):
    keys = [chat_key(request(str(number))) for number in numbers]
    listed = KeyList(keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jz3.generation.asking.PIECE", piece)
        pieces = list(listed.pieces())
    assert [key for some in pieces for key in some] == keys
    assert all(len(some) == piece for some in pieces[:-1])
    held = KeySet(np.unique(listed.halves()))
    assert all(key in held for key in keys)
    assert chat_key(request("another")) not in held


def test_a_key_is_asked_for_only_where_the_store_lacks_an_answer(server):
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        ask(server, ["fine a"], key=None)
    asked = ask(server, ["fine a"])
    assert ask(server, ["fine a"], key=None) == asked


def test_replay_needs_no_server_and_names_what_is_missing(server):
    asked = ask(server, ["fine a"])
    before = server.seen
    assert ask(server, ["fine a"], key=None, teacher="replay") == asked
    with pytest.raises(
        UserError, match=rf"replay, and 1 requests .*{chat_key(request('fine b'))}; .*\(1 are\)"
    ):
        ask(server, ["fine a", "fine b"], teacher="replay")
    assert server.seen == before


@pytest.mark.parametrize(
    ("fault", "words"), [("401", "OPENAI_API_KEY"), ("404", "no such model"), ("quota", "no money")]
)
def test_what_every_request_would_meet_stops_the_stage_with_the_answers_kept(server, fault, words):
    server.set(delay_s=0.01)
    prompts = [*(f"fine {n}" for n in range(5)), *(f"always-{fault} {n}" for n in range(200))]
    with pytest.raises(UserError, match=words) as caught:
        ask(server, prompts, concurrency=4)
    assert KEY not in str(caught.value)
    assert server.seen.total() < 20
    ask(server, prompts[:5], key=None)


def test_the_key_is_nowhere(server, caplog, tmp_path):
    caplog.set_level("DEBUG", "jz3")
    ask(server, ["fine a", "always-400 b"])
    assert KEY not in caplog.text
    assert KEY not in repr(Endpoint(server.url, KEY))
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert kept
    assert all(KEY.encode() not in content for content in kept)


def test_the_cap_on_money_is_never_passed_and_a_higher_one_goes_on(server, tmp_path, monkeypatch):
    """The server also counts what it answers into broken connections."""
    spent = []
    for seed in range(10):
        draw = random.Random(seed)
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / str(seed)))
        server.reset()
        faults = (*["fine"] * 20, *FAULTS)
        prompts = [f"{draw.choice(faults)} {n}" for n in range(30)]
        cap_usd = draw.uniform(0.0004, 0.0012)  # a request may cost some 180 millionths and costs 52
        limits = {"budget_usd": cap_usd, "prices": PRICES, "concurrency": draw.choice((1, 4, 16))}
        for _ in range(2):
            with pytest.raises(BudgetReached, match="budget_usd") as caught:
                ask(server, prompts, **limits)
            assert caught.value.exit_status == 3
            assert server.state["usd"] <= cap_usd, "a restart is no new budget"
        spent.append(server.state["usd"] / cap_usd)
        replies = ask(server, prompts, **limits | {"budget_usd": 1.0})
        assert all(isinstance(reply, ChatAnswer) for reply in replies)
        assert max(server.answered.values()) == 1
    assert sum(share > 0.4 for share in spent) >= 5, "the cap is used, not shunned"


def test_requests_a_minute_are_bounded(server):
    ask(server, [f"fine {n}" for n in range(60)], requests_per_minute=20 * 60)
    times = server.state["times"]
    assert max(times) - min(times) >= 1.2, "a burst of 20, then 20 a second"


def test_a_server_that_asks_to_wait_is_left_alone_for_so_long(server):
    ask(server, ["asks a"])
    times = server.state["times"]
    assert times[1] - times[0] >= 1


def test_a_busy_server_gets_fewer_requests_at_once(server):
    server.set(delay_s=1.2)  # long enough that 64 are there at once even on a busy machine: with 0.4, 63 were
    ask(server, [f"503 {n}" for n in range(64)], concurrency=64)
    times = sorted(server.state["times"])
    assert server.state["most_at_once"] == 64
    later = times[64:]
    assert max(Counter(int(moment / 0.1) for moment in later).values()) < 48


def test_the_exact_request_and_what_was_served_are_kept(server):
    ask(server, ["fine a"])
    (row,) = open_store().rows(CHAT)
    assert ChatRequest(**row.request) == request("fine a")
    assert row.result["served_model"] == "served"


def test_answers_stored_before_caches_were_counted_are_still_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    asked = request("fine a")
    with open_store().writer(CHAT) as writer:
        stored = {"text": "t", "finish_reason": "stop", "prompt_tokens": 3, "completion_tokens": 4}
        writer.append(chat_key(asked), asked.row(), stored)
        writer.commit()
    (reply,) = ask_all([asked], Endpoint(None, None), execution(teacher="replay"), "teacher")
    assert reply == ChatAnswer("t", "stop", 3, 4, cached_tokens=0, by_batch=False)


ASKER = """
import sys
from jz3.core.errors import UserError
from jz3.generation.asking import ask_all
from jz3.generation.client import Endpoint
from tests.generation.test_asking import PRICES, request
from tests.generation.builders import execution
count, budget = int(sys.argv[2]), float(sys.argv[3]) or None
requests = [request(f"fine {n}") for n in range(count)]
asked = execution(concurrency=8, budget_usd=budget, prices=PRICES if budget else {})
replies = ask_all(requests, Endpoint(sys.argv[1], "k"), asked, "teacher")
print([reply.text for reply in replies])
"""


def start_asker(server, count, budget=0.0, stderr=None):
    command = [sys.executable, "-c", ASKER, server.url, str(count), str(budget)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)


def kill_after(server, asker, answers):
    while server.answered.total() < answers:
        assert asker.poll() is None
        time.sleep(0.005)
    asker.send_signal(signal.SIGKILL)
    asker.communicate()


def test_a_killed_run_asks_again_only_for_what_was_in_flight(server):
    server.set(delay_s=0.02)
    kill_after(server, start_asker(server, 200), 60)
    replies = ask(server, [f"fine {n}" for n in range(200)], concurrency=8)
    assert all(isinstance(reply, ChatAnswer) for reply in replies)
    assert 200 <= server.answered.total() <= 208


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_run_of_2000_killed_at_a_random_moment_ends_as_one_that_was_not(server, seed):
    server.set(delay_s=0.004)
    kill_after(server, start_asker(server, 2000), random.Random(seed).randrange(10, 1900))
    prompts = [f"fine {n}" for n in range(2000)]
    assert ask(server, prompts, concurrency=8) == [answer(prompt) for prompt in prompts]
    assert 2000 <= server.answered.total() <= 2008


@pytest.mark.long
def test_a_kill_is_no_new_budget(server):
    server.set(delay_s=0.02)
    cap_usd = 0.006
    for killed_after in (10, 20):
        kill_after(server, start_asker(server, 400, cap_usd), killed_after)
    with pytest.raises(BudgetReached):
        ask(server, [f"fine {n}" for n in range(400)], concurrency=8, budget_usd=cap_usd, prices=PRICES)
    assert server.state["usd"] <= cap_usd


def test_two_processes_share_one_cap(server):
    """Each process alone would spend all of it."""
    server.set(delay_s=0.01)
    cap_usd = 0.004
    askers = [start_asker(server, 150, cap_usd, stderr=subprocess.PIPE) for _ in range(2)]
    said = [asker.communicate(timeout=60)[1] for asker in askers]
    assert all("BudgetReached: stopped at the budget" in words for words in said)
    assert 0.6 * cap_usd < server.state["usd"] <= cap_usd
    assert server.answered.total() > 40
    assert max(server.seen.values()) == 1


def test_two_processes_that_ask_the_same_pay_once(server):
    server.set(delay_s=0.01)
    askers = [start_asker(server, 150), start_asker(server, 150)]
    said = [asker.communicate(timeout=60)[0] for asker in askers]
    assert said[0] == said[1]
    assert [asker.returncode for asker in askers] == [0, 0]
    assert server.answered.total() == 150
    assert said[0].count("re: fine") == 150


@pytest.mark.long
def test_a_process_takes_over_what_a_killed_one_had_claimed(server):
    server.set(delay_s=0.05)
    first, second = start_asker(server, 200), start_asker(server, 200)
    kill_after(server, first, 40)
    assert second.communicate(timeout=60)[0]
    assert second.returncode == 0
    assert server.answered.total() <= 208
