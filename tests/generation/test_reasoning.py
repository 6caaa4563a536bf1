"""Reasoning models: requests have the fields that their endpoints accept, and no thought is lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import BatchFiles, Price
from jz3.generation.asking import ask_all
from jz3.generation.chat import (
    CHAT,
    ChatAnswer,
    ChatFailure,
    ChatRequest,
    chat_key,
    stored_answer,
)
from jz3.generation.chat import TEXTLESS as TEXTLESS_ROWS
from jz3.generation.endpoint import Endpoint
from jz3.generation.outcomes import Stop
from jz3.generation.refusals import meaning
from jz3.generation.secrets import Mask
from jz3.generation.spending import answer_usd, paid_usd
from jz3.store.row_store import open_store, request_key
from tests.generation.builders import execution
from tests.generation.reasoning_server import (
    CUT,
    HIDDEN,
    SHOWN,
    TEXT,
    TEXTLESS,
    THOUGHT,
    chat,
    reasoner,
)

KEY = "sk-proj-Q7x2kV9pLm4Rt8Zw1Yb6Nc3Hd5"
CHAT_FIELDS = {"max_completion_tokens": 900, "reasoning_effort": "high"}
FILES = BatchFiles(requests=50, megabytes=1.0, enqueued_tokens=10_000, poll_s=0.02)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def request(prompt="p", **fields):
    return ChatRequest("openai", "m", prompt, **fields)


def ask(server, requests, **changes):
    limits = {"retries": 0, "concurrency": 4, "timeout_s": 20, "batch_files": FILES} | changes
    return list(ask_all(requests, Endpoint(server.url, KEY), execution(**limits), "teacher"))


def fields_for(said):
    return {"api": "responses", "max_output_tokens": 900} if said["object"] == "response" else CHAT_FIELDS


@pytest.mark.parametrize("teacher", ["call", "batch"])
@pytest.mark.parametrize("name", SHOWN)
def test_a_thought_is_kept_beside_the_text_wherever_it_comes_and_is_asked_for_once(name, teacher):
    asked = [request(**fields_for(SHOWN[name]))]
    with reasoner(SHOWN[name]) as server:
        (reply,) = ask(server, asked, teacher=teacher)
        assert isinstance(reply, ChatAnswer)
        assert (reply.reasoning, reply.text.strip(), reply.finish_reason) == (THOUGHT, TEXT, "stop")
        said = SHOWN[name]["usage"]
        counted = "completion_tokens_details" in said or "output_tokens" in said
        assert reply.reasoning_tokens == 18 if counted else 15 <= reply.reasoning_tokens <= 25
        assert reply.completion_tokens == 40, "tokens of thoughts are among them"
        assert ask(server, asked, teacher="replay") == [reply]
        assert len(server.asked) == 1
    (row,) = open_store().rows(CHAT)
    assert row.result["reasoning"] == THOUGHT


@pytest.mark.parametrize("name", HIDDEN)
def test_a_thought_that_is_not_shown_is_counted(name):
    with reasoner(HIDDEN[name]) as server:
        (reply,) = ask(server, [request(**fields_for(HIDDEN[name]))])
    assert isinstance(reply, ChatAnswer)
    assert (reply.reasoning, reply.text, reply.reasoning_tokens) == ("", TEXT, 18)


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_was_cut_while_it_thought_is_paid_for_and_kept(name):
    asked = [request(**fields_for(CUT[name]))]
    with reasoner(CUT[name]) as server:
        (reply,) = ask(server, asked)
        assert isinstance(reply, ChatAnswer)
        assert (reply.text, reply.finish_reason) == ("", "length")
        assert reply.reasoning == ("" if "hidden" in name else THOUGHT)
        assert reply.reasoning_tokens > 0
        assert ask(server, asked) == [reply]
        assert len(server.asked) == 1


@pytest.mark.parametrize("teacher", ["call", "batch"])
@pytest.mark.parametrize("name", TEXTLESS)
def test_an_answer_that_ended_without_a_text_is_kept_and_asked_for_again_by_the_next_run(name, teacher):
    asked = [request(**fields_for(TEXTLESS[name]))]
    for run in (1, 2):
        with reasoner(TEXTLESS[name]) as server:
            (reply,) = ask(server, asked, retries=2, teacher=teacher)
            assert isinstance(reply, ChatFailure)
            assert "no text" in reply.reason
            assert len(server.asked) == 1
        rows = list(open_store().rows(TEXTLESS_ROWS))
        assert len(rows) == run, "each trace was paid for"
        assert {row.request["chat"] for row in rows} == {chat_key(asked[0])}
        thoughts = {row.result.get("reasoning", "") for row in rows}
        assert thoughts == {"" if name == "hidden" else THOUGHT}
        assert {row.result["completion_tokens"] for row in rows} == {40}
    assert not list(open_store().rows(CHAT))
    api = "summary" if name == "responses" else "reasoning"
    with reasoner(SHOWN[api]) as mended:
        (reply,) = ask(mended, asked, teacher=teacher)
    assert isinstance(reply, ChatAnswer)
    assert reply.text.strip() == TEXT


@pytest.mark.parametrize("teacher", ["call", "batch"])
def test_thoughts_without_a_text_count_under_the_cap_as_what_they_cost(teacher):
    """20 tokens read and 40 written, a USD each: there is room for a reservation beside ten of them, not
    eleven.
    """
    price = Price(as_of="2026-01-01", input=1e6, cached_input=1e6, output=1e6, batch_discount=0)
    room = {"prices": {"m": price}, "budget_usd": 10 * 60 + 80 + 900, "teacher": teacher, "concurrency": 1}
    files = FILES.model_copy(update={"requests": 1})
    with reasoner(TEXTLESS["chat"]) as server:
        for run in range(10):
            ask(server, [request(f"p {run}", **CHAT_FIELDS)], batch_files=files, **room)
        with pytest.raises(BudgetReached):
            ask(server, [request(f"p {run}", **CHAT_FIELDS) for run in range(10)], batch_files=files, **room)
    spent = [paid_usd(price, ChatRequest(**row.request["asked"]), stored_answer(row.result))
             for row in open_store().rows(TEXTLESS_ROWS)]  # fmt: skip
    assert spent == [60.0] * 11


def test_tokens_of_thoughts_that_stand_in_the_total_alone_are_paid_for():
    """XAI and Gemini do not count them among the completion's tokens."""
    apart = chat({"content": TEXT}, total_tokens=78, completion_tokens_details={"reasoning_tokens": 18})
    price = Price(as_of="2026-01-01", input=0, cached_input=0, output=1, batch_discount=0)
    for said, tokens in ((SHOWN["reasoning_content"], 40), (apart, 58)):
        with reasoner(said) as server:
            (reply,) = ask(server, [request(f"p {tokens}", **CHAT_FIELDS)])
        assert isinstance(reply, ChatAnswer)
        assert answer_usd(price, reply) == pytest.approx(tokens / 1e6)


