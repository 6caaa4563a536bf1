"""A recipe from seeds to judged rows: the problem writer's server, the client, the row store, the grader."""

import json
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jz3.answers.equality import equal
from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out, OutDir
from jz3.core.execution import Price
from jz3.generation.chat import CHAT, ChatAnswer
from jz3.store.row_store import open_store
from jz3.tables.failure import Failure
from jz3.tables.lineage import Lineage
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.teacher.asks import RecipePromptError
from jz3.teacher.augment import augment
from jz3.teacher.solutions import Solution, read_solution
from jz3.teacher.taught import AugmentParams, rounds_of
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.server import MODEL
from stages.augment import main
from tests.teacher.builders import EXECUTION, REPLAY, seed_problems, seed_row
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/metamath")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def params(answers=2, **teacher):
    return AugmentParams.model_validate(
        {
            "teachers": {"one": declared(**{"temperature": 0.7, "max_tokens": 1024, **teacher}).model_dump()},
            "seed": 31,
            "recipe": {
                "name": "metamath",
                "answers": answers,
                "rephrase": {"rewordings": 0, "answers": 1},
                "fobar": {"answers": 0},
                "self_verification": {"statements": 0, "answers": 1},
            },
        }
    )


ROWS = [
    seed_row(number, family, ("cot", "tool")[number % 2], split="teacher", drawn_by="seed")
    | {"level": None if number == 3 else family.level}
    for number, family in enumerate(FAMILIES[::6])
]


def seeds(rows=ROWS):
    return seed_problems(rows)


def ids(table):
    return set(table["problem_id"])


def test_each_kept_answer_ends_in_the_gold_answer_and_knows_its_seed():
    done = augment(seeds(), PROMPTS, params(4), EXECUTION)
    by_seed = {row["seed_id"]: row for row in ROWS}
    lineage = {row["problem_id"]: row for row in done.lineage.iter_rows(named=True)}
    for row in done.problems.iter_rows(named=True):
        line = lineage.pop(row["problem_id"])
        (seed,) = line["seed_ids"]
        assert row["problem"] == by_seed[seed]["question"]
        assert line["expected"] == by_seed[seed]["answer"]
        assert equal(line["expected"], row["answer"]).equal
        assert (line["operator"], line["expected_from"]) == ("answer", "gold")
        assert read(row["problem"]).family.name == row["subject"]
    assert not lineage
    texts = done.problems.group_by("problem").agg(pl.col("solution").n_unique(), pl.len().alias("rows"))
    assert (texts["solution"] == texts["rows"]).all()
    assert done.metrics.rows.kept > 2 * len(ROWS), "several solutions of a question"


def test_every_ask_is_accounted_for_and_seeds_without_gold_are_rejected():
    rows = [
        ROWS[0] | {"answer": None},
        ROWS[1] | {"answer": "-99"},
        ROWS[2] | {"question": "Why?"},
        *ROWS[3:],
    ]
    done = augment(seeds(rows), PROMPTS, params(3), EXECUTION)
    ledger = done.metrics.rows
    assert ledger.read == 1 + 3 * (len(rows) - 1)
    assert ledger.rejected["metamath.no_gold"] == 1
    assert ledger.rejected["metamath.answer_differs"] == 3
    assert ledger.rejected["metamath.no_answer"] == 3
    assert done.rejects.height == sum(ledger.rejected.values())
    assert Counter(done.rejects["rule"]) == ledger.rejected
    (operator,) = done.metrics.operators.values()
    assert operator.rows.read == operator.answered == ledger.read - 1
    (evidence,) = done.rejects.filter(pl.col("row_id") == "s00")["evidence"]
    assert evidence == ROWS[0]["question"]


def test_more_draws_ask_for_the_new_ones_alone_and_keep_the_rows():
    few = augment(seeds(), PROMPTS, params(2), EXECUTION)
    paid = {row.key for row in open_store().rows(CHAT)}
    assert len(paid) == 2 * len(ROWS)
    many = augment(seeds(), PROMPTS, params(4), EXECUTION)
    now = [row.key for row in open_store().rows(CHAT)]
    assert paid < set(now)
    assert len(now) == len(set(now)) == 4 * len(ROWS)
    assert (
        many.problems.filter(pl.col("problem_id").is_in(ids(few.problems)))
        .sort("problem_id")
        .equals(few.problems.sort("problem_id"))
    )


def test_what_was_paid_for_before_a_kill_is_not_paid_for_again():
    """A killed run leaves the answers to a part of the seeds; the whole run uses them all."""
    augment(seeds(ROWS[:4]), PROMPTS, params(2), EXECUTION)
    whole = augment(seeds(), PROMPTS, params(2), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert len(sent) == len(set(sent)) == 2 * len(ROWS)
    again = augment(seeds(), PROMPTS, params(2), REPLAY)
    assert again.metrics == whole.metrics
    assert again.problems.equals(whole.problems)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(ROWS), answers=st.integers(0, 4))
def test_neither_the_order_of_seeds_nor_more_draws_change_an_ask(order, answers):
    asked = next(rounds_of(seeds(order), PROMPTS, params(answers))).asks
    more = next(rounds_of(seeds(), PROMPTS, params(answers + 2))).asks
    assert more[: len(asked)] == asked
    assert len({one.ask_id for one in more}) == len(more)


