"""Laws of a chosen recipe: a share of the tokens, every row accounted for, lengths matched if asked."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.selection.choose import ChooseParams, choose, chosen_rows
from jz3.selection.select import ValuesError
from jz3.selection.select_order import length_class
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict

row = st.fixed_dictionaries(
    {
        "value": st.sampled_from([None, 0.1, 0.2, 0.2, 0.7]),
        "solution_tokens": st.sampled_from([5, 5, 20, 40]),
        "rule": st.sampled_from([None, None, None, "filter.no_box", "dedup.near"]),
        "problem": st.sampled_from(["q", "r"]),
    }
)
pools = st.lists(row, max_size=16)
ways = st.sampled_from(["value", "random", "length_matched"])


def tables(pool, folder, method="mass"):
    rows = [
        {
            "problem_id": f"p{number:02}",
            "source": "web",
            "kind": "cot",
            "solution": "s",
            "problem": one["problem"],
        }
        for number, one in enumerate(pool)
    ]
    values = [
        {"problem_id": f"p{number:02}", "method": method}
        | {name: one[name] for name in ("value", "solution_tokens")}
        for number, one in enumerate(pool)
        if one["value"] is not None
    ]
    verdicts = [{"row_id": f"p{number:02}", "rule": one["rule"]} for number, one in enumerate(pool)]
    Out(Problem, folder / "pool").write(pl.DataFrame(rows, schema=Problem.create_empty().schema))
    Out(Value, folder / "values").write(pl.DataFrame(values, schema=Value.create_empty().schema))
    Out(Verdict, folder / "one.parquet").write(pl.DataFrame(verdicts, schema=Verdict.create_empty().schema))
    return In(Problem, folder / "pool"), In(Value, folder / "values"), [In(Verdict, folder / "one.parquet")]


def params(share, by="value", seed=0):
    return ChooseParams(share=share, by=by, seed=seed)


def chosen(pool, share, by="value", seed=0):
    with TemporaryDirectory() as folder:
        return choose(*tables(pool, Path(folder)), params(share, by, seed))


@settings(max_examples=40)  # each example reads and writes tables
@given(pools, st.sampled_from([0.1, 0.5, 1.0]), ways)
def test_every_problem_is_kept_or_rejected_by_a_rule(pool, share, by):
    found = chosen(pool, share, by)
    rows = found.metrics.rows
    assert rows.read == len(pool)
    assert rows.kept == len(found.ids)
    assert rows.rejected == Counter(Reject.validate(found.rejects)["rule"])
    for rule in ("filter.no_box", "dedup.near"):
        assert rows.rejected.get(rule, 0) == sum(one["rule"] == rule for one in pool)
    free = {f"p{n:02}": one for n, one in enumerate(pool) if one["rule"] is None and one["value"] is not None}
    assert set(found.ids) <= set(free)
    total = sum(one["solution_tokens"] for one in free.values())
    taken = sum(free[one]["solution_tokens"] for one in found.ids)
    assert (found.metrics.tokens, found.metrics.chosen_tokens) == (total, taken)
    if free:
        assert taken >= share * total - 1e-9
        last = min(free[one]["solution_tokens"] for one in found.ids)
        assert taken - max(40, last) < share * total
    if by == "value" and free:
        least = min(free[one]["value"] for one in found.ids)
        assert all(one["value"] <= least for name, one in free.items() if name not in set(found.ids))


@settings(max_examples=20)
@given(pools, ways)
def test_a_larger_share_keeps_what_a_smaller_one_chose(pool, by):
    assert set(chosen(pool, 0.3, by).ids) <= set(chosen(pool, 0.6, by).ids)


def test_the_control_has_the_lengths_of_the_best_and_follows_its_seed():
    pool = [
        {
            "value": number / 100,
            "solution_tokens": 5 + 35 * (number % 2),
            "rule": None,
            "problem": str(number),
        }
        for number in range(60)
    ]
    best, drawn, again = (
        chosen(pool, 0.5),
        chosen(pool, 0.5, "length_matched"),
        chosen(pool, 0.5, "length_matched", 1),
    )

    def lengths(found):
        return Counter(length_class(pool[int(one[1:])]["solution_tokens"]) for one in found.ids)

    assert lengths(best) == lengths(drawn) == lengths(again)
    assert len({tuple(one.ids) for one in (best, drawn, again)}) == 3
    assert best.metrics.chosen_tokens == drawn.metrics.chosen_tokens
    assert best.metrics.repeated_questions == 0


def test_rows_are_those_of_the_pool(tmp_path):
    pool = [{"value": 0.1 * n, "solution_tokens": 5, "rule": None, "problem": "q"} for n in range(9)]
    problems, values, verdicts = tables(pool, tmp_path)
    found = choose(problems, values, verdicts, params(0.3))
    rows = pl.concat(chosen_rows(problems, found.ids))
    assert rows.equals(problems.read().filter(pl.col("problem_id").is_in(found.ids.implode())))
    assert found.metrics.repeated_questions == rows.height - 1


def test_values_of_two_methods_are_refused(tmp_path):
    pool = [{"value": 0.1, "solution_tokens": 5, "rule": None, "problem": "q"}]
    problems, values, verdicts = tables(pool, tmp_path)
    both = values.read().with_columns(method=pl.lit("influence"))
    Out(Value, tmp_path / "both").write(pl.concat([values.read(), both]))
    with pytest.raises(ValuesError, match="the values are by influence, mass; those of one method"):
        choose(problems, In(Value, tmp_path / "both"), verdicts, params(1.0))


@settings(max_examples=20)
@given(pools, st.integers(1, 20))
def test_how_many_rows_are_read_at_once_changes_nothing(pool, frame_rows):
    with TemporaryDirectory() as folder:
        problems, values, verdicts = tables(pool, Path(folder))
        ids = choose(problems, values, verdicts, params(0.5)).ids
        rows = [name for frame in chosen_rows(problems, ids, frame_rows) for name in frame["problem_id"]]
    assert rows == ids.to_list()
