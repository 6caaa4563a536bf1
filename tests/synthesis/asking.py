"""How many completions the stage `synthesize@corpus` of a clone asks a model for, and how many it then has.

`python -m tests.synthesis.asking`, in the clone, with its code. The model is fixed: its digest is always the
same, it reads the full form of prompts and writes prepared text. So only prompts, keys, store and stage are
tested.
"""

from pathlib import Path

from jz3.core.artifacts import In, Out
from jz3.core.execution import load_execution
from jz3.core.params import load_params
from jz3.generation.engine import Generated
from jz3.synthesis.synthesize import Synthesis, SynthesizeParams
from jz3.tables.completion import Completion
from jz3.tables.prompt import Prompt


class Held:
    """A fixed engine that counts the completions asked of it."""

    def __init__(self):
        self.identity = {"engine": "transformers", "model": "0" * 32, "dtype": "float32"}
        self.asked = 0

    def generate(self, requests, sampling):
        self.asked += len(requests)
        return [Generated(f"completion {request.seed}", "stop", 100, 20) for request in requests]


def main():
    params = load_params(SynthesizeParams, "synthesize", Path("params.yaml"))
    execution = load_execution()
    engine = Held()
    prompts = In(Prompt, Path("data/composed/corpus")).scan()
    synthesis = Synthesis(prompts, "full", engine, params, execution)
    synthesized = Out(Completion, Path("data/completions/corpus")).sink(synthesis.completions())
    print("asked", engine.asked, "of", synthesized.metrics.rows.kept)


if __name__ == "__main__":
    main()
