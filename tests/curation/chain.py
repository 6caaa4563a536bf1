"""The curation stages as processes, in the order of the graph, on what the problem writer wrote."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl
from dvc.repo import Repo

from jz3.core.artifacts import Out
from jz3.tables.completion import Completion
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from tests.conftest import ROOT
from tests.curation.rows import items, passages, problem, problems
from tests.stage_folder import stage_folder

STAGES = (
    "parse@corpus",
    "execute@jiuzhang",
    "filter@jiuzhang",
    "dedup@jiuzhang",
    "decontaminate@jiuzhang",
    "decontaminate@instruction",
    "mix@jiuzhang",
)


@dataclass(frozen=True)
class Chain:
    """A folder with the inputs of the curation stages, and their commands as DVC has them."""

    path: Path
    commands: dict[str, list[str]]

    @property
    def environment(self):
        return os.environ | {
            "JZ3_STORE": str(self.path / "store"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
        }

    def start(self, stage):
        """The process of a stage, running."""
        return subprocess.Popen(
            self.commands[stage],
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, stage):
        """Exit status, and the lines that it printed besides its log."""
        process = self.start(stage)
        _, said = process.communicate(timeout=120)
        return process.returncode, [
            line for line in said.splitlines() if line.startswith(stage.split("@")[0])
        ]

    def outs(self, stage):
        """The digest of each file that a stage left."""
        words = self.commands[stage]
        written = [
            self.path / path
            for flag, path in pairwise(words)
            if flag.lstrip("-") in OUTS[stage.split("@")[0]]
        ]
        files = [file for path in written for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
        return {str(file.relative_to(self.path)): _digest(file) for file in files if file.is_file()}

    def forget(self, stage):
        """Remove the outs and the rows of the store."""
        shutil.rmtree(self.path / "store", ignore_errors=True)
        for name in self.outs(stage):
            (self.path / name).unlink()


OUTS = {
    "parse": ("problems", "rejects", "metrics"),
    "execute": ("results", "verdicts", "metrics"),
    "filter": ("verdicts", "metrics"),
    "dedup": ("verdicts", "index", "metrics"),
    "decontaminate": ("verdicts", "certificate", "metrics"),
    "mix": ("training", "thoughtless", "metrics"),
}


def make_chain(path, count, extra=()):
    """`count` completions of the problem writer, and those of `extra` (text, kind)."""
    texts = [*written(count), *extra]
    commands = {stage.name: stage.cmd.split() for stage in Repo(str(ROOT)).index.stages}
    chain = Chain(path, {name: [sys.executable, *commands[name][1:]] for name in STAGES})
    stage_folder(path)
    ids = [f"{number:06}" for number in range(len(texts))]
    prompts = [
        {
            "prompt_id": f"p{row_id}",
            "passage_id": f"s{int(row_id) % 10}",
            "source": "web",
            "level": "high",
            "kind": kind,
            "full": "Write.",
            "compact": "Write.",
        }
        for row_id, (_, kind) in zip(ids, texts, strict=True)
    ]
    completions = [
        {
            "completion_id": f"c{row_id}",
            "prompt_id": f"p{row_id}",
            "text": text,
            "finish_reason": "stop",
            "prompt_tokens": 1,
            "completion_tokens": 1,
        }
        for row_id, (text, _) in zip(ids, texts, strict=True)
    ]
    first = texts[0][0].split("[Problem]\n")[1].split("\n\n[Solution]")[0]
    for kind, rows, name in (
        (Completion, completions, "completions/corpus"),
        (Prompt, prompts, "composed/corpus"),
    ):
        Out(kind, path / "data" / name).write(pl.DataFrame(rows, schema=kind.create_empty().schema))
    Out(Passage, path / "data/sample/corpus").write(
        passages(**{f"s{n}": f"Passage number {n} speaks of lattices." for n in range(10)})
    )
    Out(Item, path / "data/tasks/items.parquet").write(items(first, "How many are six and seven and eight?"))
    Out(Problem, path / "data/tasks/instructions.parquet").write(
        problems(problem("i1", passage_id=None), problem("i2", "What is two plus three?", passage_id=None))
    )
    shutil.copytree(ROOT / "data/raw/none", path / "data/raw/none")
    return chain


def written(count):
    """Texts of the problem writer with their kinds, taking the families in turn."""
    draws = -(-count // (2 * len(FAMILIES)))
    found = [
        (family, kind, values)
        for family in FAMILIES
        for values in distinct_draws(family, "teacher", draws, family.name)
        for kind in ("cot", "tool")
    ]
    return [
        (f"[Problem]\n{text.problem}\n\n[Solution]\n{text.solution}", kind)
        for family, kind, values in found[:count]
        for text in [write_draw(family, kind, values, family.name)]
    ]


def _digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
