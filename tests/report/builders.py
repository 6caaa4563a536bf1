"""A small whole run as the report sees it: tables on disk and metrics, made by hand."""

import json
from pathlib import Path

import polars as pl

from jz3.core.artifacts import In, InDir, Out
from jz3.tables.arm import Arm
from jz3.tables.certificate_manifest import BenchmarkCheck, CertificateManifest
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.comparison import Comparison
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.hit import Hit
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.published_row import PublishedRow
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.score_row import ScoreRow
from jz3.tables.seed_spread import SeedSpread
from jz3.tables.training_row import TrainingRow
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict
from tests.report.table_rows import (
    HOSTILE,
    arm,
    averages,
    comparison,
    cost,
    curve,
    disagreement,
    operator_yield,
    published,
    score,
    spread,
)
from tests.two_turns import two_turns


def ledger(kept=3, failed=0, **rejected):
    rules = {rule.replace("__", "."): rows for rule, rows in rejected.items()}
    return {
        "read": kept + failed + sum(rules.values()),
        "kept": kept,
        "rejected": dict(sorted(rules.items())),
        "failed": failed,
    }


def distilled(provider="writer", **changes):
    return {
        "provider": provider,
        "model": f"{provider}-model",
        "rows": ledger(kept=9, failed=1, parse__truncated=2),
        "answered": 11,
        "prompt_tokens": 1000,
        "completion_tokens": 2000,
        "cost_usd": 1.5,
        "priced": True,
        "kept_by_level": {},
        "kept_by_kind": {},
    } | changes


def selected(**changes):
    return {
        "rows": ledger(kept=9),
        "by": "value",
        "method": "influence",
        "pool": {"source/web": 12, "level/grade": 8, "level/aime": 4, "kind/cot": 12, "length/4-5": 12},
        "selected": {"source/web": 6, "level/grade": 6, "kind/cot": 6, "length/4-5": 6},
        "pool_value": {"0.0": -0.1, "0.5": 0.25, "1.0": 0.75},
        "selected_value": {"0.0": 0.25, "0.5": 0.5, "1.0": 0.75},
        "best_task": {"algebra": 6},
        "agreement": {"spearman": {"1-2": 0.625}, "chosen_alone": {"1": 0.875, "2": 0.5}},
    } | changes


def ranked(row, value, place, rule=None):
    return {
        "prompt_id": row["prompt_id"],
        "source": row["source"],
        "level": row["level"],
        "rule": rule,
        "place": place,
        "problems": 1,
        "value": value,
        "best_task": "algebra",
        "loss": 1.0,
        "solution_tokens": 5.0,
        "cosines": [value, -value],
    }


def correct(share):
    counts = {
        f"{kind}_{number}": 8 for kind in ("tool", "prose") for number in ("problems", "read", "correct")
    }
    shares = {f"{kind}_correct_share": share for kind in ("tool", "prose")}
    return counts | shares | {"families_read": 5, "families": 64}


def metrics(provider="writer"):
    return {
        "ingest/web": {"rows": ledger(ingest__empty=4, ingest__too_short=1), "passages": 7},
        "sample": {"passages": {"web": 7, "arxiv": 5}, "initial": {"web": 2, "arxiv": 1}},
        "distill/initial": distilled(provider),
        "distill/boosted": distilled(provider),
        "select/boosted": selected(),
        "filter/jiuzhang": {"rows": ledger(filter__no_answer=5)},
        "correctness/jiuzhang": correct(0.0 if provider == "writer" else None),
        "correctness/other": correct(0.625 if provider == "writer" else None),
        "mix/jiuzhang": {"rows": ledger(kept=15)},
        "probe": {"completed": {"families": 1.5}, "words": {"families": 12.25}},
        "audit": {
            "rows": ledger(kept=30),
            "sets": {
                "kd_boosted": {
                    "rows": 1234,
                    "hit_rows": 5,
                    "hit_items": 4,
                    "hits_by_class": {"ngram": 5, "number_masked": 17},
                }
            },
        },
        "grade/jiuzhang": {"rows": ledger(kept=20), "correct": 0.5},
        "tabulate": {
            "macro_over_families": {"jiuzhang": 61.5, "instruct_only": 30.25},
            "mean_over_benchmarks": {"jiuzhang": 41.5, "instruct_only": 20.25},
        },
    }


