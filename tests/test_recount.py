"""Metrics equal a recount of the tables that the stages of the whole run left.

A count that drifts from its table misleads every reader of the report, the card and `dvc metrics diff`. The
recounts share no code with the stages: they read the parquet files that each command in dvc.lock names.
"""

import importlib
import json
import re
import shlex
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import yaml

from jz3.lm.blocks import open_blocks

ROUNDS = ("initial", "candidates", "corpus")
UNCOUNTED = {"base", "warmup", "finetune", "pretrain", "attribute", "sketch", "card", "report"}
"""Stages whose metrics are losses and sizes of models, or which read what others have counted."""


@dataclass(frozen=True)
class Left:
    """What a stage read and left, by the flags of its command."""

    root: Path
    flags: dict[str, str]

    def table(self, flag):
        return read(self.root / self.flags[flag])

    def heights(self, paths):
        return {name: read(self.root / path).height for name, path in paths.items()}


def read(path):
    """A table in one file or in parts, which may be none."""
    files = [path] if path.suffix == ".parquet" else sorted(path.glob("*.parquet"))
    if files:
        return pl.read_parquet(files)
    kind = json.loads((path / "manifest.json").read_text())["table"]
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    return getattr(importlib.import_module(f"jz3.tables.{module}"), kind).create_empty()


def flags_of(command):
    """The first path of each flag of `python -m stages.X --flag PATH [PATH ...]`."""
    words = shlex.split(command)[3:]
    return {flag[2:]: path for flag, path in pairwise(words) if flag.startswith("--")}


def counts(column):
    return {str(value): number for value, number in Counter(column.drop_nulls()).items()}


def by_source(table, sources):
    found = counts(table["source"])
    return {source: found.get(source, 0) for source in sources}


def rejected(table):
    return counts(table["rule"])


def verdicts(left):
    table = left.table("verdicts")
    rules = rejected(table)
    return {"rows.read": table.height, "rows.rejected": rules, "rows.kept": table["rule"].null_count()}


def ingest(left, metrics):
    passages = left.table("passages")
    return {
        "passages": passages.height,
        "characters": sum(map(len, passages["text"])),
        "rows.rejected": rejected(left.table("rejects")),
    }


def sample(left, metrics):
    sources = list(metrics["passages"])
    drawn = {name: by_source(left.table(name), sources) for name in ROUNDS}
    quotas = yaml.safe_load((left.root / "params.yaml").read_text())["sample"]["quotas"]
    missing = {
        f"{name}/{source}": wanted - drawn[name][source]
        for source in sources
        for name, wanted in quotas[source].items()
        if wanted is not None and wanted > drawn[name][source]
    }
    paths = {source: f"data/passages/{source}" for source in sources}
    return {"passages": left.heights(paths), "missing": missing, **drawn}


def compose(left, metrics):
    prompts = left.table("prompts")
    return {
        "passages": left.table("passages").height,
        "prompts": prompts.height,
        "by_level": counts(prompts["level"]),
        "by_kind": counts(prompts["kind"]),
        "full_characters": sum(map(len, prompts["full"])),
        "compact_characters": sum(map(len, prompts["compact"])),
    }


def tasks(left, metrics):
    targets, instructions = left.table("targets"), left.table("instructions")
    return {
        "rows.kept": targets.height + instructions.height + left.table("seed-problems").height,
        "rows.rejected": rejected(left.table("rejects")),
        "targets": counts(targets["task"]),
        "instructions_by_kind": counts(instructions["kind"]),
    }


def benchmarks(left, metrics):
    items = left.table("items")
    return {
        "rows.kept": items.height,
        "rows.rejected": rejected(left.table("rejects")),
        "items": counts(items["benchmark"]),
    }


def distill(left, metrics):
    problems = left.table("problems")
    return {
        "rows.read": left.table("prompts").height,
        "rows.kept": problems.height,
        "rows.rejected": rejected(left.table("rejects")),
        "rows.failed": left.table("failures").height,
        "kept_by_level": counts(problems["level"]),
        "kept_by_kind": counts(problems["kind"]),
    }


def augment(left, metrics):
    problems, lineage = left.table("problems"), left.table("lineage")
    assert sorted(problems["problem_id"]) == sorted(lineage["problem_id"])
    return {
        "seeds": left.table("seeds").height,
        "rows.kept": problems.height,
        "rows.rejected": rejected(left.table("rejects")),
        "rows.failed": left.table("failures").height,
        "kept_by_level": counts(problems["level"]),
    }


def synthesize(left, metrics):
    completions = left.table("completions")
    return {
        "rows.read": left.table("prompts").height,
        "rows.kept": completions.height,
        "rows.failed": left.table("failures").height,
        "prompt_tokens": completions["prompt_tokens"].sum(),
        "completion_tokens": completions["completion_tokens"].sum(),
    }


def parse(left, metrics):
    problems = left.table("problems")
    return {
        "rows.read": left.table("completions").height,
        "rows.kept": problems.height,
        "rows.rejected": rejected(left.table("rejects")),
        "kept_by_level": counts(problems["level"]),
        "kept_by_kind": counts(problems["kind"]),
        "with_answer": problems["answer"].count(),
    }


def select(left, metrics):
    ranking = left.table("ranking")
    chosen = ranking.filter(pl.col("rule").is_null())
    initial = left.table("initial").height
    assert left.table("boosted").height == initial + chosen.height
    return {
        "rows.read": ranking.height + initial,
        "rows.kept": chosen.height + initial,
        "rows.rejected": rejected(ranking),
        "best_task": counts(chosen["best_task"]),
    }


def execute(left, metrics):
    results = left.table("results")
    return verdicts(left) | {"programs": results.height, "by_status": counts("program_" + results["status"])}


