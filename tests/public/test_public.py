"""What `import jz3` offers: the graph's own functions on columns, and the grader as a reward."""

import doctest
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import yaml

import jz3
import jz3.reward
from jz3.core.errors import UserError
from jz3.public import answers, curation

ROOT = Path(__file__).parents[2]
QUESTIONS = [
    "A farmer has 12 cows and buys 7 more at the market; how many cows does the farmer have now?",
    "A farmer has 12 cows and buys 7 more at the market, how many cows does the farmer have now",
    "What is the sum of all the odd numbers between 100 and 200, and why is it divisible by 50?",
]
HARD = [("\\int_0^1 x dx", f"The answer is $\\int_0^1 {n} x dx$.") for n in (1, 2)]


def judged(pair):
    return jz3.grade(*pair).equal


@pytest.mark.parametrize("module", [answers, curation, jz3.reward])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


def test_the_same_verdicts_in_threads_and_processes():
    assert [judged(pair) for pair in HARD] == [True, False]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(judged, HARD * 4)) == [True, False] * 4
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert list(processes.map(judged, HARD * 2)) == [True, False] * 2


@pytest.mark.parametrize("column", [list, pl.Series, pa.array])
def test_columns_of_any_kind(column):
    found = jz3.dedup(column(QUESTIONS))
    assert sorted(found["rule"].drop_nulls()) == ["dedup.exact"]
    assert jz3.decontaminate(column(QUESTIONS), {"b": column(QUESTIONS[2:])})["evidence"][2] == "b/0"


def test_programs_run_and_texts_are_judged():
    program = "We count.\n\n```python\nprint(3)\n```\n\n```output\n3\n```\n\nSo it is \\boxed{%d}."
    assert jz3.execute([program % 3, program % 4])["rule"].to_list() == [None, "execute.wrong_answer"]
    found = jz3.filter(
        QUESTIONS[:2], ["It is $\\frac{1}{2$. " * 8, "We add 12 and 7, " * 8 + "so \\boxed{19}."]
    )
    assert found["rule"][0] == "filter.unbalanced_latex"


def test_thresholds_are_those_of_the_profiles():
    ours = yaml.safe_load(curation.SETTINGS.read_text())
    paper = yaml.safe_load((ROOT / "profiles/paper.yaml").read_text())
    execution = yaml.safe_load((ROOT / "profiles/execution/embedded.yaml").read_text())
    expected = {name: paper[name] for name in ("dedup", "decontaminate", "execute")}
    expected["filter"] = paper["filter"]["default"]
    assert ours == expected | {"execution": execution}


def test_ids_that_repeat_and_columns_that_differ_are_named():
    with pytest.raises(UserError, match="twice"):
        jz3.dedup(QUESTIONS, ids=["a", "a", "b"])
    with pytest.raises(UserError, match="as many of "):
        jz3.filter(QUESTIONS, ["x"])


def test_the_reward_as_trainers_call_it():
    score = jz3.reward.compute_score(
        data_source="openai/gsm8k", solution_str="#### 1,800", ground_truth="1800", extra_info={"index": 0}
    )
    assert score == 1.0
    conversations = [[{"role": "assistant", "content": text}] for text in ("The answer is 4.", "")]
    rewards = jz3.reward.accuracy_reward(
        prompts=["p", "p"], completions=conversations, answer=["2 + 2 is\n#### 4", "4"], trainer_state=None
    )
    assert rewards == [1.0, 0.0]
    assert jz3.reward.verify(pred_responses=["It is 4.", ""], ground_truths=["4", "4"]) == [1.0, 0.0]
    with pytest.raises(ValueError, match="gold answers"):
        jz3.reward.accuracy_reward(prompts=[], completions=[])


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nosuch"):
        _ = jz3.nosuch


@pytest.mark.parametrize(
    "call",
    [
        lambda: jz3.grade(18, "18"),
        lambda: jz3.grade("18", 18),
        lambda: jz3.grade(None, "18"),
        lambda: jz3.parse(["18"]),
        lambda: jz3.vote([18, 18]),
    ],
)
def test_what_is_no_text_is_named(call):
    with pytest.raises(TypeError, match=r"a text was expected\. Give"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: jz3.dedup(QUESTIONS[0]),
        lambda: jz3.filter(QUESTIONS, QUESTIONS[0]),
        lambda: jz3.execute(QUESTIONS[0]),
        lambda: jz3.decontaminate(QUESTIONS, {"mine": QUESTIONS[0]}),
        lambda: jz3.vote("18"),
    ],
)
def test_one_text_for_a_column_is_named_and_not_read_letter_by_letter(call):
    with pytest.raises(TypeError, match="one text; a list of texts was expected"):
        call()


@pytest.mark.parametrize(
    "gold",
    [18, 18.0, np.float64(18), "#### 18", ["18"], ("18",), np.array(["18"]), np.int64(18), Decimal(18)],
)
def test_a_gold_of_any_type_is_worth_a_reward(gold):
    assert jz3.reward.compute_score("mine", "It is 18.", gold) == 1.0
    assert jz3.reward.accuracy_reward(completions=["It is 18."], answer=[gold]) == [1.0]
    assert jz3.reward.verify(["It is 18."], [gold]) == [1.0]


@pytest.mark.parametrize("gold", [None, "", " ", float("nan"), True, [], ["1", "2"], {"value": 18}])
def test_a_gold_that_nothing_equals_is_no_silent_zero(gold):
    with pytest.raises(ValueError, match=r"the gold answer is .*; a text or a number was expected"):
        jz3.reward.verify(["It is 18."], [gold])


def test_a_row_of_another_task_has_no_reward_for_trl():
    """TRL leaves None out of the mean; a row without a gold answer belongs to another reward function."""
    assert jz3.reward.accuracy_reward(completions=["It is 18."] * 2, answer=[None, "18"]) == [None, 1.0]


@pytest.mark.parametrize(
    "completion",
    [
        [{"role": "assistant", "content": [{"type": "image_url"}, {"type": "text", "text": "It is 18."}]}],
        [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "It is 18."}],
    ],
)
def test_a_completion_of_turns_and_parts_is_read(completion):
    assert jz3.reward.accuracy_reward(completions=[completion], answer=["18"]) == [1.0]


@pytest.mark.parametrize("completion", [None, "", [], [{"role": "assistant", "content": None}]])
def test_nothing_said_is_no_reward(completion):
    assert jz3.reward.accuracy_reward(completions=[completion], answer=["18"]) == [0.0]
