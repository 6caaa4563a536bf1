"""A clone as if some of its stages had not run.

DVC writes the whole dvc.lock anew after each stage, three seconds of a processor for the whole graph. A test
that runs stages again and again therefore keeps only those that its own read from.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

import yaml

from jz3.core.graph_file import read_graph


def forget_stages(root: Path, names: Collection[str]) -> None:
    """Remove what these stages left, and what DVC knows of it: from dvc.lock and the run cache."""
    file = root / "dvc.lock"
    lock = yaml.load(file.read_text(), yaml.CSafeLoader)
    left = {out["path"] for name in names for out in lock["stages"].pop(name)["outs"]}
    file.write_text(yaml.dump(lock, Dumper=yaml.CSafeDumper, sort_keys=False))
    for path in left:
        lasting = root / path
        shutil.rmtree(lasting) if lasting.is_dir() else lasting.unlink()
    for run in (root / ".dvc/cache/runs").glob("*/*/*"):
        if left & {out["path"] for out in yaml.load(run.read_text(), yaml.CSafeLoader)["outs"]}:
            shutil.rmtree(run.parent)  # all runs of one command on the same inputs


def forget_all_but(root: Path, names: Collection[str]) -> None:
    """Forget every stage that is neither one of these nor one that they read from."""
    graph = read_graph(root)
    needed, to_follow = set[str](), [*names]
    while to_follow:
        stage = graph.stage(to_follow.pop())
        if stage.name not in needed:
            needed.add(stage.name)
            to_follow += [above.name for read in stage.reads if (above := graph.writer(read))]
    forget_stages(root, {stage.name for stage in graph.stages} - needed)
