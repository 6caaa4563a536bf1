"""How far a choice reached, counted from handmade tables of two families, one of which is the targets'."""

import polars as pl
import pytest

from benchmarks.selecting.reach import choices_of, families_of, students_of
from jz3.core.artifacts import Out
from jz3.tables.problem import Problem
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import draw_of_part
from jz3.writer.write import write_draw

TARGET, OTHER = "grade.perimeter", "grade.together"
BY_NAME = {family.name: family for family in FAMILIES}


def problem(prompt, name, key):
    family = BY_NAME[name]
    written = write_draw(family, "cot", draw_of_part(family, "teacher", key), key)
    return {
        "problem_id": f"{prompt}-{key}",
        "prompt_id": prompt,
        "passage_id": f"of {prompt}",
        "source": "texts",
        "level": "grade",
        "kind": "cot",
        "problem": written.problem,
        "solution": written.solution,
    }


@pytest.fixture
def clone(tmp_path):
    """Candidates a and b are of the target's family, c and d are not. Value chose a and b, chance b and c;
    from these texts the teacher wrote problems of the other family, except from b.
    """
    initial = [problem("i", TARGET, "1"), problem("j", OTHER, "2"), problem("k", OTHER, "3")]
    taught = {"a": problem("a", OTHER, "4"), "b": problem("b", TARGET, "5"), "c": problem("c", OTHER, "6")}
    tables = {
        "kd/initial": initial,
        "kd/boosted": [*initial, taught["a"], taught["b"]],
        "kd/boosted_random": [*initial, taught["b"], taught["c"]],
        "problems/candidates": [
            problem(prompt, name, f"7{prompt}")
            for prompt, name in (("a", TARGET), ("b", TARGET), ("c", OTHER), ("d", OTHER))
        ],
        "problems/jiuzhang": [problem("x", TARGET, "8"), problem("y", TARGET, "9")],
        "problems/jiuzhang_random": [problem("x", OTHER, "10"), problem("y", TARGET, "11")],
    }
    for name, rows in tables.items():
        frame = pl.DataFrame(rows, schema=Problem.create_empty().schema).sort("problem_id")
        place = f"data/{name}.parquet" if name.startswith("kd") else f"data/{name}"
        Out(Problem, tmp_path / place).write(Problem.validate(frame))
    for name, chosen in {"boosted": ["a", "b"], "boosted_random": ["b", "c"]}.items():
        rules = [None if prompt in chosen else "select.lower_value" for prompt in "abcd"]
        ranking = pl.DataFrame({"prompt_id": [*"abcd"], "rule": rules})
        (tmp_path / "data/influence/ranking").mkdir(parents=True, exist_ok=True)
        ranking.write_parquet(tmp_path / f"data/influence/ranking/{name}.parquet")
    (tmp_path / "data/tasks").mkdir()
    pl.DataFrame({"subject": [TARGET]}).write_parquet(tmp_path / "data/tasks/targets.parquet")
    return tmp_path


def test_a_choice_is_followed_from_its_candidates_to_what_is_taught(clone):
    value, chance = choices_of(clone).iter_rows(named=True)
    assert (value["chosen"], value["shared"], value["taught"], value["read"]) == (2, 1, 2, 2)
    assert (value["chosen_covered"], value["taught_covered"], value["same_family"]) == (1.0, 0.5, 0.5)
    assert (chance["chosen_covered"], chance["taught_covered"], chance["same_family"]) == (0.5, 0.5, 1.0)
    assert value["same_by_level"] == pytest.approx(1 / 3, abs=1e-4), "a third of the initial set"
    assert chance["same_by_level"] == pytest.approx(1 / 2)


def test_tables_on_the_way_have_their_share_of_the_targets_families(clone):
    found = {row["table"]: row for row in families_of(clone).iter_rows(named=True)}
    assert found["kd/initial"]["covered"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["kd/boosted"]["covered"] == pytest.approx(2 / 5)
    assert (found["problems/jiuzhang"]["covered"], found["problems/jiuzhang"]["families"]) == (1.0, 1)
    assert found["problems/jiuzhang_random"]["of"] == "student"


def test_students_count_from_the_clones_own(clone):
    found = students_of(clone, [clone / "data/problems/jiuzhang"])
    assert found.select("seed", "rows", "covered").rows() == [(0, 4, 0.5), (1, 2, 1.0)]
