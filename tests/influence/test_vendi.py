"""Laws of G-Vendi: it counts different directions, whatever their order and however often each occurs.

If they fail, `jz3 vendi` calls a repetitive set diverse.
"""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.artifacts import In, Out
from jz3.influence.vendi import VendiError, cosines_of, score_of, vendi
from jz3.tables.problem import Problem
from jz3.tables.sketch import Sketch, SketchFacts
from tests.influence.references import problems
from tests.stage_folder import stage_folder

SIZE = 64
FACTS = SketchFacts(size=SIZE, seed=0, direction="adam", precision="fp32", max_tokens=64, checkpoints="none")


def random_rows(count, seed):
    return np.random.Generator(np.random.Philox(seed)).standard_normal((count, SIZE)).astype(np.float32)


def written(path, at_checkpoints):
    """A table of sketches as the stage writes it; for each checkpoint a mapping from problem to numbers."""
    rows = [
        {
            "checkpoint": name,
            "problem_id": key,
            "halves": numbers.astype("<f2").tobytes(),
            "loss": 1.0,
            "solution_tokens": 5,
        }
        for name, of_one in at_checkpoints.items()
        for key, numbers in of_one.items()
    ]
    table = pl.DataFrame(rows, schema=Sketch.create_empty().schema).sort("checkpoint", "problem_id")
    Out(Sketch, path).sink([table], {name: str(value) for name, value in FACTS.model_dump().items()})
    return In(Sketch, path)


@given(kinds=st.integers(1, 20), times=st.integers(1, 4), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_directions_at_right_angles_count_once_however_often_each_stands_there(kinds, times, seed):
    scales = np.random.Generator(np.random.Philox(seed)).uniform(0.5, 2, (kinds * times, 1))
    rows = np.tile(np.eye(SIZE, dtype=np.float32)[:kinds], (times, 1)) * scales.astype(np.float32)
    assert score_of(cosines_of(rows)) == pytest.approx(kinds, rel=1e-5)


@given(count=st.integers(1, 30), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_it_lies_between_one_and_the_number_of_problems_and_knows_no_order(count, seed):
    rows = random_rows(count, seed)
    score = score_of(cosines_of(rows))
    assert 1 - 1e-6 <= score <= count + 1e-4
    assert score_of(cosines_of(rows[::-1])) == pytest.approx(score, rel=1e-5)
    assert score_of(cosines_of(np.tile(rows, (2, 1)))) == pytest.approx(score, rel=1e-5)


def test_problems_of_one_kind_are_less_diverse_than_as_many_of_several(tmp_path):
    centres = random_rows(5, 1)
    one = {f"o{i}": centres[0] + 0.3 * row for i, row in enumerate(random_rows(20, 2))}
    several = {f"s{i}": centres[i % 5] + 0.3 * row for i, row in enumerate(random_rows(20, 3))}
    sketches = written(tmp_path / "sketches", {"epoch-1": one | several, "epoch-2": several | one})
    of_one, of_several = vendi(sketches, one), vendi(sketches, several)
    assert 1 < of_one.score < 0.6 * of_several.score < 20
    assert set(of_one.at_checkpoints) == {"epoch-1", "epoch-2"}
    assert of_one.at_checkpoints["epoch-1"] == pytest.approx(of_one.score), "both have the same sketches"


def test_every_problem_without_a_direction_at_some_checkpoint_is_counted_as_such(tmp_path):
    rows = dict(zip("abc", random_rows(3, 0), strict=True))
    zero = {"z": np.zeros(SIZE, np.float32)}
    sketches = written(
        tmp_path / "sketches", {"epoch-1": rows | zero, "epoch-2": {"a": rows["a"], "b": rows["b"]}}
    )
    found = vendi(sketches, ["a", "b", "c", "z", "elsewhere"])
    assert (found.sketched, found.without) == (2, 3)
    with pytest.raises(VendiError, match="none of the 2 problems has a sketch"):
        vendi(sketches, ["z", "elsewhere"])


def test_the_command_tells_the_score_of_a_table_and_how_many_have_no_sketch(tmp_path, monkeypatch):
    clone = stage_folder(tmp_path / "clone")
    table = problems(6)
    Out(Problem, clone / "problems.parquet").write(table)
    numbers = dict(zip(table["problem_id"][:4], np.eye(SIZE, dtype=np.float32), strict=False))
    written(clone / "data/influence/sketches/reference", {"epoch-1": numbers})
    monkeypatch.chdir(clone)
    told = CliRunner().invoke(app, ["vendi", "problems.parquet"])
    assert (told.exit_code, told.stdout) == (
        0,
        "G-Vendi 4.0 of 4 problems (epoch-1 4.0); 2 of 6 have no sketch\n",
    )
    found = json.loads(CliRunner().invoke(app, ["vendi", "problems.parquet", "--json"]).stdout)
    assert found["vendi"] == pytest.approx(4)
    assert (found["problems"], found["without_sketch"]) == (4, 2)
