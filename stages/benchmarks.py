"""Collect the items of every benchmark."""

from jz3.core.artifacts import InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.tables.item import Item
from jz3.tables.reject import Reject
from jz3.tasks.benchmarks import BenchmarksParams, collect_items


def main(
    params: BenchmarksParams, raw: InFiles, items: Out[Item], rejects: Out[Reject], metrics: Metrics
) -> None:
    collected, numbers, rejected = collect_items(raw, params)
    items.write(collected)
    rejects.write(rejected)
    metrics.write(numbers)


if __name__ == "__main__":
    run(main)
