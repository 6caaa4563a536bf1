"""Anthropic's Messages, through its own client, against a server that answers as its reference describes."""

import pytest

from jz3.core.errors import UserError
from jz3.core.execution import Price
from jz3.generation.asking import ask_all
from jz3.generation.chat import CHAT, ChatAnswer, ChatFailure, ChatRequest
from jz3.generation.endpoint import Endpoint
from jz3.generation.served_answers import Body, Unreadable, leniently
from jz3.generation.spending import answer_usd
from jz3.store.row_store import open_store
from tests.generation.builders import execution
from tests.generation.reasoning_server import TEXT, THOUGHT, reasoner

KEY = "sk-ant-Q7x2kV9pLm4Rt8Zw1Yb6Nc3Hd5"
USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 5,
    "output_tokens": 40,
}


def message(*blocks, stop="end_turn", **usage):
    return {"type": "message", "role": "assistant", "model": "m", "content": list(blocks),
            "stop_reason": stop, "usage": USAGE | usage}  # fmt: skip


THINKING = {"type": "thinking", "thinking": THOUGHT, "signature": "s"}
SAID = {"type": "text", "text": TEXT}
COUNTED = {"output_tokens_details": {"thinking_tokens": 18}}


def request(prompt="p", **fields):
    limits = {"max_tokens": 900, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    return ChatRequest("anthropic", "m", prompt, api="messages", **limits | fields)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def ask(server, requests, **changes):
    endpoint = Endpoint(
        server.url.removesuffix("/v1"), KEY, ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"), "anthropic"
    )
    limits = {"retries": 0, "concurrency": 4, "timeout_s": 20} | changes
    return list(ask_all(requests, endpoint, execution(**limits), "teacher"))


def test_blocks_of_thoughts_are_kept_beside_the_text_and_counted():
    pytest.importorskip("anthropic", reason="the package anthropic, an extra, is not installed")
    with reasoner(message(THINKING, SAID, **COUNTED)) as server:
        server.refuse = lambda *_: None
        asked = [request(system="Be brief.", reasoning_effort="high")]
        (reply,) = ask(server, asked)
        assert ask(server, asked, teacher="replay") == [reply]
        ((path, body),) = server.asked
    assert path == "/v1/messages"
    assert body == {
        "model": "m",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "p"}],
        "max_tokens": 900,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "high"},
    }
    assert isinstance(reply, ChatAnswer)
    assert (reply.reasoning, reply.text, reply.finish_reason) == (THOUGHT, TEXT, "stop")
    assert (reply.prompt_tokens, reply.cached_tokens) == (20, 5)
    assert (reply.completion_tokens, reply.reasoning_tokens) == (40, 18)
    price = Price(as_of="2026-01-01", input=1, cached_input=0, output=1, batch_discount=0)
    assert answer_usd(price, reply) == pytest.approx((15 + 40) / 1e6)
    (row,) = open_store().rows(CHAT)
    assert row.result["reasoning"] == THOUGHT


def test_refusals_fail_alone_and_refused_fields_stop_with_their_name():
    pytest.importorskip("anthropic", reason="the package anthropic, an extra, is not installed")

    def answer(body):
        refused = body["messages"][0]["content"] == "p 3"
        return message(stop="refusal") if refused else message(SAID)

    with reasoner(answer) as server:
        server.refuse = lambda *_: None
        replies = ask(server, [request(f"p {n}") for n in range(6)])
        assert [isinstance(reply, ChatFailure) for reply in replies] == [n == 3 for n in range(6)]
        words = "`temperature` may only be set to 1 when thinking is enabled."
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
        server.refuse = lambda _, body: error if body.get("temperature") == 0.6 else None
        with pytest.raises(UserError, match="refuses the field 'temperature'"):
            ask(server, [request(f"q {n}", temperature=0.6) for n in range(40)])
        assert len(server.asked) <= 6 + 4


@pytest.mark.parametrize(
    ("said", "thought"),
    [
        (message(THINKING, stop="max_tokens"), THOUGHT),
        (message({"type": "redacted_thinking", "data": "x"}, stop="max_tokens"), ""),
    ],
)
def test_a_message_that_was_cut_while_it_thought_is_an_answer(said, thought):
    body = leniently(said)
    assert isinstance(body, Body)
    assert (body.choices[0].message.trace, body.choices[0].message.content) == (thought, "")


def test_a_message_that_ended_in_its_thought_is_no_answer():
    said = leniently(message(THINKING))
    assert isinstance(said, Unreadable)
    assert said.textless is not None
    assert said.textless.choices[0].message.trace == THOUGHT
