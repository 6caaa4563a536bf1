"""The stage `synthesize` with an engine that notes each row that it has computed; the tests kill it.

`python -m tests.synthesis.noting_stage FOLDER WORKERS`
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.parent import end_with_parent
from jz3.generation.engine import Engine, Sampling
from jz3.generation.engines import open_engine
from jz3.synthesis.synthesize import Synthesis, SynthesizeParams
from jz3.tables.completion import Completion
from jz3.tables.failure import Failure
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt
from tests.generation.builders import execution

PARAMS = SynthesizeParams(
    seed=1,
    engine="transformers",
    dtype="saved",
    cot=Sampling(temperature=1, top_p=1, max_tokens=24, stop=[]),
    tool=Sampling(temperature=0.1, top_p=0.95, max_tokens=24, stop=[]),
)
BATCH = 8


@dataclass(frozen=True)
class Noting:
    """An engine; each row that it computed is a line of `file` before anyone else has it."""

    engine: Engine
    file: Path

    @property
    def identity(self):
        return self.engine.identity

    def generate(self, requests, sampling):
        made = self.engine.generate(requests, sampling)
        with self.file.open("a") as file:
            file.write("".join(f"{request.seed}\n" for request in requests))
        return made


def noting_stage(folder: Path, workers: int):
    """The stage, with the inputs, outputs and notes of a folder."""
    how = execution(generation_batch=BATCH, generation_commit=BATCH, workers=workers)
    with open_engine("transformers", InDir(ModelManifest, folder / "model"), "saved", how) as engine:
        prompts = In(Prompt, folder / "prompts.parquet").scan()
        synthesis = Synthesis(prompts, "full", Noting(engine, folder / "computed"), PARAMS, how)
        completions = Out(Completion, folder / "out" / "completions")
        synthesized = completions.sink(synthesis.completions(), synthesis.notes())
    Out(Failure, folder / "out" / "failures.parquet").write(synthesized.failures)
    Metrics(folder / "out" / "metrics.json").write(synthesized.metrics)


if __name__ == "__main__":
    os.setpgid(0, 0)
    end_with_parent()
    noting_stage(Path(sys.argv[1]), int(sys.argv[2]))