def problem(number, *, kind="cot", level="grade", text="What is $1+1$?", solution=None, answer="2"):
    return {
        "problem_id": f"q{number:03}",
        "prompt_id": f"p{number:03}",
        "passage_id": f"s{number:03}",
        "source": "web",
        "level": level,
        "kind": kind,
        "subject": None,
        "problem": text,
        "solution": solution or f"It is \\boxed{{{answer}}}.",
        "answer": answer,
    }


def prompt(row):
    return {
        "prompt_id": row["prompt_id"],
        "passage_id": row["passage_id"],
        "source": row["source"],
        "level": row["level"],
        "kind": row["kind"],
        "full": f"Write a problem. {HOSTILE}",
        "compact": "grade cot",
    }


def passage(row):
    return {
        "passage_id": row["passage_id"],
        "source": row["source"],
        "document_id": "d",
        "origin": "a file",
        "licence": "CC0-1.0",
        "offset": 0,
        "text": f"Passage of {row['problem_id']}. {HOSTILE}",
    }


def valued(row, value, task="algebra"):
    return {
        "problem_id": row["problem_id"],
        "method": "influence",
        "value": value,
        "solution_tokens": 5,
        "task": task,
        "loss": 1.0,
        "cosines": [value, -value],
    }


def table(schema, rows, path: Path):
    """Write rows to a file and return the handle with which a stage reads them."""
    Out(schema, path).write(pl.DataFrame(rows, schema=schema.create_empty().schema))
    return In(schema, path)


def certificate(directory: Path, hits=1, certified="jiuzhang"):
    directory.mkdir(parents=True)
    rows = [
        {
            "row_id": f"q{number:03}",
            "item_id": "families/001",
            "benchmark": "families",
            "hit_class": "ngram",
            "row_text": f"row text {number} {HOSTILE}",
            "item_text": "item text",
        }
        for number in range(hits)
    ]
    table(Hit, rows, directory / "hits.parquet")
    check = BenchmarkCheck(
        benchmark="families",
        revision="r1",
        items=12,
        items_digest="abc",
        hit_items=min(hits, 1),
        hits_by_class={"ngram": hits} if hits else {},
    )
    manifest = CertificateManifest(
        certified=certified,
        certified_digest="def",
        rows=40,
        method={"ngram_words": 13},
        benchmarks=[check],
    )
    (directory / "manifest.json").write_text(manifest.model_dump_json())
    return InDir(CertificateManifest, directory)


def training_row(place, row, part="pretrain"):
    return {
        "position": place,
        "row_id": row["problem_id"],
        "part": part,
        "source": row["source"],
        "level": row["level"],
        "kind": row["kind"],
        "turns": two_turns(row["problem"], row["solution"]),
        "input": f"## Question\n{row['problem']}\n\n## Solution\n",
        "output": row["solution"],
    }


def checked_problem(row, right):
    """A checked problem; if `right` is None, no family reads it."""
    family = None if right is None else "bags"
    return {"problem_id": row["problem_id"], "kind": row["kind"], "family": family, "right": bool(right)}


def result(row, output, status="ok"):
    return {
        "problem_id": row["problem_id"],
        "status": status,
        "outputs": [output],
        "output": output,
        "answer_counts": False,
        "error": None,
    }


def verdict(row, rule=None, evidence=None):
    return {"row_id": row["problem_id"], "rule": rule, "evidence": evidence}


REJECTED = {"q002": ("filter.contradicted_answer", "it said 7")}
RIGHT = {"q003": True, "q004": False}


