"""Curation end to end at scale: parse, exact and near duplicates, decontamination, shuffle.

    python benchmarks/curation.py [--rows N] [--directory DIR] [--quick]

Rows with a known truth are planted from `$JZ3_SHARED` (`tests/curation/planted.py`; that time does not
count), then the stages run one after another as `dvc repro` runs them, with the paper profile's parameters.
`seconds` is wall time, process starts and all reading and writing included; `cpu_seconds` stays valid if
other work uses the cores. `peak_gb` is the largest stage's resident memory, mapped files included
(`anonymous_gb`: without). `disk_gb` is the most that the file system held in addition, sampled each second.
"""

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.curation.curated import Cost, curate, drops, plant, recalls
from tests.curation.planted import SHARED


class Disk:
    """Watches how much a file system holds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._before = shutil.disk_usage(directory).used
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(1):
            self.most = max(self.most, shutil.disk_usage(self._directory).used - self._before)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--quick", action="store_true", help="2,000 rows")
    parser.add_argument("--directory", type=Path, help="for the tables (default: the temporary directory)")
    arguments = parser.parse_args()
    rows = 2_000 if arguments.quick else arguments.rows
    if not SHARED.is_dir():
        parser.error(f"{SHARED} does not exist; samples and benchmarks were expected there. Set JZ3_SHARED.")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        disk = Disk(directory)
        started = time.monotonic()
        truth = plant(rows, directory)
        print(f"planted {rows:,} rows in {time.monotonic() - started:.0f} s", flush=True)
        costs: dict[str, Cost] = {}
        for stage, cost in curate(directory):
            costs[stage] = cost
            print(
                f"{stage:16} {cost.seconds:8.1f} s wall {cost.cpu_seconds:8.1f} s CPU {cost.peak_gb:6.2f} GB"
                f" ({cost.anonymous_gb:.2f} without mapped files)",
                flush=True,
            )
        disk.close()
        found = recalls(directory, truth)
        near = drops(directory)
    figures = {
        "rows": rows,
        "seconds": round(sum(cost.seconds for cost in costs.values()), 1),
        "cpu_seconds": round(sum(cost.cpu_seconds for cost in costs.values()), 1),
        "peak_gb": round(max(cost.peak_gb for cost in costs.values()), 2),
        "anonymous_gb": round(max(cost.anonymous_gb for cost in costs.values()), 2),
        **{f"{stage}_gb": round(cost.peak_gb, 2) for stage, cost in costs.items()},
        "disk_gb": round(disk.most / 1e9, 2),
        **{f"{role}_recall": round(share, 4) for role, share in found.items()},
        "least_dropped_jaccard": round(near["jaccard"].min() or 1.0, 4),
        "drops_that_name_a_kept_row": round(near["names_kept"].mean() or 1.0, 4),
    }
    for name, value in figures.items():
        print(f"{name:28} {value:>12,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
