"""The scores of every selector for every query, and the CPU seconds that each cost.

A query is a task or a family of the targets; its score for a candidate is the mean over its targets, for
value the cosine with their mean gradient, and for nearest neighbours the highest.

Shapes: N candidates, T targets, Q queries.
"""

# ruff: noqa: N803 (names of arrays end in their shape)

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.selecting import gradients as by_gradients
from benchmarks.selecting.retraining import target_rows
from benchmarks.selecting.settings import Setting
from benchmarks.selecting.states import state_cosines
from benchmarks.selecting.texts import bm25, chance, without_targets
from jz3.core.artifacts import MANIFEST, InDir
from jz3.influence.attribute import attribute
from jz3.influence.checkpoints import BASE, Reference, open_checkpoint
from jz3.influence.directions import AdamConstants
from jz3.influence.pooled_states import by_position, evenly
from jz3.influence.texts import problem_texts
from jz3.influence.warmup import warmup
from jz3.lm.encode import IGNORED_LABEL, EncodedRow
from jz3.lm.model import load_tokenizer
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target

Array = NDArray[np.float64]
TRAK_SCORES = Path(__file__).parent / "trak_scores.py"
CHANCES = 20
"""Draws of the row `random`, which are averaged (as in benchmarks/selection.py)."""


@dataclass(frozen=True)
class Query:
    """`level` is `task` or `family`; `targets` are positions in the table of targets."""

    level: str
    name: str
    targets: list[int]

    @property
    def task(self) -> str:
        return f"{self.level} {self.name}"


@dataclass(frozen=True)
class Scored:
    """`scores` has several arrays [N, Q] if they are drawn, and one if every draw would give the same."""

    scores: list[Array]
    cpu_seconds: float


def queries(targets: pl.DataFrame) -> list[Query]:
    """Tasks, then families, by name."""
    found: list[Query] = []
    for level, column in (("task", "task"), ("family", "subject")):
        names = targets[column].to_list()
        found.extend(
            Query(level, name, [place for place, of in enumerate(names) if of == name])
            for name in sorted(set(names))
        )
    return found


@dataclass(frozen=True)
class Texts:
    """Encoded candidates by problem_id and targets by target_id."""

    candidates: list[EncodedRow]
    targets: list[EncodedRow]


def reference_of(setting: Setting, work: Path) -> InDir[CheckpointsManifest]:
    """The warm-up of the profile, made once in `work`."""
    reference = InDir(CheckpointsManifest, work / f"{setting.name}-reference")
    if not (reference.path / MANIFEST).exists():
        shutil.rmtree(reference.path, ignore_errors=True)
        problems = Problem.validate(setting.problems)
        warmup(problems, setting.base, reference.path, setting.warmup, setting.execution)
    return reference


SELECTORS = (
    "value", "LESS", "TracIn", "TRAK (dattri)", "RDS+", "nearest neighbours", "BM25", "same family (oracle)",
    "perplexity", "length", "random",
)  # fmt: skip
"""All selectors, in the order of the table."""
GRADIENTS = ("LESS", "TracIn")


def scored(
    setting: Setting,
    reference: InDir[CheckpointsManifest],
    wanted: list[Query],
    peer: Path | None,
    work: Path,
    only: Collection[str] = SELECTORS,
) -> dict[str, Scored]:
    """Scores by name, in the order of SELECTORS. `peer` is the Python of an environment with dattri: without
    it, TRAK is left out.
    """
    tokenizer = load_tokenizer(setting.base)
    fitting = problem_texts(tokenizer, Problem.validate(setting.problems), setting.attribute.max_tokens)
    texts = Texts([text.row for text in fitting], target_rows(setting))
    before = [f"{text.before}{text.solution}" for text in fitting]
    count, targets = len(texts.candidates), len(texts.targets)
    last = reference.path / reference.manifest().checkpoints[-1].directory
    model = open_checkpoint(reference.path / BASE, last, "fp32", "cpu").model
    tokens = [sum(label != IGNORED_LABEL for label in row.labels) for row in texts.candidates]
    questions = [
        f"{question}\n{solution}"
        for question, solution in setting.targets.select("question", "solution").iter_rows()
    ]
    ways: dict[str, Callable[[], list[Array]]] = {
        "value": lambda: [value_scores(setting, reference, wanted)],
        "RDS+": lambda: [_mean(state_cosines(model, texts.candidates, texts.targets, by_position), wanted)],
        "nearest neighbours": lambda: [
            _highest(state_cosines(model, texts.candidates, texts.targets, evenly), wanted)
        ],
        "BM25": lambda: [_mean(bm25(before, questions), wanted)],
        "same family (oracle)": lambda: [_mean(_same_family(setting), wanted)],
        "perplexity": lambda: [_mean(without_targets(_losses(setting, reference), targets), wanted)],
        "length": lambda: [_mean(without_targets(tokens, targets), wanted)],
        "random": lambda: [_mean(chance(count, targets, seed), wanted) for seed in range(CHANCES)],
    }
    found: dict[str, Scored] = {}
    if peer and "TRAK (dattri)" in only:  # first: it needs the most memory, and may be killed for it
        found["TRAK (dattri)"] = _trak(peer, reference, texts, wanted, work)
    found |= {name: _timed(way) for name, way in ways.items() if name in only}
    if any(name in only for name in GRADIENTS):
        found |= _by_gradients(setting, reference, texts, wanted)
    return {name: found[name] for name in SELECTORS if name in found and name in only}