def write_recipe(root: Path, problems) -> list[str]:
    """The recipe `jiuzhang` with those problems, and the training set of those that no verdict rejects."""
    kept = [row for row in problems if row["problem_id"] not in REJECTED]
    table(TrainingRow, [training_row(*one) for one in enumerate(kept)], root / "mix/jiuzhang.parquet")
    table(Problem, problems, root / "recipes/jiuzhang.parquet")
    table(Passage, [passage(row) for row in problems], root / "origins/corpus.parquet")
    results = [result(row, "12\n") for row in problems if row["kind"] == "tool"]
    table(ExecutionResult, results, root / "results/jiuzhang.parquet")
    judged = [checked_problem(row, RIGHT.get(row["problem_id"])) for row in problems]
    table(CheckedProblem, judged, root / "checked/jiuzhang.parquet")
    for stage in ("execute", "filter", "dedup", "decontaminate"):
        rules = REJECTED if stage == "filter" else {}
        verdicts = [verdict(row, *rules.get(row["problem_id"], ())) for row in problems]
        table(Verdict, verdicts, root / stage / "jiuzhang.parquet")
    return [
        *("--training", "mix/jiuzhang.parquet"),
        *("--recipes", "recipes/jiuzhang.parquet"),
        *("--origins", "origins/corpus.parquet"),
        *("--results", "results/jiuzhang.parquet"),
        *("--checked", "checked/jiuzhang.parquet"),
        *("--executed", "execute/jiuzhang.parquet"),
        *("--filtered", "filter/jiuzhang.parquet"),
        *("--deduped", "dedup/jiuzhang.parquet"),
        *("--decontaminated", "decontaminate/jiuzhang.parquet"),
    ]


def write_run(root: Path, problems, provider="writer") -> list[str]:
    """Write everything that the stage reads under `root`; returns the flags of its command."""
    table(Problem, problems, root / "data/problems/candidates")
    table(Prompt, [prompt(row) for row in problems], root / "prompts.parquet")
    table(Passage, [passage(row) for row in problems], root / "passages.parquet")
    values = [valued(row, number / 10) for number, row in enumerate(problems)]
    table(Value, values, root / "influence.parquet")
    ranking = [
        ranked(row, number / 10, len(problems) - number, None if number % 2 else "select.lower_value")
        for number, row in enumerate(problems)
    ]
    table(RankedPrompt, ranking, root / "boosted.parquet")
    table(ScoreRow, [*averages(), score(), score("instruct_only", 30.0)], root / "scores.parquet")
    table(Comparison, [comparison()], root / "comparisons.parquet")
    table(PublishedRow, [published()], root / "published.parquet")
    table(Disagreement, [disagreement()], root / "disagreements.parquet")
    table(Cost, [cost(), cost("answer/jiuzhang", None)], root / "costs.parquet")
    poor = arm(
        "instruct_only", teacher_tokens=0, passes=4.5, starved=True, accuracy=30.25, low=24.0, high=37.0
    )
    table(Arm, [arm(), poor], root / "arms.parquet")
    table(SeedSpread, spread(), root / "spread.parquet")
    table(OperatorYield, [operator_yield()], root / "operators.parquet")
    shared = {"set": "jiuzhang", "against": "instruct_only", "questions": 14, "shared": 7}
    table(Overlap, [shared], root / "overlaps.parquet")
    certificate(root / "jiuzhang")
    certificate(root / "instruction", hits=0, certified="instruction")
    (root / "data/plots").mkdir(parents=True)
    curve().write_csv(root / "data/plots/warmup.csv")
    for name, values in metrics(provider).items():
        file = root / "data/metrics" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    return [
        *write_recipe(root, problems),
        *("--graph", "dvc.yaml"),
        *("--problems", "data/problems/candidates"),
        *("--prompts", "prompts.parquet"),
        *("--passages", "passages.parquet"),
        *("--values", "influence.parquet"),
        *("--rankings", "boosted.parquet"),
        *("--scores", "scores.parquet"),
        *("--comparisons", "comparisons.parquet"),
        *("--published", "published.parquet"),
        *("--disagreements", "disagreements.parquet"),
        *("--costs", "costs.parquet"),
        *("--spread", "spread.parquet"),
        *("--arms", "arms.parquet"),
        *("--operators", "operators.parquet"),
        *("--overlaps", "overlaps.parquet"),
        *("--certificates", "jiuzhang", "instruction"),
        *("--curves", "data/plots/warmup.csv"),
        *("--measured", *(f"data/metrics/{name}.json" for name in metrics(provider))),
        *("--pages", "report"),
    ]
