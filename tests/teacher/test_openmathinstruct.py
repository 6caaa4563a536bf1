"""OpenMathInstruct-1 from seeds to judged rows: problem writer, row store, sandbox and grader."""

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.generation.chat import CHAT
from jz3.graph.recipe_asks import recipe_asks
from jz3.store.row_store import open_store
from jz3.teacher.augment import augment
from jz3.teacher.taught import AugmentParams, asks_of_a_seed, next_round, rounds_of, rows_of_a_seed
from jz3.text.problem_text import programs_of
from jz3.writer.catalogue import FAMILIES
from jz3.writer.write import printed
from tests.teacher.builders import EXECUTION, REPLAY, seed_problems, seed_row
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/openmathinstruct")
PROGRAMS = re.compile(r"```python\n(.*?)\n```\n```output\n(.*?)\n```\n", re.DOTALL)


def params(default=2, subject=1, masked=2, masks=2, prefer="none", rows=None):
    return AugmentParams.model_validate(
        {
            "teachers": {"one": declared(temperature=1.0, top_p=0.95, max_tokens=512).model_dump()},
            "seed": 37,
            "recipe": {
                "name": "openmathinstruct",
                "default": default,
                "subject": subject,
                "masked": masked,
                "masks": masks,
                "length_margin": 0.5,
                "programs": 1,
                "limits": {
                    "wall_seconds": 9,
                    "cpu_seconds": 9,
                    "memory_mb": 512,
                    "output_characters": 10_000,
                },
                "prefer": prefer,
                "rows": rows,
            },
        }
    )


PROSE = [seed_row(number, family) for number, family in enumerate(FAMILIES[::16])]
ROWS = [
    *PROSE,
    seed_row(90, FAMILIES[3], "tool"),
    PROSE[0] | {"seed_id": "wrong", "answer": "-99", "subject": None},
    PROSE[1] | {"seed_id": "unread", "question": "A van holds 7 crates of 8 jars. How many jars?"},
    PROSE[2] | {"seed_id": "goldless", "answer": None},
]


def seeds(rows=ROWS):
    return seed_problems(rows)


@pytest.fixture(scope="module")
def done(store):
    """One run, for tests that look at what it left."""
    before = recipe_asks(seeds(), PROMPTS, params(), open_store())
    return before, augment(seeds(), PROMPTS, params(), EXECUTION)


def test_every_operator_accounts_for_all_that_it_asked(done):
    _, found = done
    assert set(found.metrics.operators) == {"default", "mask", "masked", "subject"}
    for operator in found.metrics.operators.values():
        rows = operator.rows
        assert rows.read == rows.kept + sum(rows.rejected.values()) + rows.failed
        assert rows.kept > 0
        assert operator.completion_tokens > 0
    assert found.metrics.rows.kept == found.problems.height
    assert found.metrics.rows.rejected == Counter(found.rejects["rule"])
    rejected = Counter(rule.partition(".")[2] for rule in found.rejects["rule"])
    assert (rejected["no_gold"], rejected["reference_is_code"]) == (1, 1)
    assert rejected["answer_differs"] >= 4, "of the seed whose gold answer is wrong"
    assert rejected["no_answer"] >= 5, "of the question that the writer does not know"


def test_rows_end_in_the_gold_answer_and_show_what_their_programs_print(done):
    _, found = done
    gold = {row["seed_id"]: row["answer"] for row in ROWS}
    kinds = Counter(found.problems["kind"])
    assert kinds["tool"] > kinds["cot"] > 0
    for row, line in zip(found.problems.to_dicts(), found.lineage.to_dicts(), strict=True):
        assert row["problem_id"] == line["problem_id"]
        assert equal(gold[line["seed_ids"][0]], row["answer"]).equal
        shown = PROGRAMS.findall(row["solution"])
        assert [program for program, _ in shown] == programs_of(row["solution"])
        assert all(printed(program) == output for program, output in shown)
        assert (row["kind"] == "tool") == bool(shown) == line["variant"].endswith("/1")
        assert len(line["parent_ids"]) == bool(shown) + (line["variant"][:1].isdigit())


def test_tokens_of_a_kept_solution_are_those_of_all_its_parts(store):
    found = augment(seeds(PROSE), PROMPTS, params(default=1, subject=0, masked=0), EXECUTION)
    (operator,) = found.metrics.operators.values()
    assert (operator.rows.rejected, operator.rows.failed) == ({}, 0)
    assert "tool" in set(found.problems["kind"])
    assert found.metrics.kept_tokens == operator.prompt_tokens + operator.completion_tokens


def test_the_plan_counts_what_is_asked_before_and_after(done):
    before, found = done
    asked = {name: one.answered for name, one in found.metrics.operators.items()}
    assert before.stored == 0
    assert all(before.known[name] + before.ahead[name] >= count for name, count in asked.items())
    after = recipe_asks(seeds(), PROMPTS, params(), open_store())
    assert (after.known, after.stored, after.ahead) == (asked, sum(asked.values()), {})


