"""Laws of the choice: the chosen are of higher value than the others, and every prompt is accounted for."""

from typing import get_args

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.influence.values import influence_values
from jz3.selection.prompt_values import prompt_values
from jz3.selection.select import SelectParams, select
from jz3.selection.select_order import By
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.value import Value

TASKS = ("gsm8k", "math")
values = st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.1, 0.3])
problem_scores = st.lists(st.tuples(values, values), max_size=3)  # scores of a prompt's problems
pools = st.lists(problem_scores, min_size=1, max_size=12)
orders = st.sampled_from(get_args(By))
some = settings(max_examples=40)  # each example joins and groups several tables


def prompts(ids, passages):
    rows = [
        {
            "prompt_id": prompt_id,
            "passage_id": passage,
            "source": ["web", "arxiv"][len(prompt_id + passage) % 2],
            "level": "grade",
            "kind": "cot",
            "full": f"full {prompt_id}",
            "compact": prompt_id,
        }
        for prompt_id, passage in zip(ids, passages, strict=True)
    ]
    return Prompt.validate(pl.DataFrame(rows, schema=Prompt.create_empty().schema))


def tables(pool):
    """Values, problems and candidate prompts of a pool: a list of problems' scores for each prompt."""
    ids = [f"p{i:02}" for i in range(len(pool))]
    problems, scores = [], []
    for prompt_id, of_prompt in zip(ids, pool, strict=True):
        for j, pair in enumerate(of_prompt):
            problem_id = f"{prompt_id}-{j}"
            problems.append({"problem_id": problem_id, "prompt_id": prompt_id, "passage_id": f"t{prompt_id}"})
            scores.extend(
                {
                    "problem_id": problem_id,
                    "task": task,
                    "score": score,
                    "cosines": [score, -score],
                    "loss": 1.0,
                    "solution_tokens": 3,
                }
                for task, score in zip(TASKS, pair, strict=True)
            )
    known = {"source": "web", "level": "grade", "kind": "cot", "problem": "q", "solution": "s"}
    return (
        Value.validate(influence_values(pl.DataFrame(scores, schema=InfluenceScore.create_empty().schema))),
        Problem.validate(
            pl.DataFrame([row | known for row in problems], schema=Problem.create_empty().schema)
        ),
        prompts(ids, [f"t{prompt_id}" for prompt_id in ids]),
    )


INITIAL = prompts(["i0", "i1"], ["x0", "x1"])


def params(count, by="value", prompt_value="max", seed=0):
    return SelectParams(count=count, by=by, prompt_value=prompt_value, seed=seed)


@some
@given(pools, st.integers(0, 14), st.sampled_from(["max", "mean"]))
def test_chosen_prompts_are_those_of_highest_value_with_ties_by_id(pool, count, prompt_value):
    selection = select(*tables(pool), INITIAL, params(count, prompt_value=prompt_value))
    combine = max if prompt_value == "max" else lambda best: sum(best) / len(best)
    expected = sorted(
        (-combine([max(pair) for pair in of_prompt]), f"p{i:02}")
        for i, of_prompt in enumerate(pool)
        if of_prompt
    )[:count]
    chosen = set(selection.boosted["prompt_id"]) - {"i0", "i1"}
    if prompt_value == "max":  # sums of floats may tie in a different order
        assert chosen == {prompt_id for _, prompt_id in expected}
    assert len(chosen) == len(expected)
    assert {"i0", "i1"} <= set(selection.boosted["prompt_id"])


@some
@given(pools, st.integers(0, 14), orders)
def test_every_prompt_is_kept_or_rejected_by_a_rule(pool, count, by):
    selection = select(*tables(pool), INITIAL, params(count, by))
    rows = selection.metrics.rows
    assert rows.read == 2 + len(pool)
    assert rows.kept == selection.boosted.height == 2 + min(count, sum(map(bool, pool)))
    assert rows.rejected.get("select.no_score", 0) == sum(not of_prompt for of_prompt in pool)
    assert sum(selection.metrics.selected.values()) == 4 * (rows.kept - 2)
    Prompt.validate(selection.boosted)
    ranking = RankedPrompt.validate(selection.ranking)
    chosen = ranking.filter(pl.col("rule").is_null())
    assert set(chosen["prompt_id"]) == set(selection.boosted["prompt_id"]) - {"i0", "i1"}
    assert sorted(ranking["place"].drop_nulls()) == list(range(1, sum(map(bool, pool)) + 1))
    assert chosen["place"].max() in (None, chosen.height)


@some
@given(pools, st.integers(0, 14), orders, st.randoms())
def test_the_order_of_rows_does_not_matter(pool, count, by, random):
    expected = select(*tables(pool), INITIAL, params(count, by, "mean"))
    shuffled = [table.sample(fraction=1, shuffle=True, seed=random.randint(0, 99)) for table in tables(pool)]
    found = select(*shuffled, INITIAL, params(count, by, "mean"))
    assert found.boosted.equals(expected.boosted)
    assert found.ranking.equals(expected.ranking)
    assert found.metrics == expected.metrics


@some
@given(pools, st.integers(0, 12), orders)
def test_a_larger_count_keeps_what_a_smaller_one_chose(pool, count, by):
    fewer = select(*tables(pool), INITIAL, params(count, by)).boosted["prompt_id"]
    more = select(*tables(pool), INITIAL, params(count + 1, by)).boosted["prompt_id"]
    assert set(fewer) <= set(more)


def test_random_choice_follows_its_seed_and_not_the_values():
    pool = [[(i / 100, 0.0)] for i in range(60)]
    chosen = {
        seed: set(select(*tables(pool), INITIAL, params(20, "random", seed=seed)).boosted["prompt_id"])
        for seed in (0, 1)
    }
    turned = [[(-a, b)] for ((a, b),) in pool]
    again = set(select(*tables(turned), INITIAL, params(20, "random")).boosted["prompt_id"])
    assert again == chosen[0] != chosen[1]


def test_candidates_on_an_initial_passage_are_never_chosen():
    scores, problems, candidates = tables([[(0.9, 0.9)], [(0.1, 0.1)]])
    initial = prompts(["i0"], ["tp00"])
    selection = select(scores, problems, candidates, initial, params(2))
    assert selection.boosted["prompt_id"].to_list() == ["i0", "p01"]
    assert selection.metrics.rows.rejected == {"select.initial_passage": 1}


def test_the_value_of_a_prompt_is_the_mean_or_the_highest_of_its_problems():
    scores, problems, _ = tables([[(0.1, 0.5), (0.2, 0.1)], [(0.4, 0.0)]])
    highest = prompt_values(scores, problems, "max").sort("prompt_id")
    mean = prompt_values(scores, problems, "mean").sort("prompt_id")
    columns = ["prompt_id", "problems", "value", "best_task"]
    assert highest.select(columns).rows() == [("p00", 2, 0.5, "math"), ("p01", 1, 0.4, "gsm8k")]
    assert mean["value"].to_list() == [0.35, 0.4]


def test_problems_of_equal_value_are_told_apart_by_their_ids():
    scores, problems, _ = tables([[(0.1, 0.5), (0.5, 0.1)], [(0.3, 0.3)]])
    for order in (problems, problems.reverse()):
        values = prompt_values(scores, order, "max").sort("prompt_id")
        assert values["best_task"].to_list() == ["math", "gsm8k"], (
            "of the least problem; the least task's name"
        )
