"""Whatever a server does: the cap holds, a request ends as an answer or a failure, an outage as neither."""

import base64
import json
import random

import pytest

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Price
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatAnswer, ChatFailure, ChatRequest
from jz3.generation.endpoint import Endpoint
from tests.generation.builders import execution
from tests.generation.faulty import (
    GOOD,
    KEPT,
    PASSING,
    REFUSED,
    STOPPING,
    TEXT,
    completion,
    error,
    faulty,
    response,
)

KEY = "sk-proj-Q7x2kV9pLm4Rt8Zw1Yb6Nc3Hd5"
PRICES = {"m": Price(as_of="2026-01-01", input=1, cached_input=1, output=1, batch_discount=0)}


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.005)


def ask(server, prompts, key=KEY, **changes):
    requests = [ChatRequest("test", "m", prompt, 0.6, 1.0, 60, seed=0) for prompt in prompts]
    limits = {"retries": 1, "concurrency": 4, "timeout_s": 5} | changes
    return list(ask_all(requests, Endpoint(server.url, key), execution(**limits), "teacher"))


@pytest.mark.parametrize("name", KEPT)
def test_a_whole_answer_is_kept_after_one_request(name):
    with faulty(lambda *_: (KEPT[name], True)) as server:
        (reply,) = ask(server, ["p"])
        assert isinstance(reply, ChatAnswer)
        assert reply.text[:6] == TEXT[:6]
        assert "another" not in reply.text
        assert reply.finish_reason == "stop"
        assert 0 <= reply.cached_tokens <= reply.prompt_tokens < 1_000
        assert server.asked == 1
        assert ask(server, ["p"], teacher="replay") == [reply]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_prompt_fails_alone_at_once(name):
    with faulty(lambda prompt, _: (REFUSED[name] if prompt == "p 3" else GOOD, True)) as server:
        replies = ask(server, [f"p {n}" for n in range(12)])
        assert [isinstance(reply, ChatFailure) for reply in replies] == [n == 3 for n in range(12)]
        assert server.asked == 12


@pytest.mark.parametrize("name", PASSING)
def test_what_another_day_may_mend_is_no_result_and_is_asked_again(name):
    fault = {"p 3": PASSING[name]}
    with faulty(lambda prompt, _: (fault.get(prompt, GOOD), True)) as server:
        prompts = [f"p {n}" for n in range(12)]
        with pytest.raises(UserError, match="1 of 12 requests got no answer"):
            ask(server, prompts)
        assert isinstance(ask(server, prompts, unanswered_share=0.1)[3], ChatFailure)
        fault.clear()
        before = server.asked
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server, prompts))
        assert server.asked == before + 1


@pytest.mark.parametrize("name", STOPPING)
def test_what_every_request_would_meet_stops_at_the_first_and_the_next_run_asks_again(name):
    said = {"p 05": STOPPING[name]}
    with faulty(lambda prompt, _: (GOOD if prompt < "p 05" else said.get("p 05", GOOD), False)) as server:
        prompts = [f"p {n:02}" for n in range(60)]
        with pytest.raises(UserError, match="Run again") as caught:
            ask(server, prompts)
        assert server.asked <= 5 + 4
        assert "\n" not in str(caught.value)
        said.clear()
        before = server.asked
        assert all(isinstance(reply, ChatAnswer) for reply in ask(server, prompts))
        assert 55 <= server.asked - before <= 60


@pytest.mark.parametrize("name", ["503 after", "no json", "cut at 0", "nowhere"])
def test_a_server_that_is_down_stops_the_run_soon(name):
    with faulty(lambda prompt, _: (GOOD if prompt < "p 05" else PASSING[name], True)) as server:
        with pytest.raises(UserError, match="in a row"):
            ask(server, [f"p {n:02}" for n in range(90)])
        assert server.asked < 30