def test_answers_cut_at_the_limit_are_rejected_by_their_rule():
    cut = augment(seeds(), PROMPTS, params(1, max_tokens=4), EXECUTION)
    assert cut.metrics.rows.rejected == {"metamath.truncated": len(ROWS)}


def test_tokens_and_cost_stand_by_operator():
    price = Price(as_of="2026-01-01", input=2.0, cached_input=1.0, output=10.0, batch_discount=0.5)
    metrics = augment(
        seeds(), PROMPTS, params(), EXECUTION.model_copy(update={"prices": {MODEL: price}})
    ).metrics
    expected = (2 * metrics.prompt_tokens + 10 * metrics.completion_tokens) / 1e6
    assert metrics.cost_usd == pytest.approx(expected, abs=1e-6)
    assert metrics.cost_usd > 0
    assert metrics.operators["answer"].cost_usd == metrics.cost_usd


GOOD = {
    "as asked": "She pays 3 * 4 = 12 dollars.\nThe answer is \\boxed{12}.",
    "gpt, heading in bold": "**Solution:**\nThe price is $3 \\cdot 4 = 12$.\n\n$$\\boxed{12}$$",
    "qwen, thoughts": (
        "<think>3 times 4 is 13? No, 12.\\boxed{13}</think>\nThree times four makes twelve, so \\boxed{12}."
    ),
    "llama, numbered steps": (
        "## Step-by-step solution\n1. $3\\times4=12$\n2. Done.\n\nSo the final answer is: $\\boxed{12.0}$."
    ),
    "mistral, chats and carriage returns": (
        "Certainly! First \\boxed{3} bags hold 4 each.\r\nIn all we get $\\boxed{\\frac{24}{2}}$. I hope so."
    ),
    "deepseek, box in a display": "[Solution]\nWe compute:\n\\[3 \\cdot 4 = \\boxed{12}\\]\n",
}
BAD = {
    "no_answer": "She pays 3 * 4 = 12 dollars. #### 12",
    "answer_differs": "She pays 3 + 4 = 7 dollars. The answer is \\boxed{7}.",
    "truncated": "She pays 3 * 4 = \\boxed{12} dol",
    "not_finished": "\\boxed{12}",
}
REASONS = {"truncated": "length", "not_finished": "content_filter"}


def reply(text, reason="stop"):
    return ChatAnswer(text, reason, 1, 1, 0, by_batch=False)


def test_asks_that_the_teacher_refuses_are_failures_with_the_reason(tmp_path):
    for file in PROMPTS.path.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "answer.md").write_text("Task: {question}\n\n### Problem\nWhy?\n\n### Solution\n")
    rows = [row | {"question": task} for row, task in zip(ROWS, ("solve", "sing"), strict=False)]
    done = augment(seeds(rows), InFiles(tmp_path), params(2), EXECUTION)
    assert done.metrics.rows.rejected == {"metamath.no_answer": 2}
    assert done.metrics.rows.failed == done.failures.height == 2
    assert all("'sing'" in reason for reason in done.failures["reason"])


@pytest.mark.parametrize("manner", GOOD)
def test_answers_in_the_manner_of_several_models_are_read(manner):
    found = read_solution(reply(GOOD[manner]), "12")
    assert isinstance(found, Solution)
    assert equal("12", found.answer).equal
    assert not re.search(r"think|solution:|\[solution\]|\A#", found.text, re.IGNORECASE)
    assert found.text == found.text.strip()


@pytest.mark.parametrize("rule", BAD)
def test_answers_that_are_of_no_use_have_their_rule(rule):
    assert read_solution(reply(BAD[rule], REASONS.get(rule, "stop")), "12").rule == rule


def test_a_prompt_without_its_place_is_named(tmp_path):
    (tmp_path / "answer.md").write_text("Task: solve\n")
    with pytest.raises(RecipePromptError, match=r"answer\.md does not have \{question\} exactly once"):
        augment(seeds(), InFiles(tmp_path), params(), EXECUTION)
    with pytest.raises(RecipePromptError, match="does not exist"):
        augment(seeds(), InFiles(tmp_path / "none"), params(), EXECUTION)


def test_the_stage_writes_every_table(tmp_path):
    Out(SeedProblem, tmp_path / "seeds.parquet").write(seeds(ROWS[:3]))
    Out(Passage, tmp_path / "none.parquet").write(Passage.create_empty())
    main(
        params(1),
        None,
        EXECUTION,
        In(SeedProblem, tmp_path / "seeds.parquet"),
        In(Passage, tmp_path / "none.parquet"),
        PROMPTS,
        Out(Problem, tmp_path / "problems"),
        Out(Lineage, tmp_path / "lineage.parquet"),
        OutDir(WorkingsManifest, tmp_path / "workings"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Out(Failure, tmp_path / "failures.parquet"),
        Metrics(tmp_path / "metrics.json"),
    )
    assert In(Problem, tmp_path / "problems").rows() == In(Lineage, tmp_path / "lineage.parquet").rows() == 3
    assert InDir(WorkingsManifest, tmp_path / "workings").manifest().tables == {}
    rows = json.loads((tmp_path / "metrics.json").read_text())["rows"]
    assert (rows["read"], rows["kept"]) == (3, 3)