def test_each_api_gets_its_own_fields():
    more = {"system": "Be brief.", "reasoning_effort": "low"}
    form = {"type": "json_object"}
    with reasoner(lambda body: SHOWN["summary" if "input" in body else "reasoning"]) as server:
        ask(server, [request(max_completion_tokens=9, seed=3, response_format=form, **more)])
        extra = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        responses = request(
            api="responses", max_output_tokens=9, response_format=form, extra_body=extra, **more
        )
        ask(server, [responses])
    (chat_path, by_chat), (path, by_responses) = server.asked
    assert chat_path == "/v1/chat/completions"
    assert by_chat == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "p"}],
        "max_completion_tokens": 9,
        "seed": 3,
        "n": 1,
        "reasoning_effort": "low",
        "response_format": form,
    }
    assert path == "/v1/responses"
    assert by_responses == {
        "model": "m",
        "instructions": "Be brief.",
        "input": "p",
        "max_output_tokens": 9,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": form},
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


def test_what_is_set_is_in_the_key_and_what_is_not_is_not():
    whole = {"max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "seed": 1}
    more = {"system": "s", "reasoning_effort": "low", "thinking": {"type": "enabled"}, "api": "responses"}
    more |= {"response_format": {"type": "json_object"}, "extra_body": {"k": 1}}
    keys = {chat_key(request(**whole | {name: value})) for name, value in more.items()}
    keys |= {chat_key(request(**{name: whole[name] for name in whole if name != left})) for left in whole}
    assert len(keys | {chat_key(request(**whole))}) == len(more) + len(whole) + 1
    assert request(**whole).row() == {"provider": "openai", "model": "m", "prompt": "p"} | whole


def test_thoughts_without_a_text_keep_their_key():
    attempt = {"attempt": "0" * 32, "chat": "1" * 32, "asked": {"model": "m", "prompt": "p"}}
    assert request_key(TEXTLESS_ROWS, attempt) == "5cf39294c778edf058d0a0c09db08c94"


@pytest.mark.parametrize("teacher", ["call", "batch"])
@pytest.mark.parametrize(
    ("fields", "field", "remedy"),
    [
        ({"max_tokens": 5}, "max_tokens", "Declare max_completion_tokens"),
        (CHAT_FIELDS | {"temperature": 0.6}, "temperature", "remove it"),
        (CHAT_FIELDS | {"extra_body": {"top_k": 20}}, "top_k", "remove it"),
    ],
)
def test_a_field_that_the_endpoint_refuses_is_named_with_the_remedy_before_more_is_sent(
    fields, field, remedy, teacher
):
    with reasoner(SHOWN["reasoning"]) as server:
        with pytest.raises(UserError, match=f"refuses the field '{field}'.*{remedy}") as caught:
            ask(server, [request(f"p {n}", **fields) for n in range(40)], teacher=teacher)
        assert "\n" not in str(caught.value)
        assert teacher == "batch" or len(server.asked) <= 4


OTHER_WORDS = {
    "max_tokens": "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "temperature": "`temperature` may only be set to 1 when thinking is enabled.",
    "top_p": "`top_p` must be greater than or equal to 0.95 when thinking is enabled",
    "budget_tokens": "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    "enable_thinking": "parameter.enable_thinking must be set to false for non-streaming calls",
    "thinking": "thinking: Extra inputs are not permitted",
}
"""Refusals of DeepSeek, Anthropic and Alibaba."""


@pytest.mark.parametrize("field", OTHER_WORDS)
def test_a_field_is_found_in_the_words_of_other_providers(field):
    outcome = meaning(400, {"error": {"message": OTHER_WORDS[field]}}, None, Mask(None))
    assert isinstance(outcome, Stop)
    assert field in outcome.reason.partition("which")[0]


@pytest.mark.parametrize(
    "words",
    [
        "'max_tokens' is too large: 2500. This model's maximum context length is 4096 tokens",
        "messages: text content blocks must be non-empty",
        "the prompt was flagged: its temperature, it says, must be high",
    ],
)
def test_what_is_about_a_prompt_stops_nothing(words):
    assert not isinstance(meaning(400, {"error": {"message": words}}, None, Mask(None)), Stop)


def test_the_key_is_masked_in_thoughts(tmp_path):
    with reasoner(chat({"content": TEXT, "reasoning": f"the key is {KEY}"})) as server:
        (reply,) = ask(server, [request(**CHAT_FIELDS)])
    assert isinstance(reply, ChatAnswer)
    assert reply.reasoning == "the key is ***"
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "reasoning", "thinking"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "thinking", "content", "summary", "type", "reasoning", "refusal"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, st.sampled_from(["content", "reasoning", "thinking", "reasoning_details"]))
def test_whatever_stands_where_thoughts_may_no_text_is_lost(content, odd, name):
    from jz3.generation.served_answers import Body, read_body

    message = {"content": TEXT, name: odd} if name != "content" else {"content": [content, {"text": TEXT}]}
    body = read_body(json.dumps(chat(message)).encode())
    assert isinstance(body, Body)
    assert TEXT in (body.choices[0].message.content or "")
