"""The stage `compose` at scale: its time and its memory, which does not grow with the number of prompts.

    python benchmarks/compose.py [--rows N] [--quick]

Passages of 1,000 characters are written as `sample` writes them, a prompt each; the stage then runs as `dvc
repro` runs it, with the paper profile's parameters. `cpu_seconds` stays valid where other work has the cores;
`peak_gb` is the greatest resident memory of the stage's process.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.core.artifacts import In
from jz3.core.hashing import content_id
from jz3.tables.passage import Passage
from jz3.tables.prompt import Prompt

ROOT = Path(__file__).parent.parent
ROW_GROUP = 262_144
"""As polars writes them."""
CHARACTERS = 1_000
BODY = " ".join(random.Random(0).choices((ROOT / "README.md").read_text().split(), k=50_000))


def passages(ids: list[str]) -> pl.DataFrame:
    starts = [int(row_id[:12], 16) % (len(BODY) - CHARACTERS) for row_id in ids]
    columns = {
        "passage_id": ids,
        "source": "web",
        "document_id": [f"web/{row_id[:8]}" for row_id in ids],
        "origin": "web",
        "licence": "ODC-BY",
        "offset": 0,
        "text": [BODY[start : start + CHARACTERS] for start in starts],
    }
    return pl.DataFrame(columns, schema=Passage.create_empty().schema)


def write_passages(file: Path, rows: int) -> None:
    ids = sorted(content_id(str(row)) for row in range(rows))
    with pq.ParquetWriter(file, passages([]).to_arrow().schema, compression="zstd") as writer:
        for start in range(0, rows, ROW_GROUP):
            writer.write_table(passages(ids[start : start + ROW_GROUP]).to_arrow(), row_group_size=ROW_GROUP)


def run_stage(directory: Path) -> tuple[float, resource.struct_rusage]:
    """Wall seconds of the stage, and what its process took."""
    (directory / "params.yaml").write_text((ROOT / "profiles/paper.yaml").read_text())
    command = [sys.executable, "-m", "stages.compose", "--passages", "passages.parquet"]
    command += ["--templates", str(ROOT / "data/prompts"), "--prompts", "data/composed/corpus"]
    command += ["--metrics", "data/metrics/compose/corpus.json"]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, env=os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, "the stage failed"
    return time.monotonic() - started, used


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_200_000)
    parser.add_argument("--quick", action="store_true", help="100,000 rows")
    arguments = parser.parse_args()
    rows = 100_000 if arguments.quick else arguments.rows
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # In a process of its own: a child counts the memory that its parent had when it was started.
        writer = get_context("spawn").Process(
            target=write_passages, args=(directory / "passages.parquet", rows)
        )
        writer.start()
        writer.join()
        seconds, used = run_stage(directory)
        composed = directory / "data/composed/corpus"
        assert In(Prompt, composed).rows() == rows
        written = sum(file.stat().st_size for file in composed.iterdir())
    cpu, peak_gb = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9
    print("   prompts   wall s    CPU s  us CPU a row  memory GB  written GB")
    print(
        f"{rows:10,} {seconds:8.1f} {cpu:8.1f} {cpu / rows * 1e6:13.1f} {peak_gb:10.2f} {written / 1e9:11.2f}"
    )
    figures = {
        "rows": rows,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gb": round(peak_gb, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
