"""What DeepSpeed is told, where only the words count: a CPU has nothing that could run beside."""

import pytest

from jz3.lm.ranks import rank_under
from tests.executions import execution
from tests.lm.test_train import OPTIMIZER


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
