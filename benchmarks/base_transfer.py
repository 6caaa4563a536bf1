"""Can scores taken with one base choose for another? Values by several bases, compared in pairs.

    OMP_NUM_THREADS=1 python benchmarks/base_transfer.py --work FOLDER    # ten minutes of CPU
    OMP_NUM_THREADS=1 python benchmarks/base_transfer.py --work FOLDER --base profile --base narrower
    OMP_NUM_THREADS=1 python benchmarks/base_transfer.py --quick          # small bases, under a minute

A value is that of the stages: warm-up on the profile's share of the candidates of the clone's own run (`dvc
repro` first), gradients at its checkpoints, the highest score over the target tasks. The bases:

    profile          the run's own
    other warm-up    the same with another draw, adapter and order: what of a disagreement is the warm-up's
    before decay     the final model of this run before its decay: the same weights, having learned to answer
    narrower         a quarter of the width and half the layers, trained on the corpus here
    other weights    the profile's shape from another seed, trained on the corpus here

The matrix has the Spearman correlation of two bases' values above its diagonal, and below it the share of
the profile's count that both choose; `covered` is how many times more often a choice is of the targets'
families than the candidates are.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.selecting.scoring import reference_of
from benchmarks.selecting.settings import EMBEDDED, Setting, embedded, planted, working_in
from jz3.core.artifacts import In, InFiles
from jz3.core.params import load_params
from jz3.influence.attribute import attribute
from jz3.influence.values import influence_values
from jz3.influence.warmup_training import WarmupParams
from jz3.lm.model import load_tokenizer
from jz3.selection.select import SelectParams
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.training.base import BaseParams, ConfigModel, base, build

Array = NDArray[np.float64]
BEFORE_DECAY = Path("data/models/before_decay/jiuzhang")
OTHERS: Mapping[str, Mapping[str, int]] = {
    "narrower": {"hidden_size": 32, "layers": 2, "heads": 2, "mlp": 88},
    "other weights": {},
}
"""How this base differs from the profile's, apart from its seed (chosen: the narrower one has a tenth of the
weights, the factor at which Yin and Rush, 2024, find that gradients pay; most of its weights are embeddings).
"""
BASES = ("profile", "other warm-up", "before decay", *OTHERS)
QUICK_SHAPE = {"hidden_size": 64, "layers": 2, "heads": 2, "mlp": 160, "max_positions": 256}
QUICK_COUNT = 16


@dataclass(frozen=True)
class Valued:
    """`values` by problem_id, of all candidates."""

    values: Array
    parameters: int
    cpu_seconds: float
    """For warm-up and gradients."""


def valued(setting: Setting, work: Path) -> Valued:
    """Values by the base and warm-up of the setting; kept in `work`."""
    kept = work / f"{setting.name}-values.json"
    if not kept.exists():
        started = time.process_time()
        reference = reference_of(setting, work)
        scores = attribute(
            Problem.validate(setting.problems),
            Target.validate(setting.targets),
            reference,
            setting.attribute,
            setting.execution,
        ).scores
        values = influence_values(scores).sort("problem_id")
        assert values["problem_id"].to_list() == setting.problems["problem_id"].to_list()
        seconds = round(time.process_time() - started, 1)
        print(f"{setting.name}: {seconds} CPU s", file=sys.stderr, flush=True)
        kept.write_text(json.dumps({"values": values["value"].to_list(), "cpu_seconds": seconds}))
    found = json.loads(kept.read_text())
    parameters = json.loads((setting.base / "manifest.json").read_text())["parameters"]
    return Valued(np.array(found["values"]), parameters, found["cpu_seconds"])


def settings_of(run: Setting, bases: Mapping[str, Path]) -> dict[str, Setting]:
    """The run's own setting, the same with another warm-up, and one for each other base."""
    other = run.warmup.model_copy(update={"seed": run.warmup.seed + 1})
    return {
        "profile": replace(run, name="profile"),
        "other warm-up": replace(run, name="other-warm-up", warmup=other),
    } | {name: replace(run, name=name.replace(" ", "-"), base=path) for name, path in bases.items()}