def test_an_account_that_is_closed_in_words_about_prompts_stops_the_run_also_when_it_is_run_again():
    closed = error(403, "This account was flagged for prompts that break our safety policy")
    with faulty(lambda prompt, _: (GOOD if prompt < "p 09" else closed, False)) as server:
        prompts = [f"p {n:02}" for n in range(90)]
        for _ in range(2):
            with pytest.raises(UserError, match="20 prompts in a row"):
                ask(server, prompts)
        assert len(ask(server, prompts, unanswered_share=1.0)) == 90


def test_a_tenth_of_a_set_that_moderation_refuses_is_asked_again_alone_and_stops_nothing():
    flagged = error(400, "the prompt was flagged", code="content_filter")
    with faulty(lambda prompt, _: (flagged if prompt < "p 025" else GOOD, False)) as server:
        prompts = [f"p {n:03}" for n in range(260)]
        ask(server, prompts[::-1])
        replies = ask(server, prompts)
        assert server.asked == 260 + 25
        assert [isinstance(reply, ChatFailure) for reply in replies] == [n < 25 for n in range(260)]


def test_a_refusal_without_words_of_all_there_are_is_no_result():
    with (
        faulty(lambda *_: (error(400), False)) as server,
        pytest.raises(UserError, match="no request was answered"),
    ):
        ask(server, ["p 1", "p 2"])


def test_the_cap_holds_against_every_fault_over_forty_seeds(tmp_path, monkeypatch):
    """The server charges for anything that it may have written; 429 and 402 come before any work.

    Each fault has a seed in which it repeats: whatever one of them refunds wrongly adds up.
    """
    faults = [
        *KEPT.values(),
        *REFUSED.values(),
        *(said for name, said in PASSING.items() if name[:3] != "429" and name != "bomb"),
    ]
    assert len(faults) >= 60
    reached = 0
    for seed in range(40):
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / str(seed)))
        draw = random.Random(seed)
        cap_usd = draw.uniform(0.0005, 0.0015)
        few, share = faults[seed::40], draw.uniform(0.2, 0.7)
        with faulty(lambda *_: (draw.choice(few) if draw.random() < share else GOOD, True)) as server:  # noqa: B023
            prompts = [f"p {n}" for n in range(40)]
            limits = {"budget_usd": cap_usd, "prices": PRICES, "concurrency": draw.choice((1, 4, 8))}
            for _ in range(3):
                try:
                    replies = ask(server, prompts, **limits)
                    assert len(replies) == 40
                except BudgetReached:
                    reached += 1
                except UserError:
                    assert server.usd < cap_usd, "stopped, or some are left for another day"
                assert server.usd <= cap_usd, "a restart is no new budget"
    assert reached > 80


def test_what_comes_unasked_on_a_kept_connection_is_no_answer_to_the_next_request():
    stray = response(completion(choice={"message": {"content": "the answer to another prompt"}}))
    with faulty(lambda prompt, _: (GOOD + stray if prompt == "p 0" else GOOD, True)) as server:
        replies = ask(server, [f"p {n}" for n in range(6)], concurrency=1)
    assert {reply.text for reply in replies} == {TEXT}


WRITTEN = {
    "itself": KEY,
    "end": KEY[4:],
    "lines": KEY[:17] + "\n" + KEY[17:],
    "header": f"Bearer {KEY}",
    "other case": KEY.swapcase(),
    "each byte of a URL": "".join(f"%{byte:02X}" for byte in KEY.encode()),
    "entities": "".join(f"&#{byte};" for byte in KEY.encode()),
    "entities in hex": "".join(f"&#x{byte:x};" for byte in KEY.encode()),
    "escapes of JSON": "".join(f"\\u{byte:04x}" for byte in KEY.encode()),
    "escapes of Python": "".join(f"\\x{byte:02x}" for byte in KEY.encode()),
    "hex": KEY.encode().hex(":"),
    "base32": base64.b32encode(KEY.encode()).decode(),
    "numbers": str(list(KEY.encode())),
    "letters": str(list(KEY)),
}
"""A key as servers may write it."""