def _timed(work: Callable[[], list[Array]]) -> Scored:
    started = time.process_time()
    scores = work()
    return Scored(scores, time.process_time() - started)


def value_scores(setting: Setting, reference: InDir[CheckpointsManifest], wanted: list[Query]) -> Array:
    """[N, Q]: the stage's own scores, with every query as a task."""
    frame = setting.targets.with_columns(place=pl.int_range(pl.len()))
    as_tasks = pl.concat(
        frame.filter(pl.col("place").is_in(query.targets)).with_columns(
            task=pl.lit(query.task), target_id=pl.format("{} {}", pl.lit(query.level), "target_id")
        )
        for query in wanted
    ).drop("place")
    scores = attribute(
        Problem.validate(setting.problems),
        Target.validate(as_tasks),
        reference,
        setting.attribute,
        setting.execution,
    ).scores
    wide = scores.pivot("task", index="problem_id", values="score").sort("problem_id")
    return wide.select([query.task for query in wanted]).to_numpy()


def _losses(setting: Setting, reference: InDir[CheckpointsManifest]) -> list[float]:
    """The loss of each problem at the last checkpoint, from what `attribute` keeps: perplexity is its
    exponential.
    """
    scores = attribute(
        Problem.validate(setting.problems),
        Target.validate(setting.targets.with_columns(task=pl.lit("all"))),
        reference,
        setting.attribute,
        setting.execution,
    ).scores
    return scores.sort("problem_id")["loss"].to_list()


def _same_family(setting: Setting) -> Array:
    """1 for each target of the family that reads the candidate: known to the writer's catalogue, but to no
    selector.
    """
    subjects = setting.targets["subject"].to_list()
    return np.array([[float(family == subject) for subject in subjects] for family in setting.families()])


def _by_gradients(
    setting: Setting, reference: InDir[CheckpointsManifest], texts: Texts, wanted: list[Query]
) -> dict[str, Scored]:
    """Each selector is charged for the gradients, which are taken only once."""
    manifest = reference.manifest()
    constants = AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon)
    padded = setting.execution.training_batch * setting.attribute.max_tokens
    less: list[tuple[float, Array]] = []
    tracin: list[tuple[float, Array]] = []
    seconds = {"gradients": 0.0, "less": 0.0, "tracin": 0.0}
    for checkpoint in manifest.checkpoints:
        at = open_checkpoint(reference.path / BASE, reference.path / checkpoint.directory, "fp32", "cpu")
        started = time.process_time()
        taken = [_gradients(at, rows, padded) for rows in (texts.candidates, texts.targets)]
        seconds["gradients"] += time.process_time() - started
        started = time.process_time()
        less.append((checkpoint.mean_learning_rate, by_gradients.less_cosines(at, constants, *taken)))
        seconds["less"] += time.process_time() - started
        started = time.process_time()
        tracin.append((checkpoint.mean_learning_rate, by_gradients.tracin(*taken)))
        seconds["tracin"] += time.process_time() - started
    return {
        "LESS": Scored(
            [_mean(by_gradients.over_checkpoints(less), wanted)], seconds["gradients"] + seconds["less"]
        ),
        "TracIn": Scored(
            [_mean(by_gradients.over_checkpoints(tracin), wanted)], seconds["gradients"] + seconds["tracin"]
        ),
    }


def _gradients(at: Reference, rows: list[EncodedRow], padded: int) -> by_gradients.Gradients:
    with torch.no_grad():
        return by_gradients.gradients(at, rows, padded)


def _trak(
    peer: Path, reference: InDir[CheckpointsManifest], texts: Texts, wanted: list[Query], work: Path
) -> Scored:
    folder = work / "trak"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reference").unlink(missing_ok=True)
    (folder / "reference").symlink_to(reference.path.absolute())
    length = max(len(row.tokens) for row in (*texts.candidates, *texts.targets))
    np.savez(
        folder / "texts.npz",
        **{
            f"{name}_{part}": np.array([_padded(getattr(row, part), length, filler) for row in rows])
            for name, rows in (("candidates", texts.candidates), ("targets", texts.targets))
            for part, filler in (("tokens", 0), ("labels", IGNORED_LABEL))
        },
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([peer, TRAK_SCORES, folder], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Scored([_mean(np.load(folder / "scores.npy"), wanted)], seconds)


def _padded(numbers: list[int], length: int, filler: int) -> list[int]:
    return numbers + [filler] * (length - len(numbers))


def _mean(scores_NT: Array, wanted: list[Query]) -> Array:
    return np.stack([scores_NT[:, query.targets].mean(axis=1) for query in wanted], axis=1)


def _highest(scores_NT: Array, wanted: list[Query]) -> Array:
    return np.stack([scores_NT[:, query.targets].max(axis=1) for query in wanted], axis=1)
