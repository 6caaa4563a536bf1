"""A cap on the tokens of teachers: which units it takes is a law, and every stage that asks respects it."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InDir, InFiles
from jz3.core.errors import BudgetReached
from jz3.core.execution import Price
from jz3.core.hashing import draw_order
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.teacher.asks import AcrossSeedsError, seed_of
from jz3.teacher.augment import augment
from jz3.teacher.budget import within
from jz3.teacher.distill import Cap, distill
from jz3.teacher.solve import SolveParams, solve
from jz3.teacher.taught import AugmentParams, rounds_of
from jz3.teacher.teacher import Teachers
from jz3.writer.catalogue import FAMILIES
from jz3.writer.server import MODEL
from tests.teacher.builders import EXECUTION, REPLAY, prompts, seed_problems, seed_row, teacher

DATA = Path(__file__).parents[2] / "data"
PARAMS = Teachers(teachers={"writer": teacher()}, seed=1)
UNITS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 40), max_size=30)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def taken_of(units, cap, seed=0):
    """The units taken, and every unit that was asked to find them."""
    asked = []

    def tokens_of(some):
        asked.extend(some)
        return {unit: units[unit] for unit in some}

    return within(units, cap, seed, tokens_of), asked


@given(UNITS, st.integers(0, 400), st.integers(0, 3))
def test_the_units_of_least_hash_are_taken_up_to_the_first_that_does_not_fit(units, cap, seed):
    taken, _ = taken_of(units, cap, seed)
    ordered = sorted(units, key=lambda unit: draw_order(seed, unit))
    assert taken == set(ordered[: len(taken)])
    assert sum(units[unit] for unit in taken) <= cap
    rest = ordered[len(taken) :]
    assert not rest or sum(units[unit] for unit in (*taken, rest[0])) > cap


@given(UNITS, st.integers(0, 400), st.integers(0, 400))
def test_a_larger_cap_keeps_what_a_smaller_one_takes(units, cap, more):
    assert taken_of(units, cap)[0] <= taken_of(units, cap + more)[0]


@given(UNITS, st.integers(0, 400), st.randoms())
def test_the_order_in_which_units_come_changes_nothing(units, cap, random):
    shuffled = list(units)
    random.shuffle(shuffled)
    assert taken_of({unit: units[unit] for unit in shuffled}, cap) == taken_of(units, cap)


@given(st.integers(1, 300), st.integers(1, 50), st.integers(0, 20_000))
def test_of_units_that_cost_the_same_at_most_one_is_asked_beyond_the_cap(count, cost, cap):
    taken, asked = taken_of({str(unit): cost for unit in range(count)}, cap)
    assert len(asked) == len(set(asked)) <= len(taken) + 1


def tokens(kd_set):
    return int(kd_set.answers.select(pl.sum_horizontal("prompt_tokens", "completion_tokens").sum()).item())


def two_to_a_passage(count):
    paired = prompts(count).with_columns(
        passage_id=pl.lit("passage-") + (pl.int_range(pl.len()) // 2).cast(pl.String)
    )
    return Prompt.validate(paired)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_set_keeps_within_its_cap_with_whole_passages(concurrency):
    asked, cap = two_to_a_passage(24), 800
    execution = EXECUTION.model_copy(update={"concurrency": concurrency})
    found = distill(asked, PARAMS, execution, Cap(cap, 1.0, frozenset(asked["passage_id"])))
    assert cap - 300 < tokens(found) <= cap, "the next passage would not fit"
    whole = distill(asked, PARAMS, EXECUTION)
    assert found.metrics.rows.read == 24
    assert found.metrics.rows.rejected == {"distill.budget": found.rejects.height}
    kept = asked.filter(pl.col("prompt_id").is_in(found.answers["prompt_id"].implode()))
    assert set(kept.group_by("passage_id").len()["len"]) == {2}
    assert whole.problems.filter(pl.col("prompt_id").is_in(kept["prompt_id"].implode())).equals(
        found.problems
    )


def test_the_cap_on_money_is_on_all_waves_together():
    """No wave alone costs that much, and all of them together cost nearly twice as much."""
    asked, usd = two_to_a_passage(24), 0.003
    price = Price(as_of="2026-01-01", input=2.0, cached_input=1.0, output=10.0, batch_discount=0.5)
    params = Teachers(teachers={"writer": teacher(max_tokens=20)}, seed=1)
    execution = EXECUTION.model_copy(
        update={"prices": {MODEL: price}, "budget_usd": usd, "concurrency": 1, "retries": 0}
    )
    with pytest.raises(BudgetReached):
        distill(asked, params, execution, Cap(1_000_000, 1.0, frozenset(asked["passage_id"])))


def test_both_rounds_of_a_recipe_together_keep_within_the_cap_and_grow_with_it():
    first, both = two_to_a_passage(12), two_to_a_passage(24)
    passages = frozenset(first["passage_id"])
    before, most = frozenset(), tokens(distill(both, PARAMS, EXECUTION))
    for cap in (most // 4, most // 2, 3 * most // 4):
        initial, boosted = (distill(one, PARAMS, EXECUTION, Cap(cap, 0.6, passages)) for one in (first, both))
        assert set(initial.answers["request_id"]) <= set(boosted.answers["request_id"])
        assert tokens(boosted) <= cap
        now = frozenset(boosted.answers["request_id"])
        assert before < now
        before = now
    assert set(boosted.problems["passage_id"]) - passages, "the second round has its own part"


def meta(**sizes):
    recipe = {
        "name": "metamath",
        "answers": 1,
        "rephrase": {"rewordings": 1, "answers": 1},
        "fobar": {"answers": 1},
        "self_verification": {"statements": 1, "answers": 1},
    }
    return AugmentParams.model_validate(
        {"teachers": {"one": teacher(max_tokens=1024).model_dump()}, "seed": 31, "recipe": recipe | sizes}
    )


META = InFiles(DATA / "recipes/metamath")
SEEDS = [seed_row(number, family, split="teacher") for number, family in enumerate(FAMILIES[::8])]


def spent(done):
    return done.metrics.prompt_tokens + done.metrics.completion_tokens


def test_a_recipe_keeps_within_the_cap_and_is_that_of_the_seeds_it_takes():
    whole = augment(seed_problems(SEEDS), META, meta(), EXECUTION)
    capped = augment(seed_problems(SEEDS), META, meta(), REPLAY, spent(whole) // 2)
    assert 0 < spent(capped) <= spent(whole) // 2
    beyond = set(capped.rejects.filter(rule="metamath.budget")["row_id"])
    rest = [row for row in SEEDS if row["seed_id"] not in beyond]
    assert 0 < len(rest) < len(SEEDS)
    alone = augment(seed_problems(rest), META, meta(), REPLAY)
    assert capped.problems.equals(alone.problems)
    assert spent(capped) == spent(alone), "texts on the way and rejected answers count, too"
    assert capped.metrics.rows.read == alone.metrics.rows.read + len(beyond)
    assert augment(seed_problems(SEEDS), META, meta(), REPLAY, spent(whole)).problems.equals(whole.problems)


def test_a_recipe_that_asks_across_seeds_is_refused_in_one_line():
    one = next(iter(next(rounds_of(seed_problems(SEEDS), META, meta())).asks))
    assert seed_of(one) == one.seed_ids[0]
    with pytest.raises(AcrossSeedsError, match="metamath asks across 2 seeds"):
        seed_of(replace(one, seed_ids=("a", "b")))


def solver(form):
    return SolveParams.model_validate(
        {
            "name": "it",
            "draws": 2,
            "only": None,
            "quota": {"form": form, "rows": 2, "most_draws": 4},
            "prompt": "task.md",
            "symbolic_seconds": 3.0,
            "solver": {"kind": "teacher", "teacher": teacher(max_tokens=1024).model_dump(), "seed": 3},
        }
    )


def problems():
    rows = [
        {
            "problem_id": row["seed_id"],
            "prompt_id": None,
            "passage_id": None,
            "source": "seed",
            "level": row["level"],
            "kind": row["kind"],
            "subject": row["subject"],
            "problem": row["question"],
            "solution": row["solution"],
            "answer": row["answer"],
        }
        for row in SEEDS
    ]
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def test_a_solver_answers_the_problems_that_the_cap_takes_and_no_part_of_another():
    asked = (problems(), InFiles(DATA / "solvers"), InDir(ModelManifest, None), solver("uniform"))
    whole = solve(*asked, EXECUTION)
    cap = (whole.metrics.prompt_tokens + whole.metrics.completion_tokens) // 2
    found = solve(*asked, REPLAY, cap)
    assert 0 < found.metrics.prompt_tokens + found.metrics.completion_tokens <= cap
    taken = found.attempts["problem_id"].unique()
    assert whole.attempts.filter(pl.col("problem_id").is_in(taken.implode())).equals(found.attempts)
    left_out = found.rates.filter(pl.col("draws") == 0)["problem_id"]
    assert set(left_out) == set(whole.rates["problem_id"]) - set(taken)
    assert found.metrics.rows.rejected == {"solve.budget": 2 * len(left_out)}
    assert found.metrics.paid.answered == found.attempts.height


def test_a_quota_that_hangs_on_other_problems_is_refused_under_a_cap():
    with pytest.raises(AcrossSeedsError, match="prop2diff"):
        solve(
            problems(), InFiles(DATA / "solvers"), InDir(ModelManifest, None), solver("prop2diff"), REPLAY, 9
        )
