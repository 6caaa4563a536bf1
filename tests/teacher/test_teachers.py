"""Reasoning teachers, and several in one set, from their declaration to the tables."""

import json
import re

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Price
from jz3.generation.chat import CHAT, chat_key
from jz3.store.row_store import open_store
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.teacher.distill import chat_request, distill
from jz3.teacher.teacher import Teachers, teacher_of
from jz3.text.problem_text import Unusable, read_completion
from jz3.writer.server import MODEL, THINKING_MODEL
from jz3.writer.thinking import WRONG_ONE_IN
from tests.conftest import ROOT
from tests.generation.reasoning_server import reasoner
from tests.teacher.builders import prompts, teacher
from tests.teacher.test_distill import EXECUTION, REPLAY

FIELDS = {"max_completion_tokens": 2_500, "seed": "drawn"}
THINKING = teacher(model=THINKING_MODEL, request=FIELDS)
PRICES = {"m": Price(as_of="2026-01-01", input=1, cached_input=1, output=1, batch_discount=0)}
PROBLEM = "[Problem]\nTom has 3 apples. How many?\n\n[Solution]\nHe has \\boxed{3}."


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def test_the_key_of_a_request_of_today_is_that_of_before():
    row = prompts(1).row(0, named=True)
    params = Teachers(teachers={"writer": teacher()}, seed=31)
    assert chat_key(chat_request(row, params)) == "8f7e641cecdb00d3febb99b6b661a42f"


def test_a_set_with_thoughts_has_the_problems_of_the_one_without():
    """The thinking writer writes what the other one writes, after thinking; guesses are not answers."""
    plain = distill(prompts(80), Teachers(teachers={"w": teacher()}, seed=1), EXECUTION)
    params = Teachers(teachers={"t": THINKING}, seed=1)
    found = distill(prompts(80), params, EXECUTION)
    texts = ["prompt_id", "problem", "solution", "answer"]
    assert found.problems.select(texts).equals(plain.problems.select(texts))
    answers = TeacherAnswer.validate(found.answers)
    assert answers.height == 80
    assert answers["reasoning"].str.len_chars().min() > 100
    assert (answers["reasoning_tokens"] == answers["reasoning"].str.count_matches(r"\S+")).all()
    assert (answers["reasoning_tokens"] < answers["completion_tokens"]).all()
    wrong = answers["reasoning"].str.contains("boxed", literal=True).mean()
    assert wrong == pytest.approx(1 / WRONG_ONE_IN, abs=0.15)
    told = found.metrics.teachers
    assert told is not None
    assert told["t"].reasoning_tokens == answers["reasoning_tokens"].sum()
    assert plain.metrics.teachers is None
    assert "teachers" not in json.loads(plain.metrics.model_dump_json())
    again = distill(prompts(80), params, REPLAY)
    assert again.answers.equals(found.answers)
    assert again.metrics == found.metrics
    stored = {row.key: row.result for row in open_store().rows(CHAT)}
    assert all(
        stored[key]["reasoning"] == thought
        for key, thought in answers.select("request_id", "reasoning").rows()
    )


@pytest.mark.parametrize("limit", [8, 30])
def test_thoughts_that_were_cut_are_rejected_and_kept(limit):
    cut = Teachers(
        teachers={"t": teacher(model=THINKING_MODEL, request=FIELDS | {"max_completion_tokens": limit})},
        seed=1,
    )
    found = distill(prompts(6), cut, EXECUTION)
    assert found.metrics.rows.rejected == {"distill.open_thought": 6}
    assert (found.answers["reasoning_tokens"] == limit).all()
    assert distill(prompts(6), cut, REPLAY).answers.equals(found.answers)


def test_a_thinking_model_refuses_the_fields_of_others_in_one_line():
    wrong = Teachers(teachers={"t": teacher(model=THINKING_MODEL)}, seed=1)
    with pytest.raises(UserError, match=r"refuses the field 'max_tokens'.*Declare max_completion_tokens"):
        distill(prompts(20), wrong, EXECUTION)


def test_each_row_says_which_of_several_teachers_wrote_it():
    teachers = {"plain": teacher(share=1), "thinking": teacher(model=THINKING_MODEL, share=3, request=FIELDS)}
    params = Teachers(teachers=teachers, seed=1)
    found = distill(prompts(80), params, EXECUTION)
    rows = found.answers.sort("prompt_id")
    assert rows["teacher"].to_list() == [teacher_of(prompt, params) for prompt in rows["prompt_id"]]
    assert rows["teacher"].value_counts().filter(pl.col("teacher") == "plain")["count"].item() in range(
        10, 32
    )
    assert ((rows["model"] == MODEL) == (rows["teacher"] == "plain")).all()
    assert (rows["reasoning"] == "").to_list() == (rows["teacher"] == "plain").to_list()
    told = found.metrics.teachers
    assert told is not None
    assert sum(one.prompts for one in told.values()) == 80
    assert (found.metrics.provider, found.metrics.model) == ("writer", f"{MODEL}, {THINKING_MODEL}")
    ids = set(found.problems["problem_id"]) | set(found.rejects["row_id"])
    assert ids == set(rows["request_id"])