@pytest.mark.parametrize("part", WRITTEN.values(), ids=WRITTEN)
def test_a_key_that_is_echoed_anywhere_is_nowhere(part, tmp_path, caplog, capsys):
    told = {
        "text": response(completion(choice={"message": {"content": f"{TEXT} {part}"}})),
        "model": response(completion(model=part)),
        "reason": response(completion(choice={"finish_reason": part})),
        "words": error(400, f"prompt {part}", code=part),
        "body": response(part.encode(), 413),
        "no json": response(f'{{"{part}'.encode()),
        "no http": f"HTTP/1.1 {part!r} no\r\n\r\n".encode(),
    }
    with faulty(lambda prompt, _: (told.get(prompt, GOOD), True)) as server:
        replies = ask(server, [*told, *(f"p {n}" for n in range(20))], unanswered_share=1.0)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    shown = caplog.text + "".join(capsys.readouterr()) + json.dumps([vars(reply) for reply in replies])
    for start in range(0, len(KEY) - 16, 4):
        assert KEY[start : start + 16].encode().lower() not in kept.lower()
        assert KEY[start : start + 16].lower() not in shown.lower()
    for start in range(0, len(part) - 90, 4):
        assert part[start : start + 90] not in shown
        assert part[start : start + 90].encode() not in kept


@pytest.mark.parametrize(
    "said",
    [
        error(400, "no such field", code="unsupported_parameter", param=KEY),
        error(400, f"unknown parameter: '{KEY}'"),
        response({"detail": [{"loc": ["body", KEY], "msg": "extra fields not permitted"}]}, 422),
        error(402, KEY),
        error(401, f"bad key {KEY}", type=KEY),
        error(429, KEY, code="insufficient_quota"),
        error(404, f"the model '{KEY}' does not exist"),
        error(429, headers=f"retry-after: 7200\r\nx-key: {KEY}\r\n"),
        response(b"", 307, f"location: http://{KEY}.invalid/v1\r\n"),
        response(b"", 307, f"location: http://[::{KEY}\r\n"),
        error(500, headers=f"content-type: {KEY}; charset={KEY}\r\n"),
        response(b"x", headers=f"content-encoding: {KEY}\r\n"),
    ],
)
def test_a_key_that_is_echoed_where_the_stage_stops_is_in_no_line_of_it(said, caplog):
    caplog.set_level("DEBUG")
    with faulty(lambda *_: (said, True)) as server, pytest.raises(UserError) as caught:
        ask(server, [f"p {n}" for n in range(9)])
    assert KEY not in caplog.text
    assert KEY not in str(caught.value)


def test_a_key_does_not_follow_a_redirect_to_another_server():
    seen = []

    def other(_, headers):
        seen.append(headers)
        return GOOD, True

    with faulty(other) as elsewhere:
        there = response(b"", 307, f"location: {elsewhere.url}/chat/completions\r\n")
        with faulty(lambda *_: (there, False)) as server:
            ask(server, ["p"])
    assert len(seen) == 1
    assert not [value for value in seen[0].values() if KEY.encode() in value]


@pytest.mark.parametrize("key", ["sk-1\n", "\u201csk-1\u201d", "sk 1"])
def test_a_key_that_can_be_none_is_one_line(key):
    with (
        faulty(lambda *_: (GOOD, True)) as server,
        pytest.raises(UserError, match="OPENAI_API_KEY") as caught,
    ):
        ask(server, ["p"], key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["http://u:secret-word@127.0.0.1/v1", "127.0.0.1:80", "http://", "http://h:99999", "http://[::1", "a b"],
)
def test_an_address_that_can_be_none_is_one_line(address):
    asked = [ChatRequest("test", "m", "p", 0.6, 1.0, 60, seed=0)]
    with pytest.raises(UserError, match="OPENAI_BASE_URL") as caught:
        ask_all(asked, Endpoint(address, KEY), execution(), "teacher")
    assert "secret-word" not in str(caught.value)
