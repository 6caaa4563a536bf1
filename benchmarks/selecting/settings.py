"""What LDS is measured on: the embedded candidates, a small pretrained model, and a planted case."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import torch

from benchmarks.influence_truth import OPTIMIZER, drawn, learnt_base
from jz3.core.artifacts import In
from jz3.core.execution import Execution, load_execution
from jz3.core.params import load_params
from jz3.influence.attribute import AttributeParams
from jz3.influence.share import draw
from jz3.influence.texts import problem_texts
from jz3.influence.warmup_training import WarmupParams
from jz3.lm.model import load_tokenizer
from jz3.lm.schedule import WarmupStableDecay
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.writer.catalogue import FAMILIES, read

ROOT = Path(__file__).parents[2]
EMBEDDED = ROOT / "profiles/embedded.yaml"
POOL_TOKENS = 40_000
"""Tokens of the pretrained setting's pool: its halves have the 20,000 that two hours allow."""
POOL_SEED = 2_000
"""Seed of that pool's draw (chosen: distinct from the draws of subsets and of the warm-up)."""
PRETRAINED_RATE = 2e-4
"""Chosen: usual for LoRA on models of this size; the profile's rate is for weights that start out random."""
PLANTED = 4
"""The targets' families among the eight of the planted case: every second one."""
A_FAMILY, A_TARGET, BEFORE = 8, 4, 6
"""Candidates, targets and problems that the base learns, per family of the planted case."""


@dataclass(frozen=True)
class Setting:
    """`targets` name in `subject` the query that they belong to besides their task. A retraining is the
    warm-up on all problems of a subset; the reference, at which gradients are taken, is that of the profile.
    """

    name: str
    problems: pl.DataFrame
    targets: pl.DataFrame
    base: Path
    warmup: WarmupParams
    attribute: AttributeParams
    execution: Execution
    subsets: int
    seeds: int

    def families(self) -> list[str | None]:
        """The writer's family that reads each problem."""
        readings = (read(text) for text in self.problems["problem"])
        return [reading.family.name if reading else None for reading in readings]


@contextmanager
def working_in(folder: Path | None) -> Generator[Path]:
    """The folder in which a run is resumed, or one for this run alone. Torch gets one thread, and the row
    store a place in it.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        work = (folder or Path(scratch)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        os.environ["JZ3_STORE"] = str(work / "store")
        yield work


def embedded() -> Setting:
    """The candidates and targets of the clone's own run, its base, its warm-up."""
    attribute = load_params(AttributeParams, "attribute")
    warmup = load_params(WarmupParams, "warmup")
    base = Path("data/models/base/reference")
    problems = In(Problem, Path("data/problems/candidates")).read()
    return Setting(
        "embedded",
        _fitting(problems, base, min(attribute.max_tokens, warmup.block_length)),
        In(Target, Path("data/tasks/targets.parquet")).read().sort("target_id"),
        base,
        warmup,
        attribute,
        load_execution().model_copy(update={"threads": 1, "workers": 1}),
        subsets=40,
        seeds=3,
    )


def pretrained(work: Path) -> Setting:
    """SmolLM2-135M from the package that the long tests use; one epoch of LoRA, a pool of 40,000 tokens."""
    from tests.evaluation.smollm2 import save_smollm2

    run, base = embedded(), work / "smollm2"
    if not (base / "manifest.json").exists():
        save_smollm2(base)
    optimizer = run.warmup.optimizer.model_copy(update={"learning_rate": PRETRAINED_RATE})
    warmup = run.warmup.model_copy(update={"pretrain": None, "epochs": 1, "optimizer": optimizer})
    fitting = _fitting(run.problems, base, min(run.attribute.max_tokens, warmup.block_length))
    return replace(
        run,
        name="pretrained",
        problems=_pool(fitting, base, run.attribute.max_tokens),
        base=base,
        warmup=warmup,
        execution=run.execution.model_copy(update={"training_batch": 4}),
        subsets=16,
        seeds=1,
    )


def planted(work: Path) -> Setting:
    """Half of the candidates are of the targets' families, of which the base has read nothing: how much a
    model learns about a family depends on how many of its problems the subset has.
    """
    families = sorted(FAMILIES, key=lambda family: family.name)[: 2 * PLANTED]
    if not (work / "base/manifest.json").exists():
        learnt_base(drawn(families[1::2], "instruction", BEFORE, "before"), work / "base")
    wanted = drawn(families[::2], "target", A_TARGET, "target")
    embedded_warmup = load_params(WarmupParams, "warmup", EMBEDDED)
    warmup = embedded_warmup.model_copy(
        update={
            "share": 1.0,
            "pretrain": None,
            "epochs": 3,
            "block_length": 256,
            "schedule": WarmupStableDecay(warm_up=0.03, stable=0.5, floor=0.0),
            "optimizer": OPTIMIZER,
        }
    )
    return Setting(
        "planted",
        drawn(families, "teacher", A_FAMILY, "candidate").sort("problem_id"),
        wanted.select(
            "kind", "subject", "solution", target_id="problem_id", task=pl.lit("planted"), question="problem"
        ).sort("target_id"),
        work / "base",
        warmup,
        AttributeParams(max_tokens=256, direction="adam", precision="fp32"),
        load_execution(ROOT / "profiles/execution/embedded.yaml").model_copy(
            update={"threads": 1, "workers": 1, "training_batch": 8}
        ),
        subsets=12,
        seeds=1,
    )


def _fitting(problems: pl.DataFrame, base: Path, max_tokens: int) -> pl.DataFrame:
    texts = problem_texts(load_tokenizer(base), Problem.validate(problems), max_tokens)
    return problems.filter(pl.col("problem_id").is_in([text.row_id for text in texts])).sort("problem_id")


def _pool(problems: pl.DataFrame, base: Path, max_tokens: int) -> pl.DataFrame:
    """As many problems, drawn by hash, as fit into POOL_TOKENS."""
    texts = problem_texts(load_tokenizer(base), Problem.validate(problems), max_tokens)
    tokens = sum(len(text.row.tokens) for text in texts)
    return draw(problems, min(1.0, POOL_TOKENS / tokens), POOL_SEED)
