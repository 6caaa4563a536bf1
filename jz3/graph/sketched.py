"""The stage whose sketches `jz3 influence` scores."""

from jz3.core.errors import UserError
from jz3.core.graph_file import Graph, Stage


class SketchedError(UserError):
    """The profile in use has no sketches of candidates, or sketches by several models."""


def sketched_by(graph: Graph) -> Stage:
    """The only stage of the graph that sketches. Raises SketchedError."""
    stages = graph.of("sketch")
    if len(stages) != 1:
        names = ", ".join(stage.name for stage in stages) or "none"
        raise SketchedError(
            f"graph.yaml names the stages that sketch candidates under `sketched`: {names}; one was "
            f"expected. Write [reference] there and a section `sketch` into params.yaml, then run `dvc "
            f"repro sketch`."
        )
    return stages[0]
