"""Measure how much of the benchmarks the base of the final models knows by heart."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.evaluation.probe import ProbeParams, probe
from jz3.generation.engines import open_engine
from jz3.tables.item import Item
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.probe import Probe


def main(
    params: ProbeParams,
    execution: Execution,
    items: In[Item],
    model: InDir[ModelManifest],
    probes: Out[Probe],
    metrics: Metrics,
) -> None:
    with open_engine(params.engine, model, params.dtype, execution) as engine:
        completed, account = probe(items.read(), engine, params, execution)
    probes.write(completed)
    metrics.write(account)


if __name__ == "__main__":
    run(main)
