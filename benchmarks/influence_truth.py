"""Influence against the truth: how a target's loss changes when a group of problems is left out of training.

    OMP_NUM_THREADS=1 python benchmarks/influence_truth.py            # 40 groups, 41 trainings
    OMP_NUM_THREADS=1 python benchmarks/influence_truth.py --quick    # 5 groups

A tiny Llama learns problems of the built-in writer (other draws), then an adapter learns the groups: one for
each of 40 families. `attribute` predicts for each group the sum of its problems' scores, by the checkpoints
of that training. The truth: the adapter is trained again from the same start, the same blocks in the same
order with the same rates, the group's labels masked; how much higher is the loss of the target task? The task
is held-out problems of a quarter of the families. `spearman` is over groups, with a bootstrap interval and
the p of a one-sided permutation test; `spearman_others` over groups whose family is not in the task.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from jz3.core.artifacts import InDir, OutDir
from jz3.core.execution import Execution, load_execution
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.checkpoints import BASE, write_checkpoint
from jz3.influence.gradients import cut_batches, losses
from jz3.lm.blocks import Blocks, pack_rows
from jz3.lm.encode import IGNORED_LABEL, EncodedRow, encode_rows
from jz3.lm.model import libraries, load_model, load_tokenizer, padding_token, save_model
from jz3.lm.plan import OptimizerParams, Plan, epoch_plan
from jz3.lm.schedule import WarmupCosine
from jz3.lm.tokenizer import train_tokenizer
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.text.training_text import training_input
from jz3.training.base import ConfigModel, build
from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Family
from jz3.writer.splits import Part, draw_of_part
from jz3.writer.write import write_draw

MAX_TOKENS = 256
TASK = "targets"
EPOCHS = 3
SCHEDULE = WarmupCosine(warm_up=0.03)
OPTIMIZER = OptimizerParams(
    learning_rate=2e-3,
    weight_decay=0.0,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="fp32",
    muon=None,
)
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Sizes:
    groups: int
    a_group: int
    """Problems of each group."""
    a_target: int
    """Targets of each family of the task."""
    before: int
    """Problems of each family that the base learns."""
    draws: int
    """Groups drawn again, for the interval."""
    permutations: int


WHOLE = Sizes(groups=40, a_group=3, a_target=4, before=4, draws=2000, permutations=9999)
QUICK = Sizes(groups=5, a_group=2, a_target=2, before=2, draws=200, permutations=199)


def drawn(families: Sequence[Family], part: Part, count: int, name: str) -> pl.DataFrame:
    """Problems in prose, `count` of each family, named `FAMILY-number`."""
    rows = []
    for family in families:
        for number in range(count):
            key = f"{name} {family.name} {number}"
            written = write_draw(family, "cot", draw_of_part(family, part, key), key)
            rows.append(
                {
                    "problem_id": f"{family.name}-{number}",
                    "source": "writer",
                    "level": family.level,
                    "kind": "cot",
                    "subject": family.name,
                    "problem": written.problem,
                    "solution": written.solution,
                }
            )
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def as_targets(problems: pl.DataFrame) -> pl.DataFrame:
    rows = problems.select(
        "kind", "subject", "solution", target_id="problem_id", task=pl.lit(TASK), question="problem"
    )
    return Target.validate(rows.select(Target.create_empty().columns))


@dataclass(frozen=True)
class LeavingOut:
    """Trainings from one start, and the problems by number."""

    base: Path
    rows: dict[int, EncodedRow]
    families: list[str]
    plan: Plan
    execution: Execution

    def blocks(self, left_out: str | None) -> Blocks:
        """The same blocks whatever is left out: only its labels are masked."""
        rows = {
            number: replace(row, labels=[IGNORED_LABEL] * len(row.labels)) if family == left_out else row
            for (number, row), family in zip(self.rows.items(), self.families, strict=True)
        }
        return pack_rows(rows, MAX_TOKENS, padding_token(load_tokenizer(self.base)))

    def run(self, left_out: str | None, directory: Path | None) -> PeftModel:
        """The adapted model; with `directory`, each epoch leaves a checkpoint there, for `attribute`."""
        torch.manual_seed(0)
        config = LoraConfig(r=8, lora_alpha=16, target_modules=LINEARS, task_type="CAUSAL_LM")
        model = get_peft_model(load_model(self.base, "float32"), config)
        assert isinstance(model, PeftModel)
        kept: list[Checkpoint] = []

        def keep(
            epoch: int, _model: object, optimizer: torch.optim.Optimizer, rate: float, loss: float
        ) -> None:
            if directory is not None:
                name = f"epoch-{epoch + 1}"
                write_checkpoint(directory / name, model, optimizer)
                step = self.plan.epochs[epoch]
                kept.append(Checkpoint(directory=name, mean_learning_rate=rate, step=step, mean_loss=loss))

        training = Training(
            what=f"without {left_out}",
            blocks=self.blocks(left_out),
            plan=self.plan,
            schedule=SCHEDULE,
            optimizer=OPTIMIZER,
            seed=0,
            execution=self.execution,
            on_epoch_end=keep,
        )
        train(model, training)
        if directory is not None:
            write_manifest(directory, kept)
        return model.eval()


def write_manifest(directory: Path, kept: list[Checkpoint]) -> None:
    base = InDir(ModelManifest, directory / BASE).manifest()
    manifest = CheckpointsManifest(
        base_digest=base.digest,
        tokenizer_digest=base.tokenizer_digest,
        checkpoints=kept,
        adam_beta1=OPTIMIZER.beta1,
        adam_beta2=OPTIMIZER.beta2,
        adam_epsilon=OPTIMIZER.epsilon,
        libraries=libraries(),
    )
    (directory / "manifest.json").write_text(manifest.model_dump_json())


def encoded(base: Path, rows: pl.DataFrame, question: str) -> list[EncodedRow]:
    before = [training_input(text, kind) for text, kind in rows.select(question, "kind").iter_rows()]
    found = encode_rows(load_tokenizer(base), before, rows["solution"].to_list(), MAX_TOKENS)
    kept = [row for row in found if row is not None]
    assert len(kept) == rows.height, "all problems of the writer fit"
    return kept


def execution() -> Execution:
    root = Path(__file__).parent.parent
    embedded = load_execution(root / "profiles/execution/embedded.yaml")
    return embedded.model_copy(update={"threads": 1, "workers": 1, "training_batch": 8})


def learnt_base(problems: pl.DataFrame, directory: Path) -> None:
    """A tiny Llama that has read problems of every family."""
    texts = pl.Series([f"{row['problem']}\n{row['solution']}" for row in problems.iter_rows(named=True)])
    shape = ConfigModel(
        kind="config",
        hidden_size=64,
        layers=2,
        heads=2,
        mlp=160,
        seed=0,
        max_positions=MAX_TOKENS,
        training=None,
    )
    start = directory.with_name("start")
    build(shape, train_tokenizer(texts, 500), start)
    rows = dict(enumerate(encoded(start, problems, "problem")))
    blocks = pack_rows(rows, MAX_TOKENS, padding_token(load_tokenizer(start)))
    model = load_model(start, "float32")
    optimizer = OPTIMIZER.model_copy(update={"learning_rate": 5e-3})
    plan = epoch_plan(len(blocks), 3, 8, 0)
    training = Training(
        what="base",
        blocks=blocks,
        plan=plan,
        schedule=SCHEDULE,
        optimizer=optimizer,
        seed=0,
        execution=execution(),
    )
    train(model, training)
    save_model(directory, model, load_tokenizer(start), made_by="benchmark", steps=len(plan.steps), tokens=0)


def loss_of(model: PeftModel, rows: list[EncodedRow]) -> float:
    """Mean loss over the rows, in nats a label token."""
    merged = model.merge_and_unload().requires_grad_(requires_grad=False)
    by_batch = [losses(merged, batch) for batch in cut_batches(rows, 16 * MAX_TOKENS)]
    return float(torch.cat(by_batch).double().mean())


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    return pl.DataFrame({"a": a, "b": b}).select(pl.corr("a", "b", method="spearman")).item()


def interval(a: np.ndarray, b: np.ndarray, times: int) -> tuple[float, float]:
    """The 95 % interval, by drawing groups so many times."""
    generator = np.random.Generator(np.random.Philox(0))
    draws = (generator.integers(0, len(a), len(a)) for _ in range(times))
    low, high = np.nanquantile([spearman(a[draw], b[draw]) for draw in draws], [0.025, 0.975])
    return float(low), float(high)


def p_value(a: np.ndarray, b: np.ndarray, permutations: int) -> float:
    """The share of so many permutations and the given order that correlate at least as much."""
    generator = np.random.Generator(np.random.Philox(1))
    found = spearman(a, b)
    as_much = sum(spearman(generator.permutation(a), b) >= found for _ in range(permutations))
    return (1 + as_much) / (1 + permutations)


def compared(root: Path, sizes: Sizes) -> pl.DataFrame:
    """Columns `family`, `in_task`, `predicted`, `change` (nats a token); a row for each group."""
    families = sorted(FAMILIES, key=lambda family: family.name)[: sizes.groups]
    in_task = families[::4]
    learnt_base(drawn(families, "instruction", sizes.before, "before"), root / "reference" / BASE)
    problems = drawn(families, "teacher", sizes.a_group, "group")
    targets = as_targets(drawn(in_task, "target", sizes.a_target, "target"))
    base = root / "base"
    (root / "reference" / BASE).rename(base)
    rows = dict(enumerate(encoded(base, problems, "problem")))
    blocks = len(pack_rows(rows, MAX_TOKENS, 0))
    training = LeavingOut(
        base, rows, problems["subject"].to_list(), epoch_plan(blocks, EPOCHS, 8, 0), execution()
    )
    checkpoints = root / "checkpoints"
    with OutDir(CheckpointsManifest, checkpoints).open() as directory:
        (directory / BASE).symlink_to(base)
        complete = training.run(None, directory)
    params = AttributeParams(max_tokens=MAX_TOKENS, direction="adam", precision="fp32")
    scores = attribute(problems, targets, InDir(CheckpointsManifest, checkpoints), params, execution()).scores
    predicted = (
        scores.join(problems.select("problem_id", family="subject"), on="problem_id")
        .group_by("family")
        .agg(predicted=pl.col("score").sum())
    )
    wanted = encoded(base, targets, "question")
    with_all = loss_of(complete, wanted)
    print(f"{len(problems)} problems, {len(targets)} targets, loss of the targets {with_all:.4f}", flush=True)
    change = {family.name: loss_of(training.run(family.name, None), wanted) - with_all for family in families}
    truth = pl.DataFrame({"family": list(change), "change": list(change.values())})
    names = [family.name for family in in_task]
    return (
        truth.join(predicted, on="family")
        .with_columns(in_task=pl.col("family").is_in(names))
        .sort("predicted", descending=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    sizes = QUICK if parser.parse_args().quick else WHOLE
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["JZ3_STORE"] = f"{directory}/store"
        rows = compared(Path(directory), sizes)
    print(f"{'group':36} in task  predicted  change (nats a token)")
    for row in rows.iter_rows(named=True):
        mark = "*" if row["in_task"] else ""
        print(f"{row['family']:36} {mark:7}  {row['predicted']:+.5f}  {row['change']:+.6f}")
    predicted, change = rows["predicted"].to_numpy(), rows["change"].to_numpy()
    others = rows.filter(~pl.col("in_task"))
    others_predicted, others_change = others["predicted"].to_numpy(), others["change"].to_numpy()
    low, high = interval(predicted, change, sizes.draws)
    figures = {
        "groups": rows.height,
        "spearman": round(spearman(predicted, change), 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "p": p_value(predicted, change, sizes.permutations),
        "spearman_others": round(spearman(others_predicted, others_change), 3),
        "p_others": p_value(others_predicted, others_change, sizes.permutations),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
