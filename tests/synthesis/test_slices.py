"""`jz3 fill` fills the store slice by slice, as a job array does; the stage then computes nothing.

The command itself runs in tests/test_graph.py.
"""

import shlex
import shutil

import polars as pl
import pytest

from jz3.core.artifacts import Out
from jz3.core.graph_file import read_graph
from jz3.generation.completion_rows import GENERATE
from jz3.graph.fill import FillError, SliceError, fill_stage, read_slice
from jz3.store.row_store import RowStore
from jz3.tables.prompt import Prompt
from tests.generation.builders import tiny_model
from tests.same_after_kill import contents, outs_of, run_stage
from tests.stage_folder import stage_folder

STAGE = "synthesize@corpus"
ROWS = 60


@pytest.fixture
def folder(tmp_path):
    """Prompts and a tiny model where the stage reads them."""
    folder = stage_folder(tmp_path / "folder")
    stage = read_graph(folder).stage(STAGE)
    tiny_model(folder / stage.path("model"))
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
    Out(Prompt, folder / stage.path("prompts")).write(Prompt.cast(pl.DataFrame(rows)))
    return folder


def command_of(folder):
    """The command of the stage, as DVC has it."""
    flags = read_graph(folder).stage(STAGE).flags
    words = [word for flag, values in flags.items() for word in (f"--{flag.replace('_', '-')}", *values)]
    return shlex.join(["python", "-m", "stages.synthesize", *words])


def keys(store):
    return [row.key for row in RowStore(store).rows(GENERATE)]


@pytest.mark.long
def test_three_slices_and_then_the_stage_leave_the_bytes_of_one_run(folder, tmp_path, monkeypatch):
    command = command_of(folder)
    outs, whole, sliced = outs_of(command), tmp_path / "whole", tmp_path / "sliced"
    run_stage(command, folder, whole)
    expected = contents(folder, outs)
    for out in outs:
        lasting = folder / out
        shutil.rmtree(lasting) if lasting.is_dir() else lasting.unlink()
    monkeypatch.setenv("JZ3_STORE", str(sliced))
    filled = []
    for number in (3, 1, 2):
        fill_stage(folder, STAGE, read_slice(f"{number}/3"))
        filled.append(len(keys(sliced)))
        assert not any((folder / out).exists() for out in outs)
    assert 0 < filled[0] < filled[1] < filled[2] == ROWS
    for weights in (folder / "data/models").rglob("*.safetensors"):
        weights.unlink()  # computing a row now fails
    run_stage(command, folder, sliced)
    assert contents(folder, outs) == expected
    assert sorted(keys(sliced)) == sorted(keys(whole))


def test_a_slice_that_is_none_is_named(tmp_path):
    with pytest.raises(SliceError, match="n/m with n from 1 to m was expected"):
        read_slice("4/3")
    with pytest.raises(
        FillError, match=r"one of answer@.*, synthesize@candidates, synthesize@corpus was expected"
    ):
        fill_stage(stage_folder(tmp_path), "mix", read_slice("1/3"))
