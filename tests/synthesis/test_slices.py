"""`jz3 fill` fills the store slice by slice, as a job array does; the stage then computes nothing."""

import shutil
import sys

import polars as pl
import pytest

from jz3.core.artifacts import Out
from jz3.generation.completion_rows import GENERATE
from jz3.store.row_store import RowStore
from jz3.tables.prompt import Prompt
from tests.conftest import make_clone
from tests.generation.builders import tiny_model

pytestmark = pytest.mark.long

STAGE = "synthesize@corpus"
MODEL, PROMPTS = "data/models/synthesis/boosted", "data/composed/corpus"
ROWS = 60
JZ3 = (sys.executable, "-m", "jz3")


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """A clone with prompts and a tiny model, and the completions of `dvc repro` there."""
    clone = make_clone(tmp_path_factory.mktemp("one") / "clone")
    tiny_model(clone.path / MODEL)
    rows = [
        {
            "prompt_id": f"prompt {n:03}",
            "passage_id": "passage",
            "source": "web",
            "level": "grade",
            "kind": "tool" if n % 3 == 0 else "cot",
            "full": f"please write problem {n}",
            "compact": f"write {n}" + "." * (n % 11),
        }
        for n in range(ROWS)
    ]
    Out(Prompt, clone.path / PROMPTS).write(Prompt.cast(pl.DataFrame(rows)))
    clone.run("dvc", "repro", "-s", "code", STAGE)
    return clone


def completions(clone):
    folder = clone.path / "data/completions/corpus"
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def keys(clone):
    store = RowStore(clone.path.parent / f"{clone.path.name}-store")
    return [row.key for row in store.rows(GENERATE)]


def test_three_slices_and_then_the_stage_leave_the_bytes_of_one_run(one_run, tmp_path):
    clone = make_clone(tmp_path / "clone")
    for path in (MODEL, PROMPTS):
        (clone.path / path).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (one_run.path / path).is_dir() else shutil.copy
        copy(one_run.path / path, clone.path / path)
    filled = []
    for number in (3, 1, 2):
        clone.run(*JZ3, "fill", STAGE, "--slice", f"{number}/3")
        filled.append(len(keys(clone)))
        assert not (clone.path / "data/completions").exists()
    assert 0 < filled[0] < filled[1] < filled[2] == ROWS
    for weights in (clone.path / MODEL).glob("*.safetensors"):
        weights.unlink()  # computing a row now fails
    clone.run("dvc", "repro", "-s", "code", STAGE)
    assert completions(clone) == completions(one_run)
    assert sorted(keys(clone)) == sorted(keys(one_run))


def test_a_slice_that_is_none_is_named(one_run):
    with pytest.raises(AssertionError, match="n/m with n from 1 to m was expected"):
        one_run.run(*JZ3, "fill", STAGE, "--slice", "4/3")
    with pytest.raises(
        AssertionError, match=r"one of answer@.*, synthesize@candidates, synthesize@corpus was expected"
    ):
        one_run.run(*JZ3, "fill", "mix", "--slice", "1/3")
