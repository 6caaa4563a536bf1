"""The shares of right rows are counts over ids: each row is before or after curation, or both; none is
guessed.
"""

from itertools import product

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.curation.right_rows import right_rows
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.training_row import TrainingRow
from tests.two_turns import two_turns


def checked(path, judged):
    """A problem for each (kind, right)."""
    rows = [
        {"problem_id": f"q{number}", "kind": kind, "family": "f" if right else None, "right": right}
        for number, (kind, right) in enumerate(judged)
    ]
    Out(CheckedProblem, path).write(pl.DataFrame(rows, schema=CheckedProblem.create_empty().schema))
    return In(CheckedProblem, path)


def training(path, ids):
    rows = [
        {"position": place, "row_id": row_id, "part": "pretrain", "source": "web", "level": None}
        | {"kind": "cot", "turns": two_turns("i", "o"), "input": "i", "output": "o"}
        for place, row_id in enumerate(ids)
    ]
    Out(TrainingRow, path).write(pl.DataFrame(rows, schema=TrainingRow.create_empty().schema))
    return In(TrainingRow, path)


ROWS = st.lists(
    st.tuples(st.sampled_from(["cot", "tool"]), st.booleans(), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_the_counts_are_those_of_a_recount(rows, tmp_path_factory):
    root = tmp_path_factory.mktemp("right")
    kept = [f"q{number}" for number, (_, _, held) in enumerate(rows) if held]
    found = right_rows(
        {"r": checked(root / "checked.parquet", [(kind, right) for kind, right, _ in rows])},
        {"m": training(root / "training.parquet", [*kept, "instruction"])},
    )
    for kind in ("cot", "tool", "all"):
        of_kind = [(right, held) for its, right, held in rows if kind in (its, "all")]
        wanted = (
            len(of_kind),
            sum(right for right, _ in of_kind),
            sum(held for _, held in of_kind),
            sum(right and held for right, held in of_kind),
        )
        lines = found.filter(pl.col("kind") == kind).select("before", "right_before", "after", "right_after")
        assert lines.rows() == ([wanted] if wanted[2] else [])


def test_a_recipe_that_nobody_can_judge_and_a_set_without_its_problems_have_no_line(tmp_path):
    unknown = checked(tmp_path / "a.parquet", [("cot", None)])
    known = checked(tmp_path / "b.parquet", [("cot", True)])
    none, one = training(tmp_path / "c.parquet", []), training(tmp_path / "d.parquet", ["q0"])
    assert right_rows({"r": unknown}, {"m": one}).is_empty()
    assert right_rows({"r": known}, {"m": none}).is_empty()
    assert right_rows({"r": known}, {"m": one, "n": none})["model"].to_list() == ["m", "m"]


def test_each_recipe_has_lines_of_its_own_in_each_set(tmp_path):
    recipes = {name: checked(tmp_path / f"{name}.parquet", [("tool", True)]) for name in ("a", "b")}
    sets = {name: training(tmp_path / f"{name}.parquet", ["q0"]) for name in ("m", "n")}
    found = right_rows(recipes, sets).select("recipe", "model", "kind").rows()
    assert found == list(product("ab", "mn", ["tool", "all"]))
