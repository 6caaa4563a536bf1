"""Tables of problems, and the shared folders of real data, if they are there."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict
from jz3.text.problem_text import last_boxed

SHARED = Path(os.environ.get("JZ3_SHARED", Path(__file__).parents[3] / "shared"))
needs_samples = pytest.mark.skipif(not (SHARED / "samples").exists(), reason="no samples under $JZ3_SHARED")
needs_benchmarks = pytest.mark.skipif(
    not (SHARED / "benchmarks").exists(), reason="no benchmarks under $JZ3_SHARED"
)


def problem(row_id, text="How many are two and two?", solution="Two and two are \\boxed{4}.", **changes):
    row = {
        "problem_id": row_id,
        "prompt_id": None,
        "passage_id": None,
        "source": "web",
        "level": "high",
        "kind": "cot",
        "subject": None,
        "problem": text,
        "solution": solution,
        "answer": last_boxed(solution),
    }
    return row | changes


def problems(*rows):
    return Problem.validate(pl.DataFrame(list(rows), schema=Problem.create_empty().schema).sort("problem_id"))


def passages(**texts):
    """Passages by id."""
    constant = {"source": "web", "document_id": "d", "origin": "o", "licence": "CC0-1.0", "offset": 0}
    return Passage.validate(
        pl.DataFrame(
            [{"passage_id": passage_id, "text": text} | constant for passage_id, text in texts.items()],
            schema=Passage.create_empty().schema,
        )
    )


def items(*questions, benchmark="exam"):
    return Item.validate(
        pl.DataFrame(
            [
                {
                    "item_id": f"{benchmark}/{number:05}",
                    "benchmark": benchmark,
                    "revision": "1",
                    "question": question,
                    "choices": None,
                    "gold": "1",
                    "subject": None,
                    "level": None,
                }
                for number, question in enumerate(questions)
            ],
            schema=Item.create_empty().schema,
        )
    )


def verdicts(rules):
    return pl.DataFrame(
        [{"row_id": row_id, "rule": rule, "evidence": None} for row_id, rule in rules.items()],
        schema=Verdict.create_empty().schema,
    )


def sampled(kind, count):
    """The first released rows as problems."""
    lines = (SHARED / "samples" / f"{kind}.jsonl").read_text().splitlines()[:count]
    for number, row in enumerate(map(json.loads, lines)):
        text = row["input"].split("## Question\n")[1].split("\n\n## ")[0]
        yield problem(f"{kind}/{number:04}", text, row["output"], kind=kind)


def benchmark_questions():
    """Questions of three of the benchmarks, including the short ones."""
    for name, field in (("gsm8k", "question"), ("math-oai", "problem"), ("carp_en", "content")):
        for line in (SHARED / "benchmarks" / name / "test.jsonl").read_text().splitlines():
            yield json.loads(line)[field]
