"""DVC whose stages are forked from a process that has imported everything already.

Half of the CPU of the test profile's whole run would go into imports (`tests/forked_programs.py`). All else
is as it always is: DVC waits for a stage, which has the folder, the environment and the command line that DVC
gives it, and a parent with DVC's own command line. Runs that are killed, that are of other profiles or of
`jz3 repro`, and that of the embedded profile (`.ci/run`) start Python for each stage.

`python -m tests.forked_stages repro` stands for `python -m jz3.graph.dvc_process repro`.
"""

import os
import runpy
import shlex
from pathlib import Path

from tests.forked_programs import ask, ended, pair, serve

IMPORTED = (
    "datasets",
    "functorch.compile",
    "latex2sympy2_extended",
    "math_verify",
    "matplotlib.pyplot",
    "networkx",
    "numba",
    "openai",
    "peft",
    "pyarrow.parquet",
    "scipy.sparse",
    "sympy",
    "transformers.models.llama.modeling_llama",
    "jz3.lm.trainer",
    "jz3.training.rank",
    "jz3.influence.warmup_rank",
)
"""What stages import inside of functions, and packages of those that are not imported before."""
THREADED = ("audit", "card", "decontaminate", "dedup", "execute", "filter", "mix", "report")
"""Stages that make a table as they are imported: that starts threads of polars, which no fork would have."""


def main():
    asking, asked = pair()
    forking = os.fork()  # before DVC has threads
    if forking == 0:
        asking.close()
        stages = {file.stem for file in Path("stages").glob("[a-z]*.py")}.difference(THREADED)
        ended(lambda: serve(asked, (*IMPORTED, *(f"stages.{stage}" for stage in sorted(stages)))))
    asked.close()
    from dvc.stage import run
    from dvc.stage.exceptions import StageCmdFailedError

    def of_a_stage(_shell, command, *, cwd, env, **_how):
        python, *words = shlex.split(command)
        assert python == "python", command
        if status := ask(asking, words, cwd, env):
            raise StageCmdFailedError(command, status)

    run._run = of_a_stage
    try:
        runpy.run_module("jz3.graph.dvc_process", run_name="__main__", alter_sys=True)
    finally:
        asking.close()
        os.waitpid(forking, 0)


if __name__ == "__main__":
    main()
