"""The stages `synthesize` and `answer` as DVC starts them, over vLLM itself on a CPU, through kills."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import Out
from jz3.generation.completion_rows import GENERATE
from jz3.store.row_store import open_store
from jz3.tables.completion import Completion
from jz3.tables.item import Item
from jz3.tables.prompt import Prompt
from jz3.tables.response import Response
from tests.conftest import ROOT
from tests.generation.builders import tiny_model
from tests.stage_folder import stage_folder

pytestmark = pytest.mark.vllm

ROWS = 400
COMMITTED_TOGETHER = 20


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what a clone has: parameters, a model, prompts, items."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    tiny_model(tmp_path / "model", context=512, hidden=128)
    stage_folder(
        tmp_path,
        params={
            "synthesize.engine": "vllm",
            "synthesize.cot.max_tokens": 64,
            "synthesize.tool.max_tokens": 64,
            "answer.engine": "vllm",
            "answer.max_tokens": 24,
            "answer.prose.benchmarks": ["b"],
            "answer.prose.shots": {},
            "answer.tool.benchmarks": ["b"],
            "answer.tool.shots": {},
        },
        execution={
            "vllm_python": str(ROOT / ".venv-vllm/bin/python"),
            "generation_commit": COMMITTED_TOGETHER,
            "server_concurrency": 8,
            "vllm_memory": 0.15,
        },
    )
    prompts = [
        {
            "prompt_id": f"prompt {n:03}",
            "passage_id": "passage",
            "source": "web",
            "level": "grade",
            "kind": "tool" if n % 3 == 0 else "cot",
            "full": f"write problem {n}" + "." * (n % 11),
            "compact": f"write {n}",
        }
        for n in range(ROWS)
    ]
    Out(Prompt, tmp_path / "prompts.parquet").write(Prompt.cast(pl.DataFrame(prompts)))
    item = {"benchmark": "b", "revision": "1", "choices": None, "gold": "1", "subject": None, "level": None}
    items = [item | {"item_id": f"b/{n}", "question": f"What is {n} + {n}?"} for n in range(8)]
    schema = Item.create_empty().schema
    Out(Item, tmp_path / "items.parquet").write(Item.cast(pl.DataFrame(items, schema=schema)))
    return tmp_path


def start(folder, stage, **paths):
    words = [word for name, path in paths.items() for word in (f"--{name}", path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}", *words],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def synthesize(folder):
    return start(
        folder,
        "synthesize",
        prompts="prompts.parquet",
        model="model",
        completions="completions",
        failures="failures.parquet",
        metrics="metrics.json",
    )


def servers_of(folder):
    """Processes of vLLM over this folder's model, by their command lines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"serve" in words and str(folder / "model").encode() in words and b"guardian" not in words[1]:
            found.append(int(process.name))
    return found


def wait_for_rows(running, folder, count):
    until = time.monotonic() + 240
    while len(list(open_store().rows(GENERATE))) < count:
        assert running.poll() is None, (folder / "log").read_text()[-3000:]
        assert time.monotonic() < until
        time.sleep(0.05)


def test_synthesize_goes_on_after_its_server_was_killed_and_after_it_was_killed_itself(folder):
    running = synthesize(folder)
    wait_for_rows(running, folder, 40)
    for pid in servers_of(folder):
        os.kill(pid, signal.SIGKILL)
    wait_for_rows(running, folder, 120)
    running.kill()
    running.wait()
    until = time.monotonic() + 30
    while servers_of(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert not servers_of(folder), "servers end with a stage that was killed"
    kept = {row.key for row in open_store().rows(GENERATE)}
    assert len(kept) < ROWS

    assert synthesize(folder).wait(300) == 0, (folder / "log").read_text()[-3000:]
    rows = [row.key for row in open_store().rows(GENERATE)]
    assert len(rows) == len(set(rows)) == ROWS
    assert kept < set(rows)
    table = pl.read_parquet(folder / "completions/*.parquet")
    assert table.height == ROWS
    Completion.validate(table)
    assert not servers_of(folder)


def test_answer_writes_and_runs_through_the_servers_of_the_stage(folder):
    paths = {"items": "items.parquet", "model": "model", "responses": "responses", "metrics": "metrics.json"}
    paths["forced-ends"] = "forced_ends.parquet"
    shots = str(ROOT / "data/prompts")
    running = start(folder, "answer", shots=shots, **paths)
    assert running.wait(300) == 0, (folder / "log").read_text()[-3000:]
    responses = pl.read_parquet(folder / "responses/*.parquet")
    Response.validate(responses)
    assert responses.height == 16
    assert not servers_of(folder)
