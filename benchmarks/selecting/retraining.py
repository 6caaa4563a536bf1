"""Models trained on halves of the candidates, and what each learnt: kept one by one, so a run can be resumed.

Costs a warm-up for each subset and seed, and a forward pass over the targets.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.selecting.settings import Setting
from jz3.core.artifacts import InDir
from jz3.core.hashing import canonical_json, content_id
from jz3.influence.checkpoints import BASE, open_checkpoint
from jz3.influence.gradients import cut_batches, losses
from jz3.influence.share import draw
from jz3.influence.texts import task_texts
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import epoch_names
from jz3.lm.encode import EncodedRow
from jz3.lm.model import load_tokenizer
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target

SHARE = 0.5
"""Share of the candidates in a subset (TRAK, section 4.1)."""
FIRST_DRAW = 1_000
"""Seed of the first subset's draw; the warm-up draws its share in the same way by seeds from 0."""


@dataclass(frozen=True)
class Retraining:
    """One model: a subset by number, a seed, and the file in which what it learnt is kept."""

    subset: int
    seed: int
    kept: Path


def members(setting: Setting) -> NDArray[np.bool_]:
    """[M, N]: which problems each subset has; all subsets have the same number."""
    drawn = (draw(setting.problems, SHARE, FIRST_DRAW + number) for number in range(setting.subsets))
    return np.array([setting.problems["problem_id"].is_in(rows["problem_id"].implode()) for rows in drawn])


def identity(setting: Setting) -> dict[str, object]:
    """What decides what a model learns, apart from its problems and its seed."""
    base = InDir(ModelManifest, setting.base).manifest()
    return {
        "base": base.digest,
        "tokenizer": base.tokenizer_digest,
        "training": setting.warmup.model_dump(mode="json") | {"share": 1.0, "seed": None},
        "targets": content_id(*setting.targets.write_json()),
        "batch": setting.execution.training_batch,
    }


def retrainings(setting: Setting, work: Path) -> Iterator[Retraining]:
    """Seed by seed, as the first seed alone gives a table. Everything that decides a result is in its file's
    name.
    """
    shared = identity(setting) | {
        "problems": content_id(*setting.problems.select("problem_id", "problem", "solution").write_json()),
        "share": SHARE,
    }
    for seed in range(setting.seeds):
        for subset in range(setting.subsets):
            key = content_id(canonical_json(shared | {"seed": seed, "subset": FIRST_DRAW + subset}))
            yield Retraining(subset, seed, work / f"{setting.name}-losses" / f"{key}.json")


def retrain(setting: Setting, one: Retraining) -> None:
    """Train on a subset, and keep what the model learnt."""
    keep(one.kept, setting, draw(setting.problems, SHARE, FIRST_DRAW + one.subset), one.seed)


def keep(kept: Path, setting: Setting, problems: pl.DataFrame, seed: int) -> None:
    """Train on all of the problems, measure the loss of each target (nats, mean over its label tokens), and
    write it with the CPU seconds of both.
    """
    params = setting.warmup.model_copy(update={"share": 1.0, "seed": seed})
    started = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "trained"
        warmup(Problem.validate(problems), setting.base, directory, params, setting.execution)
        found = _losses(directory, epoch_names(params)[-1], setting)
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".partial")
    seconds = round(time.process_time() - started, 2)
    partial.write_text(json.dumps({"losses": found, "cpu_seconds": seconds}))
    partial.rename(kept)


def measured(done: list[Retraining], subsets: int) -> tuple[NDArray[np.float64], float]:
    """[S, M, T] of the complete seeds: less loss means more learnt, hence its negative; and CPU seconds per
    model.
    """
    results = [json.loads(one.kept.read_text()) for one in done]
    of_each = np.array([result["losses"] for result in results])
    seconds = float(np.mean([result["cpu_seconds"] for result in results]))
    return -of_each.reshape(-1, subsets, of_each.shape[1]), seconds


def target_rows(setting: Setting) -> list[EncodedRow]:
    """Encoded targets by target_id. Every target fits; otherwise the stage `attribute` would reject it."""
    tokenizer = load_tokenizer(setting.base)
    whole = setting.targets.with_columns(task=pl.lit("all"))
    texts = task_texts(tokenizer, Target.validate(whole), setting.attribute.max_tokens)["all"]
    assert len(texts) == setting.targets.height, "a target is longer than attribute.max_tokens"
    return [text.row for text in texts]


def _losses(directory: Path, epoch: str, setting: Setting) -> list[float]:
    reference = open_checkpoint(directory / BASE, directory / epoch, "fp32", "cpu")
    batches = cut_batches(
        target_rows(setting), setting.execution.training_batch * setting.attribute.max_tokens
    )
    with torch.no_grad():
        return torch.cat([losses(reference.model, batch) for batch in batches]).tolist()