def test_of_a_seed_each_solution_is_asked_for_and_what_follows_its_program_in_the_usual_share():
    sizes = {"default": 3, "subject": 2, "masked": 1}
    solutions = {name: size * 1.836 for name, size in sizes.items()}
    assert asks_of_a_seed(params(**sizes, masks=4)) == pytest.approx(solutions | {"mask": 4})
    assert rows_of_a_seed(params(**sizes)) == 6
    unmasked = asks_of_a_seed(params(default=1, subject=0, masked=0, masks=4))
    assert "mask" not in unmasked, "copies are asked for only where one is shown"


def test_more_draws_ask_for_the_new_ones_alone_and_a_replay_gives_the_same(done):
    _, few = done
    paid = {row.key for row in open_store().rows(CHAT)}
    assert len(paid) == few.metrics.answered
    again = augment(seeds(), PROMPTS, params(), REPLAY)
    assert again.problems.equals(few.problems)
    assert again.metrics == few.metrics
    more = augment(seeds(), PROMPTS, params(default=3, subject=2, masked=3), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert paid < set(sent)
    assert len(sent) == len(set(sent)) == more.metrics.answered
    old = more.problems.filter(pl.col("problem_id").is_in(few.problems["problem_id"].implode()))
    assert old.sort("problem_id").equals(few.problems.sort("problem_id"))


def test_code_is_preferred_and_rows_are_drawn_evenly(done):
    _, whole = done
    kept = augment(seeds(), PROMPTS, params(prefer="any_code", rows=7), REPLAY)
    assert kept.problems.height == 7 == kept.metrics.rows.kept
    assert set(kept.problems["problem_id"]) < set(whole.problems["problem_id"])
    assert (
        kept.metrics.rows.rejected["openmathinstruct.not_preferred"] == Counter(whole.problems["kind"])["cot"]
    )
    by_seed = Counter(ids[0] for ids in kept.lineage["seed_ids"])
    assert max(by_seed.values()) - min(by_seed.values()) <= 1
    assert set(kept.problems["kind"]) == {"tool"}


def first_round(rows=ROWS, **sizes):
    return next(rounds_of(seeds(rows), PROMPTS, params(**sizes)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(ROWS), sizes=st.tuples(*[st.integers(0, 2)] * 4))
def test_neither_the_order_of_seeds_nor_more_draws_change_an_ask(order, sizes):
    named = dict(zip(("default", "subject", "masked", "masks"), sizes, strict=True))
    asked = first_round(order, **named).asks
    assert asked == first_round(ROWS, **named).asks
    more = {
        one.ask_id: one for one in first_round(ROWS, **{name: size + 1 for name, size in named.items()}).asks
    }
    assert all(more[one.ask_id] == one for one in asked)


BAGS = PROSE[0] | {
    "seed_id": "bags",
    "question": "There are 4 bags of 6 apples, and Tom finds 9 more. How many are there in all?",
    "solution": "The bags hold 4 * 6 = 24 apples.\nAltogether there are 24 + 9 = 33 apples.",
    "answer": "33",
}
VALID = "The bags hold 4 * 6 = M apples.\nAltogether there are M + 9 = N apples."
CHATTY = f"{VALID}\nSo N of 6 and 9."
LEAKS = VALID.replace("N apples", "33 apples")


@pytest.mark.parametrize(
    ("copies", "shown", "variant"),
    [
        ((LEAKS, CHATTY, VALID), VALID, "2"),
        ((CHATTY, LEAKS, LEAKS), CHATTY, "0"),
        ((LEAKS, LEAKS, "The bags hold M apples, altogether N."), VALID, "rule"),
        ((), VALID, "rule"),
    ],
)
def test_a_valid_copy_is_shown_or_what_the_rule_masks_and_never_the_reference(copies, shown, variant):
    rounds = rounds_of(seeds([BAGS]), PROMPTS, params(masks=3))
    first = next(rounds)
    written = {one.ask_id: copies[one.draw] for one in first.asks if one.operator == "mask" and copies}
    second = next_round(rounds, written)
    assert {one.variant for one in second.asks} == {variant}
    assert all(f"\n{shown}\n" in one.prompt and "33" not in one.prompt for one in second.asks)
    assert sum(one.refusal is None for one in second.judged) == (variant != "rule")
    assert len(second.judged) == len(copies)


def test_what_stands_in_a_program_is_no_place_of_a_prompt():
    rounds = rounds_of(seeds([BAGS]), PROMPTS, params(masked=0))
    first = next(rounds)
    begun = "See.\n```python\nquestion = 33\nprint(f'{question}')\n```\n```output\n33\n```\n"
    second = next_round(rounds, {first.asks[0].ask_id: begun})
    (ask,) = second.asks
    assert f"### Solution so far\n{begun}" in ask.prompt
    assert ask.tool.begun == begun
    assert ask.parent_ids == (first.asks[0].ask_id,)
