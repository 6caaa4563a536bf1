"""Exact influence against LESS with its projection: speed, rank agreement, memory.

    OMP_NUM_THREADS=1 python benchmarks/influence.py            # 400 candidates
    OMP_NUM_THREADS=1 python benchmarks/influence.py --quick    # 8 candidates, less training and projection

A Llama of 6.4M weights, trained on problems of the built-in writer, and LoRA of rank 16 on its seven linears,
warmed up by the stage's own code, in a process of its own, as `dvc repro` runs it. Times are CPU time of one
thread, of the passes that `attribute` makes (Adam form, bf16), against two paths (`influencing/less.py`):

- LESS: batch 1, fp32, Rademacher projection to 8,192 in blocks of 128 that are drawn again for every 16
  gradients, as LESS sets up trak's BasicProjector; 8 candidates are timed, their projection as half of 16.
  `--quick` draws one of the 64 blocks, and 64 of the columns below, and counts them as often.
- A stronger one: batch 1, bf16, the matrix drawn once and kept in bf16 (8 GB whole; 1,024 of its columns are
  drawn and counted eight times), 128 gradients projected at once; drawing is not counted.

The truth is fp32, batch 1, autograd through peft's own layers, cosines unprojected. Nothing is compiled.
`gradients_overhead` is per-sample gradients over a pass of ours without them, from the embeddings and back
(the pass with gradients ends at the first layers that bear an adapter): each batch goes through every part,
one after the other in a newly drawn order, and the median of these ratios counts, so that other load on the
machine affects both sides. `_low` and `_high` bound that median with 95 % (order statistics), `_quarter` and
`_three_quarters` are the quartiles of the single ratios. `gradients_over_bare` is the same over a bare pass
of the same model and batch, as transformers has it: padded, with an attention mask and labels, its own loss.
Ours computes logits only where there is a label, and needs no mask. `peak_gb` is the memory of a process that
does nothing but `attribute`.

If there is a GPU, a Llama of 1B weights goes through the passes there, too: weights and tokens are random, as
time does not depend on them. `gpu_hours_7b` is scaled by weights to 100,000 candidates of 512 tokens, 7B and
4 checkpoints. Not run on a GPU so far.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import polars as pl
import torch

from benchmarks.influencing.case import (
    MAX_TOKENS,
    case,
    execution,
    problems,
    targets,
    trained_reference,
)
from benchmarks.influencing.large import ONE_B, on_device
from benchmarks.influencing.less import less_ms, stored_matrix_ms, true_cosines
from benchmarks.influencing.passes import timed_passes, with_spread
from jz3.core.artifacts import InDir
from jz3.influence.attribute import AttributeParams, attribute
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target


@dataclass(frozen=True)
class Sizes:
    candidates: int
    targets: int
    trained: int
    """Problems that the base learns, each once."""
    less_blocks: int
    stored_columns: int
    """Columns of the stored matrix that are drawn, of all 8,192."""
    passes: int
    """Passes over the candidates."""


WHOLE = Sizes(candidates=400, targets=64, trained=1200, less_blocks=64, stored_columns=1024, passes=5)
QUICK = Sizes(candidates=8, targets=4, trained=20, less_blocks=1, stored_columns=64, passes=1)


def spearman(a: torch.Tensor, b: torch.Tensor) -> float:
    frame = pl.DataFrame({"a": a.tolist(), "b": b.tolist()})
    return frame.select(pl.corr("a", "b", method="spearman")).item()


def top_overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    """The overlap of the best tenths by each."""
    count = max(1, len(a) // 10)
    best = [set(values.topk(count).indices.tolist()) for values in (a, b)]
    return len(best[0] & best[1]) / count


def whole_stage(root: Path, store: Path) -> dict[str, float]:
    """`attribute` in a process of its own: its memory and CPU seconds."""
    command = [sys.executable, __file__, "--attribute", str(root)]
    environment = os.environ | {"JZ3_STORE": str(store)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def attribute_alone(root: Path) -> None:
    params = AttributeParams(max_tokens=MAX_TOKENS, direction="adam", precision="bf16")
    candidates = Problem.validate(pl.read_parquet(root / "candidates.parquet"))
    wanted = Target.validate(pl.read_parquet(root / "targets.parquet"))
    started = time.process_time()
    attribute(candidates, wanted, InDir(CheckpointsManifest, root / "reference"), params, execution())
    seconds = time.process_time() - started
    peak = peak_kb() / 2**20
    print(json.dumps({"stage_seconds": round(seconds, 2), "peak_gb": round(peak, 2)}))


def peak_kb() -> int:
    """Peak of this program. `ru_maxrss` would include the program that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure(root: Path, sizes: Sizes) -> Iterator[tuple[str, float]]:
    candidates, wanted = problems(sizes.candidates), targets(sizes.targets)
    candidates.write_parquet(root / "candidates.parquet")
    wanted.write_parquet(root / "targets.parquet")
    checkpoints = trained_reference(root, sizes.trained)
    it = case(checkpoints, candidates, wanted)
    yield "candidates", len(it.rows)
    yield "mean_tokens", round(sum(len(row.tokens) for row in it.rows) / len(it.rows), 1)
    timed = timed_passes(it, sizes.passes)
    times, cosines = timed.milliseconds, timed.cosines
    for name, milliseconds in times.items():
        yield f"ms: {name}", round(milliseconds, 2)
    less, stored = less_ms(it, sizes.less_blocks), stored_matrix_ms(it, sizes.stored_columns)
    yield "ms: LESS", round(less, 1)
    yield "ms: stored matrix", round(stored, 1)
    mine = times["with Adam scores"]
    yield from with_spread("gradients_overhead", timed.overheads["with gradients"])
    yield from with_spread("gradients_over_bare", timed.over_bare)
    yield "scores_overhead", round(median(timed.overheads["with Adam scores"]), 4)
    yield "examples_per_cpu_second", round(1e3 / mine, 1)
    yield "compilation_seconds", 0.0
    yield "ratio_less", round(less / mine, 1)
    yield "ratio_stored_matrix", round(stored / mine, 2)
    truth = true_cosines(it)
    best = {name: (cosines[name].amax(1), truth[name].amax(1)) for name in truth}
    for name, pair in best.items():
        yield f"spearman_{name}", round(spearman(*pair), 5)
        yield f"top10_overlap_{name}", round(top_overlap(*pair), 3)
    yield "top10_overlap", round(min(top_overlap(*pair) for pair in best.values()), 3)
    yield (
        "largest_difference",
        round(max(float((cosines[name] - truth[name]).abs().max()) for name in truth), 5),
    )
    yield from whole_stage(root, root / "store").items()
    if torch.cuda.is_available():
        yield from on_device(ONE_B, "cuda")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--attribute", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.attribute:
        attribute_alone(arguments.attribute)
        return
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, value in measure(Path(directory), QUICK if arguments.quick else WHOLE):
            print(f"{name:28} {value:>12,}", flush=True)
            figures[name] = value
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