def correctness(left, metrics):
    kinds = counts(left.table("problems")["kind"])
    return {"tool_problems": kinds.get("tool", 0), "prose_problems": kinds.get("cot", 0)}


def curate(left, metrics):
    return verdicts(left)


def dedup(left, metrics):
    table = left.table("verdicts")
    groups = Counter(table["evidence"].drop_nulls())
    return verdicts(left) | {
        "duplicate_share": len(table["rule"].drop_nulls()) / table.height,
        "largest_group": 1 + max(groups.values(), default=0),
    }


def decontaminate(left, metrics):
    items = left.table("items")
    hits = pl.read_parquet(left.root / left.flags["certificate"] / "hits.parquet")
    dropping = hits.filter(pl.col("hit_class") != "number_masked")
    classes = counts(hits["hit_class"])
    return verdicts(left) | {
        "items": items.height,
        "hit_items": dropping["item_id"].n_unique(),
        "hits_by_class": {name: classes.get(name, 0) for name in metrics["hits_by_class"]},
    }


def audit(left, metrics):
    hits = {
        name: pl.read_parquet(left.root / left.flags["certificates"] / f"{name}.parquet").filter(
            pl.col("hit_class") != "number_masked"
        )
        for name in metrics["sets"]
    }
    return {
        "rows.read": sum(part["rows"] for part in metrics["sets"].values()),
        **{f"sets.{name}.hit_rows": rows["row_id"].n_unique() for name, rows in hits.items()},
        **{f"sets.{name}.hit_items": rows["item_id"].n_unique() for name, rows in hits.items()},
    }


def mix(left, metrics):
    training = left.table("training")
    parts = counts(training["part"])
    return {
        "rows.read": left.table("problems").height + left.table("instructions").height,
        "rows.kept": training.height,
        "pretrain_rows": parts.get("pretrain", 0),
        "instruction_rows": parts.get("instruction", 0),
        "by_kind": counts(training["kind"]),
        "by_level": counts(training["level"]),
        "by_source": counts(training["source"]),
    }


def pack(left, metrics):
    blocks = open_blocks(left.root / left.flags["blocks"])
    return {"rows.read": left.table("training").height, "blocks": len(blocks)}


def answer(left, metrics):
    responses = left.table("responses")
    items = responses.join(left.table("items"), on="item_id", how="left")
    return {
        "rows.kept": responses.height,
        "prompt_tokens": responses["prompt_tokens"].sum(),
        "completion_tokens": responses["completion_tokens"].sum(),
        "truncated": responses.filter(finish_reason="length").height,
        "by_benchmark": counts(items["benchmark"]),
    }


def grade(left, metrics):
    grades = left.table("grades")
    return {
        "rows.kept": grades.height,
        "answered": pytest.approx(grades["predicted"].count() / grades.height, abs=1e-6),
        "correct": pytest.approx(grades["correct"].sum() / grades.height, abs=1e-6),
        "correct_lenient": pytest.approx(grades["correct_lenient"].sum() / grades.height, abs=1e-6),
        "disagreements": grades.filter(pl.col("second_opinion") != pl.col("correct")).height,
        "by_rule": counts(grades["rule"]),
    }


def tabulate(left, metrics):
    scores = left.table("scores").filter(group_by="average")
    macro = scores.filter(group="macro over families")
    assert not macro.is_empty()
    return {"macro_over_families": dict(macro.filter(setting="both").select("model", "accuracy").iter_rows())}


RECOUNTS = {
    "ingest": ingest, "sample": sample, "compose": compose, "tasks": tasks, "benchmarks": benchmarks,
    "distill": distill, "augment": augment, "synthesize": synthesize, "parse": parse, "select": select,
    "execute": execute, "filter": curate, "dedup": dedup, "decontaminate": decontaminate, "audit": audit,
    "mix": mix, "correctness": correctness, "pack": pack, "answer": answer, "grade": grade,
    "tabulate": tabulate,
}  # fmt: skip


def at(metrics, name):
    for part in name.split("."):
        metrics = metrics[part]
    return metrics


def disagreements(root):
    """Every count of the metrics that the tables do not bear out: stage, count, metrics, recount."""
    found = []
    for stage, entry in yaml.safe_load((root / "dvc.lock").read_text())["stages"].items():
        left = Left(root, flags_of(entry["cmd"]))
        kind = stage.partition("@")[0]
        if kind in UNCOUNTED:
            continue
        metrics = json.loads((root / left.flags["metrics"]).read_text())
        for name, expected in RECOUNTS[kind](left, metrics).items():
            if at(metrics, name) != expected:
                found.append((stage, name, at(metrics, name), expected))
    return found


def test_metrics_equal_a_recount_of_the_tables(whole_run):
    assert disagreements(whole_run[0].path) == []


def test_a_score_is_checked_where_the_certificate_covers_every_item_of_it(whole_run):
    root = whole_run[0].path
    grades = pl.concat(
        pl.read_parquet(file).with_columns(model=pl.lit(file.stem))
        for file in sorted((root / "data/grades").glob("*.parquet"))
    )
    scores = pl.read_parquet(root / "data/tables/scores.parquet").filter(group_by="all")
    assert not scores.is_empty()
    for row in scores.iter_rows(named=True):
        mine = grades.filter(model=row["model"], setting=row["setting"], benchmark=row["benchmark"])
        unchecked = (mine["contamination"] == "unchecked").any()
        assert row["contamination"] == ("unchecked" if unchecked else "checked")
        assert row["responses"] == mine.height
        assert row["truncated"] == mine["truncated"].sum()
        assert row["clean_items"] == mine.filter(contamination="clean")["item_id"].n_unique()