@given(st.sets(st.text(st.characters(codec="ascii"), min_size=1), min_size=1, max_size=40), st.integers(0, 9))
def test_a_teacher_that_is_added_takes_prompts_and_moves_none_between_the_others(ids, seed):
    two = Teachers(teachers={"a": teacher(share=1), "b": teacher(share=2)}, seed=seed)
    three = Teachers(teachers={**two.teachers, "c": teacher(share=5)}, seed=seed)
    for prompt_id in ids:
        now = teacher_of(prompt_id, three)
        assert now == "c" or now == teacher_of(prompt_id, two)


def test_one_cap_is_on_the_whole_set_whoever_writes_it(monkeypatch):
    said = {"choices": [{"message": {"content": PROBLEM}, "finish_reason": "stop"}]}
    said["usage"] = {"prompt_tokens": 50, "completion_tokens": 30}
    request = {"max_tokens": 40}
    with reasoner(said) as server:
        server.refuse = lambda *_: None
        for account in ("ONE", "TWO"):
            monkeypatch.setenv(f"{account}_BASE_URL", server.url)
            monkeypatch.setenv(f"{account}_API_KEY", "k")
        teachers = {
            name: teacher("openai", "m", account=name.upper(), request=request) for name in ("one", "two")
        }
        cap_usd = 0.003
        limited = EXECUTION.model_copy(update={"budget_usd": cap_usd, "prices": PRICES})
        with pytest.raises(BudgetReached):
            distill(prompts(60), Teachers(teachers=teachers, seed=1), limited)
        assert 0.6 * cap_usd < len(server.asked) * 80e-6 <= cap_usd


def test_a_teacher_without_a_key_is_told_by_the_name_of_its_own_variable(monkeypatch):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    params = Teachers(teachers={"d": teacher("deepseek", "m", account="DEEPSEEK")}, seed=1)
    with pytest.raises(UserError, match="DEEPSEEK_API_KEY was expected"):
        distill(prompts(2), params, EXECUTION)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_completion_tokens": 5}, "one of max_tokens, max_completion_tokens, max_output_tokens"),
        ({"max_tokens": None}, "and 0 are there"),
        ({"extra_body": {"stream": True}}, "extra_body may not hold stream"),
        ({"extra_body": {"temperature": 1}}, "extra_body may not hold temperature"),
        ({"api": "responses"}, "responses has no field max_tokens, seed"),
        ({"api": "messages"}, "messages has no field seed"),
        ({"account": "no"}, "account"),
        ({"thinking": {"a": {1, 2}}}, "thinking"),
    ],
)
def test_a_declaration_that_cannot_be_sent_is_refused_before_anything_is(changes, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        teacher(**changes)


def test_every_declaration_of_the_docs_can_be_sent():
    blocks = re.findall(r"```yaml\n(distill:.*?)```", (ROOT / "docs/teacher.md").read_text(), re.DOTALL)
    read = [Teachers.model_validate(yaml.safe_load(block)["distill"]) for block in blocks]
    apis = {one.api for params in read for one in params.teachers.values()}
    assert apis == {"chat", "responses", "messages"}
    for params in read:
        for row in prompts(8).iter_rows(named=True):
            assert chat_request(row, params).body()["model"]


@pytest.mark.parametrize(
    ("text", "reasoning", "rule"),
    [
        ("<think>Hm, I wonder", "", "open_thought"),
        (f"{PROBLEM}\n<think>Was that", "", "open_thought"),
        ("", "Hm, I wonder", "open_thought"),
        (f"<think>one</think><think>two</think>{PROBLEM}", "", "two_thoughts"),
        (f"<think>one</think>{PROBLEM}<think>two</think>", "", "two_thoughts"),
        (f"<think>one</think>{PROBLEM}", "another", "two_thoughts"),
        (f"<think>{PROBLEM}</think>As I said.", "", "answer_in_thought"),
        ("As I said.", PROBLEM, "answer_in_thought"),
        ("", PROBLEM, "answer_in_thought"),
        (f"<think>{PROBLEM}", "", "open_thought"),
        (f"<think>one</think>{PROBLEM}", "one", None),
        (f"<think></think>\n{PROBLEM}", "one", None),
        (PROBLEM, PROBLEM.replace("3", "9"), None),
    ],
)
def test_thoughts_are_read_by_rules_of_their_own(text, reasoning, rule):
    read = read_completion(text, "stop", "cot", "write", reasoning)
    assert (read.rule if isinstance(read, Unusable) else None) == rule
    if not isinstance(read, Unusable):
        assert read.answer == "3"
    else:
        assert read.evidence
