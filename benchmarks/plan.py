"""`jz3 plan` of the paper profile over its 6 million prompts, as they are in data/composed/corpus.

    python benchmarks/plan.py            # 6,000,000 prompts of 2,200 characters; some GB of disk for a while
    python benchmarks/plan.py --quick    # 10,000, and no card; seconds

`plan_s` is the time of both parts of a plan: DVC's state of the whole graph, and the line of the stage that
reads the prompts, with its look-up in a row store that has one in ten of them, at most 50,000.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.core.artifacts import InDir, Out
from jz3.core.execution import load_execution
from jz3.core.hashing import draw_order
from jz3.core.params import load_params
from jz3.generation.completion_rows import GENERATE, generation_key, payload
from jz3.generation.engine import GenerationRequest
from jz3.generation.engines import open_engine
from jz3.graph.plan import Line, plan, plan_of
from jz3.graph.plan_shown import as_text
from jz3.graph.stale import Reason, Stale
from jz3.store.row_store import open_store
from jz3.synthesis.synthesize import SynthesizeParams, form_of
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt
from tests.conftest import make_clone

ROWS = 6_000_000
PIECE = 50_000
"""Rows that are made at a time."""
STORED = 50_000
FRAME = "Write a problem of this level that can be solved by what the passage says. " * 26
"""Words that all prompts share, 1,950 characters; each has some 240 of its own."""
NUMBERS = 12


def prompts(first: int, count: int) -> pl.DataFrame:
    schema = Prompt.create_empty().schema
    number = pl.col("number")
    own = pl.concat_str([number.hash(seed).cast(pl.String) for seed in range(NUMBERS)], separator=" ")
    return pl.select(number=pl.int_range(first, first + count)).select(
        prompt_id=pl.format("{}", number + 10**9),
        passage_id=pl.format("{}", number),
        source=pl.lit("web"),
        level=pl.lit("grade").cast(schema["level"]),
        kind=pl.lit("cot").cast(schema["kind"]),
        full=pl.format("{}{}", pl.lit(FRAME), own),
        compact=own,
    )


def write_prompts(folder: Path, rows: int) -> None:
    Out(Prompt, folder).sink(prompts(first, min(PIECE, rows - first)) for first in range(0, rows, PIECE))


def write_model(folder: Path) -> InDir[ModelManifest]:
    """What a plan reads about a synthesis model: its manifest and the number format of its weights."""
    folder.mkdir(parents=True)
    manifest = ModelManifest(
        hub=None,
        digest="0" * 32,
        tokenizer_digest="1" * 32,
        parameters=1,
        made_by="finetune",
        steps=1,
        tokens=1,
        prompt_form="compact",
        libraries={},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    (folder / "config.json").write_text(json.dumps({"dtype": "bfloat16"}))
    return InDir(ModelManifest, folder)


def prompts_in_store(rows: int) -> pl.DataFrame:
    """One in ten, at most STORED, in runs of a thousand that are spread over the table."""
    runs = min(STORED, rows // 10) // 1_000
    return pl.concat([prompts(place * (rows // runs), 1_000) for place in range(runs)])


def store_completions(root: Path, model: InDir[ModelManifest], rows: int) -> None:
    params = load_params(SynthesizeParams, "synthesize", root / "params.yaml")
    execution = load_execution(root / "execution.yaml")
    stored = prompts_in_store(rows).select("prompt_id", form_of(model))
    with (
        open_engine(params.engine, model, params.dtype, execution) as engine,
        open_store().writer(GENERATE) as writer,
    ):
        for prompt_id, text in stored.iter_rows():
            request = GenerationRequest(text, draw_order(params.seed, prompt_id))
            key = generation_key(engine, request, params.cot)
            writer.append(
                key, payload(engine, request, params.cot), {"text": "a problem", "completion_tokens": 300}
            )
        writer.commit()


def timed_plan(root: Path) -> tuple[float, Line]:
    started = time.monotonic()
    whole = plan(root, None)
    stale = [Stale("synthesize@corpus", [Reason("param", "synthesize", None, None)])]
    part = plan_of(root, root / "params.yaml", stale)
    seconds = time.monotonic() - started
    print(as_text(part).splitlines()[1])
    assert len(whole.lines) > 40
    return seconds, part.lines[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows = 10_000 if quick else ROWS
    with tempfile.TemporaryDirectory() as directory:
        os.environ["JZ3_STORE"] = f"{directory}/store"
        root = make_clone(Path(directory) / "clone", profile="paper").path
        if quick:  # no memory of a card is counted, which takes 25 s of CPU (tests/graph/test_card_memory.py)
            file = root / "execution.yaml"
            file.write_text(file.read_text().replace("\ndevice: cuda\n", "\ndevice: cpu\n"))
        folder = root / "data/composed/corpus"
        write_prompts(folder, rows)
        model = write_model(root / "data/models/synthesis/boosted")
        store_completions(root, model, rows)
        print(f"{rows:,} prompts, {sum(part.stat().st_size for part in folder.iterdir()) / 1e9:.2f} GB")
        used = time.process_time()
        seconds, line = timed_plan(root)
        core = time.process_time() - used
    assert line.rows == rows
    assert line.stored
    print(f"plan: {seconds:.1f} s, of which {core:.1f} s of a core")
    print(json.dumps({"plan_s": round(seconds, 1), "plan_core_s": round(core, 1), "prompts": rows}))


if __name__ == "__main__":
    main()
