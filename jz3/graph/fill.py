"""Fills the row store with a slice of a stage's rows, and writes no output: one task of a job array.

The stage is taken as `dvc.yaml` has it, with its present inputs and parameters; once all slices are filled,
`dvc repro` finds every row in the store.
"""

import re
from pathlib import Path

from jz3.core.artifacts import In, InDir
from jz3.core.errors import UserError
from jz3.core.execution import EXECUTION_FILE, load_execution
from jz3.core.graph_file import read_graph
from jz3.core.params import load_params
from jz3.generation.engines import open_engine
from jz3.synthesis.synthesize import Slice, Synthesis, SynthesizeParams, form_of
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt

STAGE = "synthesize"


class FillError(UserError):
    """There is no such slice or no such stage to fill."""


class SliceError(FillError):
    """Wrong usage: there is no such slice."""

    exit_status = 2


def read_slice(text: str) -> Slice:
    """`3/8` is the third of eight slices."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise SliceError(
            f"--slice is {text!r}; n/m with n from 1 to m was expected, such as 3/8. Give it so."
        )
    return Slice(int(found[1]), int(found[2]))


def fill_stage(root: Path, name: str, part: Slice) -> None:
    """Compute what the store lacks of a slice of a stage's rows."""
    prompts, model = _inputs(root, name)
    execution = load_execution(root / EXECUTION_FILE)
    params = load_params(SynthesizeParams, STAGE, root / "params.yaml")
    with open_engine(params.engine, model, params.dtype, execution) as engine:
        Synthesis(prompts.scan(), form_of(model), engine, params, execution).fill(part)


def _inputs(root: Path, name: str) -> tuple[In[Prompt], InDir[ModelManifest]]:
    """What the command of the stage reads."""
    graph = read_graph(root)
    known = sorted(stage.name for stage in graph.of(STAGE))
    if name not in known:
        raise FillError(
            f"'{name}' cannot be filled in slices; one of {', '.join(known)} was expected. Name one."
        )
    stage = graph.stage(name)
    return In(Prompt, root / stage.path("prompts")), InDir(ModelManifest, root / stage.path("model"))
