"""What does choosing gain, and what does it cost? Training on each selector's choice alone, against chance.

    OMP_NUM_THREADS=1 python benchmarks/selection_gain.py --work FOLDER            # three seeds, half an hour
    OMP_NUM_THREADS=1 python benchmarks/selection_gain.py --work FOLDER --seeds 1
    OMP_NUM_THREADS=1 python benchmarks/selection_gain.py --quick                   # a planted case, a minute

Each selector chooses as many of the candidates of the clone's own run (`dvc repro` first) as the profile's
selection does; a model is trained on each choice alone, as the profile's warm-up trains, and on random draws
of the same number, of 1.5 times and of twice as many. `gain` is by how much lower the loss is (nats a label
token) on new problems of the targets' families, and of the others, than after a random draw of the same
number, with 95 % by t over the seeds, which are paired; `least` is the gain that so many seeds could have
shown.

The compute line: `worth` is how many randomly drawn problems teach as much about the targets' families,
between the sizes tried (by interpolation over their logarithm). The cost of training on these, minus that of
the choice, is what choosing saves; it pays if that exceeds the cost of choosing. All in CPU seconds. The
warm-up counts for those selectors that read its checkpoints. --quick plants the truth as
benchmarks/influence_lds.py does, and is no comparison: a tiny adapter learns little but the form of 32
problems.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.selecting.choices import CHANCE, Choice, choices, kept_in, with_new_problems
from benchmarks.selecting.retraining import keep
from benchmarks.selecting.scoring import Scored, queries, reference_of, scored
from benchmarks.selecting.settings import Setting, embedded, planted, working_in
from jz3.core.params import load_params
from jz3.selection.select import SelectParams
from jz3.writer.catalogue import FAMILIES

Array = NDArray[np.float64]
SELECTORS = ("value", "RDS+", "BM25", "same family (oracle)")
"""One by gradients, one by states, one by words, and the families of the targets themselves (chosen: each
costs one training per seed).
"""
WARMED = ("value", "RDS+")
"""Selectors that read the warm-up's checkpoints."""
QUICK_COUNT = 32
"""Of the 64 candidates of the planted case: as many as belong to the targets' families."""
SEEDS = 3


@dataclass(frozen=True)
class Learnt:
    """After one training: mean loss on new problems of the targets' families, and of the others."""

    covered: float
    others: float
    cpu_seconds: float


