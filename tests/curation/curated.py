"""Planted rows through the stages `parse`, `dedup`, `decontaminate`, `mix`, and the share of the truth found.

The stages run as `dvc repro` runs them, each in a process of its own, with the parameters of the paper
profile; rows of `execute` and `filter` are all kept, and there is no instruction data.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import yaml

from jz3.core.artifacts import In, Out
from jz3.tables.completion import Completion
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.item import Item
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.thought import Thought
from jz3.tables.verdict import Verdict
from tests.curation.planted import Planted, items, jaccard
from tests.stage_folder import stage_folder

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles" / "paper.yaml"
STAGES = {
    "parse": "--completions completions --prompts prompts --problems problems --rejects rejects.parquet",
    "dedup": "--problems problems --executed none.parquet --filtered none.parquet --releases releases "
    "--verdicts dedup.parquet --index index",
    "decontaminate": "--problems problems --items items.parquet --verdicts decontaminate.parquet "
    "--certificate certificate",
    "mix": "--params mix.jiuzhang --problems problems --results results.parquet --executed none.parquet "
    "--filtered none.parquet --deduped dedup.parquet --decontaminated decontaminate.parquet "
    "--instructions instructions.parquet --decontaminated-instructions none.parquet "
    "--lineage lineage.parquet --thoughts thoughts.parquet --training mix --thoughtless thoughtless.parquet",
}
CHECKED_DROPS = 2_000
"""Near duplicates whose true similarity is computed."""


LAUNCHER = """
import json, os, sys, time
pid = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ)
anonymous, done = 0, 0
while not done:
    with open(f"/proc/{pid}/status") as lines:
        own = [int(line.split()[1]) for line in lines if line.startswith("RssAnon")]
    anonymous = max(anonymous, *own, 0)
    time.sleep(0.05)
    done, status, used = os.wait4(pid, os.WNOHANG)
print(json.dumps({
    "cpu_seconds": used.ru_utime + used.ru_stime,
    "peak_gb": used.ru_maxrss / 2**20,
    "anonymous_gb": anonymous / 2**20,
}))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Starts a stage and reports what it used. It is a process in between, because Linux counts the peak memory
of a process as its child's, too, and the one that planted the rows is large.
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one stage."""

    seconds: float
    cpu_seconds: float
    """CPU time of all its threads."""
    peak_gb: float
    """Peak resident memory, mapped files included."""
    anonymous_gb: float
    """Without mapped files, which the system takes back if memory is short; sampled every 50 ms."""


def plant(rows: int, directory: Path) -> pl.DataFrame:
    """Write what the stages read, and return the truth."""
    planted = Planted(rows)
    Out(Completion, directory / "completions").sink(planted.completions())
    Out(Prompt, directory / "prompts").sink(planted.prompts())
    Out(Item, directory / "items.parquet").write(items())
    Out(Verdict, directory / "none.parquet").write(Verdict.create_empty())
    Out(ExecutionResult, directory / "results.parquet").write(ExecutionResult.create_empty())
    Out(Problem, directory / "instructions.parquet").write(Problem.create_empty())
    Out(Lineage, directory / "lineage.parquet").write(Lineage.create_empty())
    Out(Thought, directory / "thoughts.parquet").write(Thought.create_empty())
    (directory / "releases").mkdir()
    stage_folder(directory, profile=PROFILE.stem, execution={"threads": os.cpu_count()})
    return planted.truth()


def curate(directory: Path) -> Iterator[tuple[str, Cost]]:
    """Run the stages over a row store of their own; each with its cost."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(directory / "store")}
    for stage, paths in STAGES.items():
        started = time.monotonic()
        command = ["-m", f"stages.{stage}", *paths.split(), "--metrics", f"{stage}.json"]
        launched = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, *command],
            cwd=directory,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        yield stage, Cost(time.monotonic() - started, **json.loads(launched.stdout))


def recalls(directory: Path, truth: pl.DataFrame) -> dict[str, float]:
    """The share found of each planted role; for near duplicates, of those at or above the threshold."""
    threshold = yaml.safe_load(PROFILE.read_text())["dedup"]["threshold"]
    dropped = _dropped(directory / "dedup.parquet")
    leaked = _dropped(directory / "decontaminate.parquet")
    copies = truth.filter(pl.col("role").is_in(["exact", "near"]))
    either = copies.with_columns(found=pl.col("row_id").is_in(dropped) | pl.col("other").is_in(dropped))
    items_found = truth.with_columns(found=pl.col("row_id").is_in(leaked))
    like = (pl.col("role") == "exact") | (pl.col("jaccard") >= threshold)
    shares = pl.concat(
        [either.filter(like), items_found.filter(pl.col("role").is_in(["verbatim", "respelt", "edited"]))]
    )
    return dict(shares.group_by("role").agg(pl.col("found").mean()).sort("role").iter_rows())


def drops(directory: Path) -> pl.DataFrame:
    """`rule`, `jaccard` of the texts, and whether the named row is a kept one, for some near duplicates."""
    verdicts = pl.read_parquet(directory / "dedup.parquet")
    kept = verdicts.filter(pl.col("rule").is_null())["row_id"].implode()
    near = verdicts.filter(pl.col("rule") == "dedup.near").head(CHECKED_DROPS)
    wanted = pl.concat([near["row_id"], near["evidence"]]).implode()
    rows = In(Problem, directory / "problems").scan().filter(pl.col("problem_id").is_in(wanted))
    text = dict(rows.select("problem_id", "problem").collect().iter_rows())
    similar = [jaccard(text[row], text[end]) for row, end in near.select("row_id", "evidence").iter_rows()]
    return near.select(
        "rule", pl.Series("jaccard", similar, dtype=pl.Float64), names_kept=pl.col("evidence").is_in(kept)
    )


def _dropped(path: Path) -> pl.Series:
    verdicts = pl.scan_parquet(path).filter(pl.col("rule").is_not_null())
    return verdicts.select("row_id").collect().to_series().implode()
