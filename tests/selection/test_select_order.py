"""Laws of the orders: what each puts first, and that nothing else decides."""

from collections import Counter
from typing import get_args

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from jz3.selection.select_order import LENGTH_RATIO, By, length_class, ordered

orders = st.sampled_from(get_args(By))
prompt = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["web", "arxiv"]),
        "level": st.sampled_from(["grade", "aime"]),
        "value": st.sampled_from([-0.5, 0.0, 0.1, 0.1, 0.3]),
        "loss": st.sampled_from([0.1, 0.5, 0.5, 2.0]),
        "solution_tokens": st.sampled_from([1.0, 10.0, 10.0, 11.5, 30.0, 31.0]),
    }
)
SCHEMA = {"source": str, "level": str, "value": float, "loss": float, "solution_tokens": float}


@st.composite
def pools(draw):
    rows = draw(st.lists(prompt, max_size=24))
    ids = pl.Series("prompt_id", [f"p{number:02}" for number in range(len(rows))], dtype=pl.String)
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(ids)


@given(pools(), orders, st.integers(0, 3), st.randoms())
def test_an_order_holds_each_row_once_and_does_not_see_how_they_come(pool, by, seed, random):
    expected = ordered(pool, by, seed)
    assert expected.sort("prompt_id").equals(pool)
    shuffled = pool.sample(fraction=1, shuffle=True, seed=random.randint(0, 99))
    assert ordered(shuffled, by, seed).equals(expected)


@given(pools(), st.sampled_from(["value", "highest_loss", "longest"]))
def test_the_first_have_the_most_with_ties_by_id(pool, by):
    column = {"value": "value", "highest_loss": "loss", "longest": "solution_tokens"}[by]
    keys = [(-most, prompt_id) for most, prompt_id in ordered(pool, by, 0).select(column, "prompt_id").rows()]
    assert keys == sorted(keys)


@given(pools(), st.integers(0, 24), st.integers(0, 3))
def test_a_length_matched_draw_has_the_lengths_of_the_best(pool, count, seed):
    best = ordered(pool, "value", seed).head(count)
    drawn = ordered(pool, "length_matched", seed).head(count)
    classes = [Counter(map(length_class, rows["solution_tokens"])) for rows in (best, drawn)]
    assert classes[0] == classes[1]
    for one, other in zip(*(sorted(rows["solution_tokens"]) for rows in (best, drawn)), strict=True):
        assert max(one, other) < LENGTH_RATIO * min(one, other)


@given(pools(), st.integers(0, 3))
def test_a_length_matched_draw_is_blind_to_values_within_a_class(pool, seed):
    one_length = pool.with_columns(solution_tokens=pl.lit(10.0))
    drawn = ordered(one_length, "length_matched", seed)["prompt_id"].to_list()
    assert drawn == ordered(one_length, "random", seed)["prompt_id"].to_list()


@given(pools(), st.integers(0, 24))
def test_a_stratified_choice_gives_each_source_and_level_its_share_of_the_best(pool, count):
    chosen = ordered(pool, "stratified", 0).head(count)
    for key, stratum in pool.group_by("source", "level"):
        mine = chosen.filter(source=key[0], level=key[1])
        share = stratum.height * chosen.height / pool.height
        assert abs(mine.height - share) < 2, "four strata cannot be a whole row off each, and more"
        assert (
            mine["prompt_id"].to_list()
            == ordered(stratum, "value", 0).head(mine.height)["prompt_id"].to_list()
        )


@given(pools())
def test_a_stratified_order_is_that_of_its_definition(pool):
    """The i-th best of m has the position (i - 1/2) / m; ties go to the higher value, then to the
    least id.
    """
    places = []
    for _, stratum in pool.group_by("source", "level"):
        best = sorted(stratum.select("value", "prompt_id").rows(), key=lambda row: (-row[0], row[1]))
        places += [((i + 0.5) / len(best), -value, prompt_id) for i, (value, prompt_id) in enumerate(best)]
    expected = [prompt_id for _, _, prompt_id in sorted(places)]
    assert ordered(pool, "stratified", 0)["prompt_id"].to_list() == expected


@given(pools(), st.sampled_from(["random", "length_matched"]))
def test_draws_differ_by_their_seed(pool, by):
    if pool.height > 12 and pool["solution_tokens"].n_unique() == 1:
        drawn = {tuple(ordered(pool, by, seed)["prompt_id"]) for seed in range(4)}
        assert len(drawn) > 1


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_lengths_of_a_class_differ_by_less_than_its_ratio(one, other):
    if length_class(one) == length_class(other):
        assert max(one, other) < LENGTH_RATIO * min(one, other) * (1 + 1e-9)
    else:
        assert (length_class(one) < length_class(other)) == (one < other)
