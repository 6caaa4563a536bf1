"""Value candidate problems by what each adds to those before it, from their sketches."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.influence.diversify import DiversifyParams, diversify
from jz3.tables.sketch import Sketch
from jz3.tables.value import Value


def main(
    params: DiversifyParams,
    sketches: In[Sketch],
    values: Out[Value],
    metrics: Metrics,
) -> None:
    diverse = diversify(sketches, params)
    values.write(diverse.values)
    metrics.write(diverse.metrics)


if __name__ == "__main__":
    run(main)
