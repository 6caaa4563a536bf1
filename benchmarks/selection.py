"""Does selection by value find what the target tasks are about?

The target tasks cover a third of the problem writer's families (21 of 64). Problems of these families should
be more frequent among the candidates of highest value than among as many drawn at random. Warm-up (with its
draw of problems, its adapter and its order), attribution and selection run once for each of five seeds,
through the functions of the stages, with an empty row store. The family of a candidate is the one that reads
its text; a problem that no family reads counts as not covered.

The candidates are those of the clone's own run, so run `dvc repro` first. With --quick the problem writer's
own problems stand in for them, and a model from random weights for the base; two seeds, under a minute.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import get_args

import dataframely as dy
import polars as pl

from jz3.core.artifacts import MANIFEST, In, InDir, InFiles
from jz3.core.execution import Execution, load_execution
from jz3.core.params import load_params
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.values import influence_values
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import WarmupParams
from jz3.lm.tokenizer import train_tokenizer
from jz3.selection.select import SelectParams, select
from jz3.selection.select_order import By
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.target import Target
from jz3.tables.value import Value
from jz3.tasks.tasks import TasksParams, gather
from jz3.training.base import ConfigModel, build
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw

EMBEDDED = Path("profiles/embedded.yaml")
SHARES = (0.05, 0.1, 0.2, 0.4)
"""Shares of the pool to choose, besides the profile's own count; LESS takes 5 %, the paper some 4 %."""
DRAWS = 20
"""Choices per seed for an order that draws; they are averaged."""
DRAWN = ("random", "length_matched")
COMPARED = tuple(by for by in get_args(By) if by != "random")
QUICK_ROWS = 2
"""Problems per family and kind."""
QUICK_SHAPE = {"hidden_size": 64, "layers": 2, "heads": 2, "mlp": 176, "seed": 0, "max_positions": 512}
QUICK_EPOCHS = 6
"""Epochs of training all weights, which have read nothing before; the profile's base has read the corpus."""


@dataclass(frozen=True)
class Case:
    """What the three stages read. `covered` are the prompts whose problem belongs to a family of the
    targets.
    """

    problems: pl.DataFrame
    prompts: pl.DataFrame
    initial: pl.DataFrame
    targets: pl.DataFrame
    base: Path
    warmup: WarmupParams
    covered: frozenset[str]
    count: int


