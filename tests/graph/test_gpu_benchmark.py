"""What benchmarks/gpu.py says about collectives is what FSDP2 does, on eight ranks of which only one runs.

torch's own fake process group answers every collective at once; transformers shards the model as in a
training. It runs in a process of its own, since a process group belongs to a whole process.
"""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

COUNTS = """
import json, sys
from collections import Counter
import torch
import torch.distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.distributed import DistributedConfig
from jz3.graph.memory_counts import Piece
from jz3.lm.document_attention import by_documents
from jz3.lm.labelled_places import LabelledPlaces, summed_loss
from jz3.lm.model import cache
from tests.graph.test_card_memory import TINY

sys.path.insert(0, "benchmarks")
from gpu import Case, collectives, exchanged

class Exchanges(TorchDispatchMode):
    number, sizes = 0, Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "c10d":
            self.number += 1
            tensors = [value for value in tree_iter(args) if isinstance(value, torch.Tensor)]
            whole = max(value.numel() * value.element_size() for value in tensors)
            self.sizes["reduced" if "reduce" in func._schema.name else "gathered"] += whole
        return func(*args, **(kwargs or {}))

shape = {**TINY, "num_key_value_heads": 4, "tie_word_embeddings": False}
dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=8)
config = DistributedConfig(fsdp_size=8, fsdp_mixed_precision=True)
_, _, mesh = PreTrainedModel.prepare_distribute_model(config)
exchanges = Exchanges()
with FakeTensorMode(allow_non_fake_inputs=True):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**shape), dtype=torch.float32)
    model = type(model).maybe_distribute_model(model, config, mesh)
    row, labels = torch.zeros(1, 64, dtype=torch.long), torch.zeros(64, dtype=torch.long)
    with cache(model, on=False), by_documents(model, "cuda"), LabelledPlaces(model) as places, exchanges:
        places.indices = labels
        summed_loss(model, row, row, [64], labels).backward()
    weights = sum(weight.numel() for weight in model.parameters())
case = Case("tiny", shape, Piece(1, 64, recomputed=0, bf16_weights=True), 8, fused=False)
found = {name: size * 7 // 8 for name, size in exchanges.sizes.items()}
print(json.dumps([[exchanges.number, found], [collectives(4, tied=False), exchanged(case, weights)]]))
"""


@pytest.mark.long
def test_collectives_and_their_bytes_are_those_that_fsdp_asks_for():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COUNTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (number, found), (said, exchanged) = json.loads(done.stdout.splitlines()[-1])
    assert number == said
    for name in ("gathered", "reduced"):
        assert abs(found[name] / exchanged[name] - 1) < 0.01, (found, exchanged)
