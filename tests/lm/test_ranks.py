"""One rank of a training: what DeepSpeed is told, where only the words count, because a CPU computes nothing
beside an exchange; and which ranks say how they end.
"""

import os
import subprocess
import sys

import pytest

from jz3.lm.ranks import rank_under
from tests.conftest import ROOT
from tests.executions import execution
from tests.lm.optimizers import OPTIMIZER


@pytest.mark.parametrize(
    ("device", "sharding", "overlaps"),
    [("cuda", "zero3", True), ("cuda", "zero2", False), ("cuda", "zero1", False), ("cpu", "zero3", False)],
)
def test_weights_are_gathered_beside_the_computation_where_there_are_streams_for_it(
    device, sharding, overlaps
):
    """Below stage 3 DeepSpeed gives the memory of a large gradient away while it is still exchanged."""
    rank = rank_under(execution(device=device, sharding=sharding), OPTIMIZER, count=2, pieces=8)
    told = rank.zero["zero_optimization"]
    assert (told["stage"], told["overlap_comm"]) == (int(sharding[-1]), overlaps)
    assert rank.zero["gradient_accumulation_steps"] == 4


END = """
import os
from pathlib import Path
import torch  # which takes a second, once for all four
from jz3.core.errors import UserError
from jz3.lm.ranks import run_rank
def train():
    raise UserError(f"the model is not on the machine of rank {os.environ['RANK']}")
for rank, local in ((0, 0), (1, 1), (8, 0), (9, 1)):
    if os.fork() == 0:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(local)}
        run_rank("finetune", Path("loss"), train)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 1
"""


def test_the_first_rank_of_each_machine_says_why_it_ends():
    """The second machine may lack what the first has; eight ranks of one would say the same."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", END]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said = "finetune: the model is not on the machine of rank "
    assert ended.stderr.splitlines() == [f"{said}0", f"{said}8"]
