"""What stages need on a machine with GPUs: `jz3 repro` and the jobs of Slurm give them no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.graph_file import Stage
from jz3.core.params import read_sections
from jz3.graph.needs import Needs, needs_of
from tests.conftest import ROOT
from tests.executions import execution

SECTIONS = read_sections(ROOT / "profiles/single_gpu.yaml")


def needs(name, sections=SECTIONS, **how):
    stage = Stage(name, "", {"params": (name.replace("@", "."),)}, frozenset(), frozenset(), frozenset())
    return needs_of(stage, sections, execution(**({"device": "cuda", "worker_gpus": 1, "threads": 4} | how)))


@pytest.mark.parametrize(
    ("name", "gpus"),
    [
        ("solve@student", 4),
        ("solve@teacher", 0),
        ("skills@mass", 1),
        ("value@mass", 1),
        ("filter@default", 0),
    ],
)
def test_a_solver_that_is_a_model_and_a_fetched_encoder_get_gpus_and_teachers_none(name, gpus):
    assert needs(name, ranks=4, workers="auto").gpus == gpus
    assert needs(name, device="cpu", workers=1).gpus == 0


def test_a_solver_behind_servers_of_somebody_else_and_an_encoder_of_spellings_get_none():
    student = SECTIONS["solve"]["student"]
    served = student | {"solver": student["solver"] | {"engine": "openai"}}
    spelt = SECTIONS["value"]["mass"] | {"encoder": {"kind": "spelling", "dimensions": 8, "most_words": 8}}
    sections = SECTIONS | {"solve": {"student": served}, "value": {"mass": spelt}}
    assert needs("solve@student", sections, ranks=4, workers="auto") == Needs("generation", 1, 0, 4)
    assert needs("value@mass", sections).gpus == 0


FEW = st.integers(1, 8)


@given(FEW, FEW, FEW, FEW)
def test_a_training_takes_every_machine_and_workers_take_whole_shares_of_one(nodes, ranks, gpus, threads):
    how = {"nodes": nodes, "ranks": nodes * ranks, "worker_gpus": gpus, "threads": threads, "workers": "auto"}
    how |= {"launcher": "torchrun", "rendezvous_host": "first"} if nodes > 1 else {}
    assert needs("finetune@initial", **how) == Needs("training", nodes, ranks, ranks * threads)
    found = needs("synthesize", **how)
    assert (found.nodes, found.gpus % gpus, found.cores) == (1, 0, threads * found.gpus // gpus)
    assert found.gpus == gpus or ranks - gpus < found.gpus <= ranks
