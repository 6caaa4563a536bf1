"""Recounts of the tables that the stages of a run left, by stage: what its metrics should say.

They share no code with the stages: they read the parquet files that each command in dvc.lock names.
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
    """A table in one file or in parts; there may be no parts."""
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


def shares(name, column, metrics):
    found, rows = counts(column), max(len(column), 1)
    return {f"{name}.{value}": pytest.approx(found.get(value, 0) / rows) for value in metrics[name]}


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
        "seeds": left.table("seeds").height + left.table("passages").height,  # one of the two is empty
        "rows.kept": problems.height,
        "rows.rejected": rejected(left.table("rejects")),
        "rows.failed": left.table("failures").height,
        "kept_by_level": counts(problems["level"]),
    }


def solve(left, metrics):
    attempts, rates = left.table("attempts"), left.table("rates")
    levels = left.table("problems").select("problem_id", "level")
    known = rates.filter(pl.col("right").is_not_null())
    by_level = known.join(levels, on="problem_id").drop_nulls("level").group_by("level")
    assert (attempts["draw"] < metrics["draws"]).sum() == rates["draws"].sum()
    return {
        "solver": only(rates["solver"]),
        "problems": rates.height,
        "not_asked": counts(left.table("unsolved")["rule"]),
        "known": known.height,
        "rows.kept": attempts.height,
        "rows.failed": left.table("failures").height,
        "boxed": pytest.approx(attempts["answer"].count() / attempts.height, abs=1e-6),
        "pass_rate": pytest.approx(known["rate"].mean(), abs=1e-6),
        "solved": pytest.approx((known["right"] > 0).mean(), abs=1e-6),
        "voted_right": pytest.approx(known["voted_right"].mean(), abs=1e-6),
        "by_level": pytest.approx(dict(by_level.agg(pl.col("rate").mean()).iter_rows()), abs=1e-6),
        "truncated": attempts.filter(finish_reason="length").height,
        **{name: attempts[name].sum() for name in metrics if name.endswith("_tokens")},
    }


def balance(left, metrics):
    problems, lineage, rates = left.table("problems"), left.table("lineage"), left.table("rates")
    assert sorted(problems["problem_id"]) == sorted(lineage["problem_id"])
    assert set(left.table("thoughts")["problem_id"]) <= set(problems["problem_id"])
    return {
        "rows.read": left.table("attempts").height,
        "rows.kept": problems.height,
        "rows.rejected": rejected(left.table("rejects")),
        "problems": rates.height,
        "kept_by_level": counts(problems["level"]),
    }


def only(column):
    (value,) = column.unique()
    return value


def synthesize(left, metrics):
    completions = left.table("completions")
    asked = left.table("prompts").join(completions, on="prompt_id", how="semi")
    return {
        "rows.read": left.table("prompts").height,
        "rows.kept": completions.height,
        "rows.failed": left.table("failures").height,
        "prompt_tokens": completions["prompt_tokens"].sum(),
        "completion_tokens": completions["completion_tokens"].sum(),
        **shares("share_per_level", asked["level"], metrics),
        **shares("share_per_kind", asked["kind"], metrics),
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
        "method": only(left.table("values")["method"]),
        "best_task": counts(chosen["best_task"]),
        **groups("pool", ranking.filter(pl.col("value").is_not_null()), left.table("candidates"), metrics),
        **groups("selected", chosen, left.table("candidates"), metrics),
    }


def groups(name, ranked, prompts, metrics):
    """Groups such as `source/web`; lengths are not in the table."""
    known = ranked.select("prompt_id", "source", "level").join(
        prompts.select("prompt_id", "kind"), on="prompt_id"
    )
    return by_group(name, known, metrics)


def by_group(name, known, metrics):
    found = {
        f"{column}/{value}": number
        for column in ("source", "level", "kind")
        for value, number in counts(known[column]).items()
    }
    return {
        f"{name}.{group}": found.get(group, 0) for group in metrics[name] if not group.startswith("length/")
    }


def skills(left, metrics):
    folder = left.root / left.flags["workings"]
    concepts, edges, mentions = (
        pl.read_parquet(folder / f"{name}.parquet") for name in ("concepts", "edges", "mentions")
    )
    pairs, known = mentions.select("problem_id", "concept_id").unique(), mentions["problem_id"].n_unique()
    in_each = {row["concept_id"]: row["len"] for row in pairs.group_by("concept_id").len().to_dicts()}
    assert in_each == dict(concepts.select("concept_id", "count").iter_rows())
    ten = sorted(zip(concepts["count"], concepts["name"], strict=True), key=lambda one: (-one[0], one[1]))[
        :10
    ]
    return {
        "rows.read": left.table("references").height,
        "rows.kept": known,
        "rows.rejected": rejected(left.table("rejects")),
        "rows.failed": left.table("failures").height,
        "names": mentions["spelling"].n_unique(),
        "skills": concepts.height,
        "edges": edges.height,
        "skills_of_a_problem": pytest.approx(pairs.height / known, abs=1e-6),
        "most_frequent": {name: count for count, name in ten},
    }


def value(left, metrics):
    values, folder = left.table("values"), left.root / left.flags["workings"]
    return {
        "rows.read": left.table("problems").height,
        "rows.kept": values.height,
        "method": only(values["method"]),
        **{
            of: pl.read_parquet(folder / f"{table}.parquet").height
            for of, table in (("skills", "concepts"), ("edges", "edges"))
        },
    }


def difficulty(left, metrics):
    values, rates = left.table("values"), left.table("rates")
    rated = left.table("problems").join(rates.drop_nulls("rate"), on="problem_id", how="semi")
    return {
        "rows.read": left.table("problems").height,
        "rows.kept": rated.height,
        "method": only(values["method"]),
    }


def choose(left, metrics):
    pool, chosen, rejects = (left.table(name) for name in ("pool", "problems", "rejects"))
    values = left.table("values")
    curated = rejects.filter(~pl.col("rule").cast(pl.String).str.starts_with("choose."))
    survivors = pool.filter(~pl.col("problem_id").is_in(curated["row_id"].to_list()))

    def tokens(problems):
        return values.join(problems, on="problem_id", how="semi")["solution_tokens"].sum()

    return {
        "rows.read": pool.height,
        "rows.kept": chosen.height,
        "rows.rejected": rejected(rejects),
        "method": only(values["method"]),
        "tokens": tokens(survivors),
        "chosen_tokens": tokens(chosen),
        "repeated_questions": chosen.height - chosen["problem"].n_unique(),
        **by_group("pool", survivors, metrics),
        **by_group("chosen", chosen, metrics),
    }


def execute(left, metrics):
    results = left.table("results")
    ended = "program_" + results["status"]
    return verdicts(left) | {"programs": results.height, "by_status": counts(ended)}


def correctness(left, metrics):
    checked, expected = left.table("checked"), {}
    read = checked["family"].count()
    assert checked.height == left.table("problems").height
    for name, kind in (("tool", "tool"), ("prose", "cot")):
        rows = checked.filter(kind=kind)
        correct = int(rows["right"].sum())
        expected |= {
            f"{name}_problems": rows.height,
            f"{name}_read": rows["family"].count(),
            f"{name}_correct": correct,
            f"{name}_correct_share": pytest.approx(correct / rows.height) if rows.height and read else None,
        }
    return expected


def curate(left, metrics):
    table = left.table("verdicts")
    kinds = left.table("problems").select("kind", row_id="problem_id")
    taken = counts(table.filter(pl.col("rule").is_not_null()).join(kinds, on="row_id")["kind"])
    return verdicts(left) | {
        "kept_share": pytest.approx(table["rule"].null_count() / table.height),
        "rejected_by_kind": {kind: taken.get(kind, 0) for kind in metrics["rejected_by_kind"]},
    }


def dedup(left, metrics):
    table = left.table("verdicts")
    groups = Counter(table["evidence"].drop_nulls())
    return verdicts(left) | {
        "duplicate_share": pytest.approx(len(table["rule"].drop_nulls()) / table.height),
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
    found = {
        name: pl.read_parquet(left.root / left.flags["certificates"] / f"{name}.parquet")
        for name in metrics["sets"]
    }
    hits = {name: rows.filter(pl.col("hit_class") != "number_masked") for name, rows in found.items()}
    classes = {name: counts(rows["hit_class"]) for name, rows in found.items()}
    return {
        "rows.read": sum(part["rows"] for part in metrics["sets"].values()),
        "sets.passages.rows": left.table("passages").height,
        **{
            f"sets.{name}.hits_by_class.{kind}": classes[name].get(kind, 0)
            for name, part in metrics["sets"].items()
            for kind in part["hits_by_class"]
        },
        **{f"sets.{name}.hit_rows": rows["row_id"].n_unique() for name, rows in hits.items()},
        **{f"sets.{name}.hit_items": rows["item_id"].n_unique() for name, rows in hits.items()},
    }


def mix(left, metrics):
    training = left.table("training")
    assert set(left.table("thoughtless")["row_id"]) <= set(training["row_id"])
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
    tokens = int((blocks.documents > 0).sum())
    return {
        "rows.read": left.table("training").height,
        "rows.kept": len(blocks.rows),
        "blocks": len(blocks),
        "tokens": tokens,
        "label_tokens": int((blocks.labels >= 0).sum()),
        "fill": pytest.approx(tokens / blocks.tokens.size),
    }


def answer(left, metrics):
    responses = left.table("responses")
    forced = responses.filter(setting="prose", calls=2)["response_id"]
    assert sorted(left.table("forced-ends")["response_id"]) == sorted(forced)
    items = responses.join(left.table("items"), on="item_id", how="left")
    return {
        "rows.kept": responses.height,
        "prompt_tokens": responses["prompt_tokens"].sum(),
        "completion_tokens": responses["completion_tokens"].sum(),
        "truncated": responses.filter(finish_reason="length").height,
        "by_benchmark": counts(items["benchmark"]),
    }


def probe(left, metrics):
    probes = left.table("probes")
    shorter = [len(text.strip()) < len(rest) for text, rest in probes.select("text", "rest").iter_rows()]
    means = probes.group_by("benchmark").agg(pl.col("completed", "words").cast(pl.Float64).mean() * 100)
    return {
        "rows.kept": probes.height,
        "completed": pytest.approx(dict(means.select("benchmark", "completed").iter_rows()), abs=1e-4),
        "words": pytest.approx(dict(means.select("benchmark", "words").iter_rows()), abs=1e-4),
        "cut": probes.filter(pl.Series(shorter), finish_reason="length").height,
        "prompt_tokens": probes["prompt_tokens"].sum(),
        "completion_tokens": probes["completion_tokens"].sum(),
    }


def grade(left, metrics):
    grades = left.table("grades")
    return {
        "rows.kept": grades.height + left.table("test-grades").height,
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
    both = dict(macro.filter(setting="both").select("model", "accuracy").iter_rows())
    means = dict(scores.filter(group="mean over benchmarks").select("model", "accuracy").iter_rows())
    macros = left.table("scores").filter(group_by="macro")

    def of(benchmark, group):
        found = macros.filter(benchmark=benchmark, group=group)
        return pytest.approx(dict(found.select("model", "accuracy").iter_rows()), abs=1e-3)

    return {
        "seeds_and_texts": of("held_out", "seeds and texts"),
        "texts_alone": of("held_out", "texts alone"),
        "no_data": of("held_out", "none"),
        "backward": of("backward", "all families"),
        "composed": of("composed", "all families"),
        "macro_over_families": pytest.approx(both, abs=1e-3),
        "mean_over_benchmarks": pytest.approx(means, abs=1e-3),
    }


RECOUNTS = {
    "ingest": ingest, "sample": sample, "compose": compose, "tasks": tasks, "benchmarks": benchmarks,
    "distill": distill, "augment": augment, "solve": solve, "balance": balance,
    "synthesize": synthesize, "parse": parse, "select": select,
    "skills": skills, "value": value, "difficulty": difficulty, "choose": choose,
    "execute": execute, "filter": curate, "dedup": dedup, "decontaminate": decontaminate, "audit": audit,
    "mix": mix, "correctness": correctness, "pack": pack, "answer": answer, "grade": grade,
    "probe": probe,
    "tabulate": tabulate,
}  # fmt: skip
