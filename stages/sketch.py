"""Compress the gradient of each candidate problem, to score targets that come later."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.influence.sketch import SketchParams, sketch
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.sketch import Sketch


def main(
    params: SketchParams,
    execution: Execution,
    problems: In[Problem],
    checkpoints: InDir[CheckpointsManifest],
    sketches: Out[Sketch],
    metrics: Metrics,
) -> None:
    sketched = sketch(problems.read(), checkpoints, params, execution)
    sketches.sink(sketched.frames, sketched.facts)
    metrics.write(sketched.metrics)


if __name__ == "__main__":
    run(main)