@dataclass(frozen=True)
class Gain:
    """A mean over seeds and its 95 % interval by t; with one seed there is no interval."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f}" if np.isnan(self.half) else f"{self.mean:+.4f} ± {self.half:.4f}"


def gain(differences: Sequence[float]) -> Gain:
    seeds = len(differences)
    if seeds < 2:
        return Gain(differences[0], float("nan"))
    deviation = float(np.std(differences, ddof=1))
    return Gain(float(np.mean(differences)), float(student.ppf(0.975, seeds - 1)) * deviation / seeds**0.5)


def worth(loss: float, by_size: Mapping[int, float]) -> float:
    """How many randomly drawn problems teach as much; below the least size and above all sizes, the end of
    the range.
    """
    sizes = sorted(by_size)
    losses = np.minimum.accumulate([by_size[size] for size in sizes])
    return float(np.exp(np.interp(-loss, -losses, np.log(sizes))))


def learnt(setting: Setting, choice: Choice, covered: NDArray[np.bool_], work: Path) -> Learnt:
    """What a model learns from a choice: read if it is kept, otherwise trained."""
    kept = kept_in(setting, choice, work)
    if not kept.exists():
        started = time.monotonic()
        keep(kept, setting, choice.problems, choice.seed)
        print(
            f"seed {choice.seed}, {choice.selector}, {choice.size}: {time.monotonic() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    result = json.loads(kept.read_text())
    losses = np.array(result["losses"])
    return Learnt(float(losses[covered].mean()), float(losses[~covered].mean()), result["cpu_seconds"])


def choosing_seconds(found: Mapping[str, Scored], warming: float) -> dict[str, float]:
    return {name: found[name].cpu_seconds + (warming if name in WARMED else 0.0) for name in SELECTORS}


def table(
    after: Mapping[tuple[str, int], list[Learnt]], count: int, choosing: Mapping[str, float]
) -> dict[str, float]:
    """Print the table; return its figures by name."""
    by_size = {
        size: float(np.mean([one.covered for one in seeds]))
        for (name, size), seeds in after.items()
        if name == CHANCE
    }
    seconds = {
        size: float(np.mean([one.cpu_seconds for one in seeds]))
        for (name, size), seeds in after.items()
        if name == CHANCE
    }
    print("problems drawn by chance: loss on the targets' families, on the others, CPU s of training")
    for size, loss in sorted(by_size.items()):
        others = float(np.mean([one.others for one in after[CHANCE, size]]))
        print(f"{size:>10,}{loss:>10.4f}{others:>10.4f}{seconds[size]:>8.1f}")
    print(
        f"\n{f'best {count} by':24}{'gain, their families':>22}{'gain, others':>22}{'worth':>14}"
        f"{'saves, CPU s':>14}{'choosing, CPU s':>17}  pays"
    )
    figures: dict[str, float] = {f"loss_chance_{size}": round(loss, 4) for size, loss in by_size.items()}
    chance = after[CHANCE, count]
    for name in SELECTORS:
        seeds = after[name, count]
        own = gain([base.covered - one.covered for base, one in zip(chance, seeds, strict=True)])
        rest = gain([base.others - one.others for base, one in zip(chance, seeds, strict=True)])
        equal = worth(float(np.mean([one.covered for one in seeds])), by_size)
        saved = float(np.interp(equal, sorted(seconds), [seconds[size] for size in sorted(seconds)]))
        saved -= seconds[count]
        pays = "yes" if saved > choosing[name] else "no"
        most = "at least " if equal >= max(by_size) else ""
        cells = f"{own!s:>22}{rest!s:>22}{f'{most}{equal:,.0f}':>14}{saved:>14.1f}{choosing[name]:>17.1f}"
        print(f"{name:24}{cells}  {pays}")
        key = re.sub(r"\W+", "_", name.lower().replace("+", "_plus")).strip("_")
        figures[f"gain_{key}"] = round(own.mean, 4)
        figures[f"gain_others_{key}"] = round(rest.mean, 4)
        if len(seeds) > 1:
            figures[f"gain_{key}_half"] = round(own.half, 4)
        figures[f"worth_{key}"] = round(equal)
        figures[f"saves_{key}"] = round(saved, 1)
        figures[f"choosing_{key}"] = round(choosing[name], 1)
    return figures | {"cpu_seconds_training": round(seconds[count], 1)}


def measure(setting: Setting, count: int, seeds: int, work: Path) -> dict[str, float]:
    wanted = [query for query in queries(setting.targets) if query.level == "task"]
    started = time.process_time()
    reference = reference_of(setting, work)
    warming = time.process_time() - started
    found = scored(setting, reference, wanted, None, work, SELECTORS)
    times = work / f"{setting.name}-choosing.json"
    if not times.exists():  # a resumed run finds its warm-up made and its rows in the store
        times.write_text(json.dumps(choosing_seconds(found, warming)))
    families = set(setting.targets["subject"])
    known = {*setting.families()}
    asked = with_new_problems(
        setting,
        [family for family in FAMILIES if family.name in known | families],
        sorted(set(setting.problems["kind"])),
    )
    covered = asked.targets["subject"].is_in(families).to_numpy()
    print(
        f"{count} of {setting.problems.height} candidates; {int(covered.sum())} new problems of the targets' "
        f"{len(families)} families, {int((~covered).sum())} of others; seeds {seeds}"
    )
    after: dict[tuple[str, int], list[Learnt]] = {}
    for seed in range(seeds):
        for choice in choices(setting, found, SELECTORS, count, seed):
            after.setdefault((choice.selector, choice.size), []).append(learnt(asked, choice, covered, work))
    return table(after, count, json.loads(times.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the planted case, one seed; under a minute")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--work", type=Path, help="keeps what each model learnt, so that a run goes on")
    arguments = parser.parse_args()
    with working_in(arguments.work) as work:
        if arguments.quick:
            figures = measure(planted(work), QUICK_COUNT, 1, work)
        else:
            count = load_params(SelectParams, "select.boosted").count
            figures = measure(embedded(), count, arguments.seeds, work)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