def trained_base(name: str, work: Path) -> Path:
    """A base other than the profile's, trained once as the stage trains it, on the run's own corpus."""
    place = work / f"base-{name.replace(' ', '-')}"
    if (place / "manifest.json").exists():
        return place
    params = load_params(BaseParams, "base")
    profile = params.reference
    assert isinstance(profile, ConfigModel), "the profile's base was fetched: there are no others of it"
    model = profile.model_copy(update={**OTHERS[name], "seed": profile.seed + 1})
    same = params.model_copy(update={"synthesis": model, "reference": model, "final": model})
    corpus = In(Passage, Path("data/sample/corpus")).read()
    with tempfile.TemporaryDirectory() as scratch:
        beside = (Path(scratch) / "second", Path(scratch) / "third")
        base(corpus, same, InFiles(Path("data/raw/models")), place, *beside, embedded().execution)
    return place


def quick_settings(work: Path) -> dict[str, Setting]:
    """The planted case; all weights learn in the warm-up, since the other bases have read nothing."""
    run = planted(work)
    pretrain = load_params(WarmupParams, "warmup", EMBEDDED).pretrain
    warmup = run.warmup.model_copy(update={"pretrain": pretrain, "epochs": 1})
    shapes = {"other weights": QUICK_SHAPE | {"seed": 1}, "narrower": QUICK_SHAPE | {"seed": 0, "mlp": 40}}
    bases = {name: work / f"base-{name.replace(' ', '-')}" for name in shapes}
    for name, shape in shapes.items():
        config = ConfigModel.model_validate(shape | {"kind": "config", "training": None})
        build(config, load_tokenizer(run.base), bases[name])
    return settings_of(replace(run, warmup=warmup), bases)


def top(values: Array, count: int) -> NDArray[np.intp]:
    """Positions of the highest values; ties keep their order."""
    return np.argsort(-values, kind="stable")[:count]


def spearman(one: Array, other: Array) -> float:
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def matrix(found: Mapping[str, Valued], covered: NDArray[np.bool_], count: int) -> dict[str, float]:
    """Print the matrix; return its figures by name."""
    names = [*found]
    print(
        f"{'':16}" + "".join(f"{name:>16}" for name in names) + f"{'weights':>12}{'covered':>9}{'CPU s':>8}"
    )
    figures: dict[str, float] = {}
    for row, name in enumerate(names):
        cells: list[str] = []
        for column, other in enumerate(names):
            pair = f"{min(name, other)}_{max(name, other)}".replace(" ", "_").replace("-", "_")
            one, two = found[name].values, found[other].values
            if column > row:
                figures[f"spearman_{pair}"] = round(spearman(one, two), 3)
                cells.append(f"{figures[f'spearman_{pair}']:.3f}")
            elif column < row:
                shared = np.intersect1d(top(one, count), top(two, count)).size / count
                figures[f"shared_{pair}"] = round(shared, 3)
                cells.append(f"{shared:.1%}")
            else:
                cells.append("")
        own = found[name]
        enriched = float(covered[top(own.values, count)].mean() / covered.mean())
        figures[f"covered_{name.replace(' ', '_').replace('-', '_')}"] = round(enriched, 2)
        print(
            f"{name:16}"
            + "".join(f"{cell:>16}" for cell in cells)
            + f"{own.parameters:>12,}{enriched:>9.2f}{own.cpu_seconds:>8.1f}"
        )
    return figures


def measure(settings: Mapping[str, Setting], count: int, work: Path) -> dict[str, float]:
    found = {name: valued(setting, work) for name, setting in settings.items()}
    run = next(iter(settings.values()))
    families: Sequence[str | None] = run.families()
    covered = np.array([family in set(run.targets["subject"]) for family in families])
    print(f"{count} of {len(covered)} candidates; by chance two choices share {count / len(covered):.1%}\n")
    return matrix(found, covered, count)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the planted case; under a minute")
    parser.add_argument("--base", action="append", choices=BASES, help="all, if none is named")
    parser.add_argument("--work", type=Path, help="keeps bases and values, so that a run goes on")
    arguments = parser.parse_args()
    with working_in(arguments.work) as work:
        if arguments.quick:
            figures = measure(quick_settings(work), QUICK_COUNT, work)
        else:
            named = arguments.base or BASES
            bases = {"before decay": BEFORE_DECAY} if "before decay" in named else {}
            bases |= {name: trained_base(name, work) for name in OTHERS if name in named}
            settings = settings_of(embedded(), bases)
            count = load_params(SelectParams, "select.boosted").count
            figures = measure({name: settings[name] for name in BASES if name in named}, count, work)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