@dataclass(frozen=True)
class Seed:
    """The value of each prompt; and for each order and draw, which prompts are covered, best first."""

    values: pl.DataFrame
    covered: Mapping[By, Sequence[pl.Series]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smaller case of its own; two seeds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keeps what each seed made, so that a killed run goes on")
    arguments = parser.parse_args()
    execution = load_execution().model_copy(update={"threads": 1})
    started = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        case = _quick(Path(scratch)) if arguments.quick else _embedded()
        seeds = range(2 if arguments.quick else arguments.seeds)
        work: Path = arguments.work or Path(scratch)
        done = [_seed(case, seed, execution, work / f"seed-{seed}") for seed in seeds]
    figures = _figures(case, done)
    figures["cpu_seconds"] = round(time.process_time() - started, 1)
    print(json.dumps(figures))


def _embedded() -> Case:
    problems = In(Problem, Path("data/problems/candidates")).read()
    targets = In(Target, Path("data/tasks/targets.parquet")).read()
    return Case(
        problems,
        In(Prompt, Path("data/composed/candidates")).read(),
        In(Prompt, Path("data/composed/initial")).read(),
        targets,
        Path("data/models/base/reference"),
        load_params(WarmupParams, "warmup"),
        _covered(problems, targets),
        load_params(SelectParams, "select.boosted").count,
    )


def _quick(scratch: Path) -> Case:
    problems = pl.concat(_written(place) for place in range(len(FAMILIES)))
    keys = ("prompt_id", "passage_id", "source", "level", "kind")
    prompts = problems.select(*keys, full="problem", compact="problem")
    tasks = load_params(TasksParams, "tasks", EMBEDDED)
    targets = gather(InFiles(Path("data/raw/tasks")), tasks).targets
    texts = pl.concat([problems["problem"], problems["solution"]])
    build(
        ConfigModel.model_validate(QUICK_SHAPE | {"kind": "config", "training": None}),
        train_tokenizer(texts, 1024),
        scratch / "base",
    )
    params = load_params(WarmupParams, "warmup", EMBEDDED)
    assert params.pretrain is not None
    pretrain = params.pretrain.model_copy(update={"epochs": QUICK_EPOCHS})
    return Case(
        Problem.validate(problems),
        Prompt.validate(prompts),
        Prompt.create_empty(),
        Target.validate(targets),
        scratch / "base",
        params.model_copy(update={"pretrain": pretrain, "share": 1.0}),
        _covered(problems, targets),
        problems.height // 2,
    )


def _written(place: int) -> pl.DataFrame:
    """Problems of one family, half of them tool problems."""
    family = FAMILIES[place]
    rows: list[dict[str, str]] = []
    for number, values in enumerate(
        distinct_draws(family, "teacher", 2 * QUICK_ROWS, f"candidates {family.name}")
    ):
        written = write_draw(family, "tool" if number % 2 else "cot", values, f"{family.name} {number}")
        key = f"{place:02}-{number}"
        rows.append(
            {
                "problem_id": f"problem-{key}",
                "prompt_id": f"prompt-{key}",
                "passage_id": f"passage-{key}",
                "source": "writer",
                "level": family.level,
                "kind": "tool" if number % 2 else "cot",
                "problem": written.problem,
                "solution": written.solution,
                "answer": written.answer,
            }
        )
    return pl.DataFrame(rows, schema=Problem.create_empty().schema)


def _covered(problems: pl.DataFrame, targets: pl.DataFrame) -> frozenset[str]:
    families = set(targets["subject"])
    assert 3 * len(families) <= len(FAMILIES), "the targets cover more than a third of the families"
    texts = problems.select("prompt_id", "problem").iter_rows()
    return frozenset(
        prompt_id
        for prompt_id, text in texts
        if (reading := read(text)) is not None and reading.family.name in families
    )


def _seed(case: Case, seed: int, execution: Execution, directory: Path) -> Seed:
    """Warm-up, attribution and every selection of one seed."""
    os.environ["JZ3_STORE"] = str(directory / "store")
    started = time.process_time()
    reference = InDir(CheckpointsManifest, directory / "reference")
    if not (reference.path / MANIFEST).exists():
        shutil.rmtree(reference.path, ignore_errors=True)
        params = case.warmup.model_copy(update={"seed": seed})
        warmup(Problem.validate(case.problems), case.base, reference.path, params, execution)
    attributed = attribute(
        Problem.validate(case.problems),
        Target.validate(case.targets),
        reference,
        load_params(AttributeParams, "attribute", EMBEDDED),
        execution,
    )
    losses = ", ".join(f"{checkpoint.mean_loss:.3f}" for checkpoint in reference.manifest().checkpoints)
    print(
        f"seed {seed}: losses of the adapter {losses}; {time.process_time() - started:.0f} CPU s", flush=True
    )
    values = Value.validate(influence_values(attributed.scores))
    rankings = {
        by: [_ranking(case, values, by, draw) for draw in range(DRAWS if by in DRAWN else 1)]
        for by in get_args(By)
    }
    flags = {
        by: [ranking["prompt_id"].is_in(list(case.covered)) for ranking in each]
        for by, each in rankings.items()
    }
    return Seed(rankings["value"][0].select("prompt_id", "value"), flags)


def _ranking(case: Case, values: dy.DataFrame[Value], by: By, seed: int) -> pl.DataFrame:
    """The prompts that could be chosen, in the order of the choice."""
    params = SelectParams(count=0, by=by, prompt_value="max", seed=seed)
    selection = select(
        values,
        Problem.validate(case.problems),
        Prompt.validate(case.prompts),
        Prompt.validate(case.initial),
        params,
    )
    return selection.ranking.filter(pl.col("place").is_not_null()).sort("place")


def _share(seed: Seed, by: By, count: int) -> float:
    """Share of covered prompts among the first `count`, mean over draws."""
    return fmean(int(flags.head(count).sum()) / count for flags in seed.covered[by])


def _enrichment(seed: Seed, by: By, count: int) -> float:
    return _share(seed, by, count) / _share(seed, "random", count)


def _figures(case: Case, seeds: Sequence[Seed]) -> dict[str, float]:
    """Print the table; return the figures of `value` by share of the pool, and at the count of the
    profile.
    """
    pool = seeds[0].values.height
    print(
        f"\nOf {pool} candidates {len(case.covered) / pool:.1%} are of covered families. Share of these among"
    )
    print("as many drawn at random, and how many times that it is in other choices: mean (least to most)\n")
    print(f"{'chosen':>14}{'random':>8}" + "".join(f"{by:>22}" for by in COMPARED))
    counts = {f"{share:.0%}": round(share * pool) for share in SHARES} | {"profile": case.count}
    figures: dict[str, float] = {}
    for name, count in counts.items():
        columns = {by: [_enrichment(seed, by, count) for seed in seeds] for by in COMPARED}
        cells = (f"{fmean(each):.2f} ({min(each):.2f} to {max(each):.2f})" for each in columns.values())
        drawn = fmean(_share(seed, "random", count) for seed in seeds)
        print(f"{f'{name}: {count}':>14}{drawn:>8.1%}" + "".join(f"{cell:>22}" for cell in cells))
        key = f"enrichment_{name.removesuffix('%')}"
        figures[key] = round(fmean(columns["value"]), 3)
        figures[f"{key}_least"] = round(min(columns["value"]), 3)
        figures[f"{key}_length_matched"] = round(fmean(columns["length_matched"]), 3)
    figures["spearman_between_seeds"] = round(fmean(_correlations(seeds)), 3)
    print(f"\nrank correlation of the values between two seeds: {figures['spearman_between_seeds']:.3f}")
    return figures


def _correlations(seeds: Sequence[Seed]) -> Iterator[float]:
    for one, other in combinations(seeds, 2):
        both = one.values.join(other.values, on="prompt_id", suffix="_other")
        yield both.select(pl.corr("value", "value_other", method="spearman")).item()


if __name__ == "__main__":
    main()
