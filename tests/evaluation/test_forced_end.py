"""Budget forcing: a thought that reached its limit is ended and answered, and nothing else is changed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.answers.extract import extract_strict
from jz3.core.artifacts import InDir
from jz3.evaluation.answer import answer
from jz3.evaluation.forced_end import ForcedEndParams, forced_ends, gone_on, is_cut_thought, with_forced_ends
from jz3.evaluation.tool_loop import Attempt
from jz3.generation.completion_rows import GENERATE
from jz3.generation.engine import Generated, Turn
from jz3.generation.engines import open_engine
from jz3.generation.prompts import encode_prompts
from jz3.graph.asked_items import answered_items
from jz3.store.row_store import open_store
from jz3.tables.forced_end import ForcedEnd
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.response import Response
from tests.evaluation.test_answer import FILES, parameters
from tests.evaluation.test_grade import items
from tests.generation.builders import execution, tiny_model

END = ForcedEndParams(text="\n</think>\n\nThe answer is \\boxed{", max_tokens=5)


def attempt(text, finish_reason="length", **changes):
    return Attempt(
        seed=7,
        text=text,
        calls=1,
        prompt_tokens=3,
        completion_tokens=9,
        finish_reason=finish_reason,
        ended=True,
        **changes,
    )


@pytest.mark.parametrize(
    ("text", "finish_reason", "cut"),
    [
        ("<think>Two and two", "length", True),
        ("Two and two", "length", True),  # the thought began in the prompt
        ("<think>a</think>\n<think>b", "length", True),
        ("<think>a</think>\nIt is", "length", False),
        ("a</think>\nIt is", "length", False),
        ("<think></think>It is", "length", False),
        ("<think>Two and two", "stop", False),
        ("\\boxed{4}", "stop", False),
    ],
)
def test_a_response_is_forced_where_its_thought_was_cut(text, finish_reason, cut):
    assert is_cut_thought(attempt(text, finish_reason)) == cut


def test_the_model_goes_on_behind_the_end_and_its_answer_is_read():
    asked = []

    def generate(requests):
        asked.extend(requests)
        return [Generated("4}.", "stop", prompt_tokens=20, completion_tokens=3) for _ in requests]

    before = [attempt("<think>Two and two are \\boxed{5}?"), attempt("So \\boxed{4}.", "stop")]
    conversation = (Turn("user", "Q"),)
    after = with_forced_ends([conversation, "Q\n"], before, generate, END)
    assert after[1] is before[1]
    (request,) = asked
    said = "<think>Two and two are \\boxed{5}?\n</think>\n\nThe answer is \\boxed{"
    assert request.prompt == (*conversation, Turn("assistant", said))
    assert request.seed == 7
    assert after[0].text == f"{said}4}}."
    assert extract_strict(after[0].text).answer == "4"
    assert extract_strict(before[0].text).answer is None
    assert (after[0].calls, after[0].prompt_tokens, after[0].completion_tokens) == (2, 23, 12)
    assert after[0].finish_reason == "stop"
    assert gone_on("Q\n", said) == f"Q\n{said}"
    responses = pl.DataFrame({"response_id": ["a/prose/0", "b/prose/0"], "item_id": ["a", "b"]})
    table = ForcedEnd.validate(forced_ends(responses, before, after))
    assert table.rows() == [("a/prose/0", "a", 9, 3, "stop")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["<think>", "</think>", "a", "\\boxed{1}"]), st.sampled_from(["stop", "length"])
        ),
        max_size=6,
    )
)
def test_only_cut_thoughts_are_asked_again_each_once(drawn):
    before = [attempt(text, reason) for text, reason in drawn]
    calls = []

    def generate(requests):
        calls.append(len(requests))
        return [Generated("x", "stop", 1, 1) for _ in requests]

    after = with_forced_ends(["p"] * len(before), before, generate, END)
    cut = [is_cut_thought(one) for one in before]
    assert sum(calls) == sum(cut)
    assert [one.calls for one in after] == [1 + forced for forced in cut]
    assert all(one.text.count(END.text) == forced for one, forced in zip(after, cut, strict=True))
    assert not any(is_cut_thought(one) for one in after)


def test_an_end_must_end_a_thought():
    with pytest.raises(ValidationError, match="no mark that ends a thought"):
        ForcedEndParams(text="Time is up.", max_tokens=5)


@pytest.mark.parametrize("template", ["jiuzhang", "chat"])
def test_a_model_is_asked_again_once_and_its_first_call_keeps_its_key(template, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    model = InDir(ModelManifest, tiny_model(tmp_path / "model", context=512, chat=template == "chat"))
    prose = {"template": template, "benchmarks": ["b"], "shots": {}, "forced_end": None}

    def answered(forced):
        with open_engine("transformers", model, "saved", execution()) as engine:
            return answer(
                items(["1", "2"]),
                FILES,
                engine,
                parameters(prose=prose | {"forced_end": forced}),
                execution(),
            )

    plain = answered(None)
    first = {row.key for row in open_store().rows(GENERATE)}
    forced = answered(END.model_dump())
    Response.validate(forced.responses)
    cut = plain.responses.filter(pl.col("finish_reason") == "length")["response_id"]
    assert cut.len() == 2, "random weights do not end"
    assert forced.forced_ends["response_id"].to_list() == sorted(cut)
    assert forced.responses["calls"].to_list() == [2, 2]
    for before, after in zip(plain.responses["text"], forced.responses["text"], strict=True):
        assert after.startswith(before + END.text)
    assert all(0 < tokens <= 5 for tokens in forced.forced_ends["answer_tokens"])
    rows = {row.key for row in open_store().rows(GENERATE)}
    assert (len(rows), first < rows) == (4, True)
    again = answered(END.model_dump())
    assert again.responses.equals(forced.responses)
    assert {row.key for row in open_store().rows(GENERATE)} == rows


def test_a_conversation_goes_on_in_the_midst_of_an_answer(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model(tmp_path / "model", context=512, chat=True))
    question = Turn("user", "Q")
    whole, begun = encode_prompts(tokenizer, [(question,), (question, Turn("assistant", "<end>So"))])
    assert begun[: len(whole)] == whole
    assert tokenizer.decode(begun[len(whole) :]) == "< end>So", "what a turn says is no mark"


def test_the_plan_says_what_may_be_asked_again():
    sections = {
        "answer": parameters(samples=3).model_dump(mode="json"),
        "benchmarks": {
            "sources": [
                {
                    "name": "b",
                    "reader": "reasoning_gym",
                    "dataset": "chain_sum",
                    "size": 10,
                    "seed": 1,
                    "config": {},
                }
            ]
        },
    }
    assert answered_items(sections, 100).again is None
    sections["answer"]["prose"]["forced_end"] = END.model_dump()
    asked = answered_items(sections, 100)
    assert (asked.rows, asked.completion_tokens) == (30, 3000)
    assert (
        asked.again
        == "a thought that reaches 8 tokens is ended: up to 30 more calls, each of at most 5 tokens"
    )
