"""A real pretrained model goes all the way: items, chat template, answers, grades; twice, with equal rows."""

import os
from pathlib import Path

import pytest

from jz3.core.artifacts import InDir, InFiles
from jz3.evaluation.answer import answer
from jz3.evaluation.certificates import Contamination
from jz3.evaluation.grade import grade
from jz3.generation.engines import open_engine
from jz3.tables.model_manifest import ModelManifest
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from tests.evaluation.smollm2 import MISSING, save_smollm2
from tests.evaluation.test_answer import FILES, parameters
from tests.evaluation.test_grade import PARAMS
from tests.executions import execution

FOLDER = Path(os.environ.get("JZ3_SHARED", "../shared")) / "benchmarks"
ITEMS, TOKENS = 2, 48
UNCHECKED = Contamination(benchmarks=frozenset(), hit_items=frozenset(), certificates={})

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (see CONTRIBUTING.md)"),
    pytest.mark.skipif(not (FOLDER / "gsm8k").exists(), reason=f"no GSM8K in {FOLDER}"),
]

GSM8K = {
    "name": "gsm8k",
    "reader": "file",
    "pattern": "gsm8k/test.jsonl",
    "format": "gsm8k",
    "items": 1319,
    "digest": None,
}


def test_smollm2_answers_items_of_gsm8k_twice_with_equal_rows(tmp_path, monkeypatch):
    model = InDir(ModelManifest, save_smollm2(tmp_path / "smollm2"))
    read, _, _ = collect_items(InFiles(FOLDER), BenchmarksParams.model_validate({"sources": [GSM8K]}))
    items = read.sort("item_id").head(ITEMS)
    params = parameters(
        prose={"template": "chat", "benchmarks": ["gsm8k"], "shots": {}, "forced_end": None},
        temperature=0.0,
        max_tokens=TOKENS,
    )
    running = execution(threads=1, generation_batch=ITEMS, generation_commit=ITEMS)
    tables = []
    for store in ("first", "second"):
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / store))
        with open_engine("transformers", model, "saved", running) as engine:
            responses = answer(items, FILES, engine, params, running).responses
        tables.append(grade(responses, items, UNCHECKED, PARAMS))
        tables[-1] = (responses, *tables[-1])
    (responses, grades, metrics), (again, grades_again, _) = tables
    assert responses.equals(again)
    assert grades.equals(grades_again)
    assert responses.height == grades.height == ITEMS
    assert set(grades["contamination"]) == {"unchecked"}
    assert responses["text"].n_unique() == ITEMS, "it read each question"
    assert metrics.correct_lenient <= 1
    strict, lenient, boxed = (
        f"{100 * share:.1f} %" for share in (metrics.correct, metrics.correct_lenient, metrics.answered)
    )
    print(
        f"SmolLM2-135M-Instruct on {ITEMS} items of GSM8K, zero-shot, {TOKENS} tokens: "
        f"strict {strict}, lenient {lenient}, boxed {boxed}"
    )
