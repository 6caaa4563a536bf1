"""The dataset card of the curated set: a README that the hub and `datasets.load_dataset` read.

Every figure is taken from what the stages left: ledgers, manifests, the certificate, and the rows themselves.
The card lies beside the directory of parts, so that the folder of both is a data set as it stands. Costs one
read of the ids of the set, its problems and their passages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel

from jz3.core.hashing import content_id
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest

STAGES = {
    "parse/corpus": "parse",
    "execute": "execute",
    "filter": "filter",
    "dedup": "dedup",
    "decontaminate/synthetic": "decontaminate",
    "mix/jiuzhang": "mix",
}
"""Metrics to the stage whose rows they account for, in the order in which rows pass them."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "1M<n<10M"


class CardMetrics(BaseModel):
    """What the card says of its rows."""

    rows: Ledger
    by_licence: dict[str, int]


@dataclass(frozen=True)
class Facts:
    """What the card is made of."""

    rows: int
    origins: pl.DataFrame
    """Columns `source`, `origin`, `licence` and `rows`."""
    examples: Sequence[Mapping[str, Any]]
    """One row of each kind."""
    measured: Mapping[str, Mapping[str, Any]]
    templates: Mapping[str, str]
    """Folder and name of each template to its digest."""
    notes: Mapping[str, str]
    """Of the completions: engine, model, sampling."""
    model: ModelManifest
    base: ModelManifest
    certificate: CertificateManifest


def origins_of(training: pl.LazyFrame, problems: pl.LazyFrame, passages: pl.LazyFrame) -> pl.DataFrame:
    """Rows of the set by source, origin and licence; instruction data have no passage, so neither."""
    rows = training.select("row_id", "source")
    of_rows = problems.select("problem_id", "passage_id")
    licences = passages.select("passage_id", "origin", "licence")
    return (
        rows.join(of_rows, left_on="row_id", right_on="problem_id", how="left")
        .join(licences, on="passage_id", how="left")
        .group_by("source", "origin", "licence")
        .agg(rows=pl.len())
        .sort("source", "origin", "licence")
        .collect(engine="streaming")
    )


def examples_of(training: pl.LazyFrame) -> list[dict[str, Any]]:
    """The first row of each kind."""
    kinds = training.select("kind").unique().collect()["kind"].sort().to_list()
    return [training.filter(pl.col("kind") == kind).head(1).collect().row(0, named=True) for kind in kinds]


def digests(files: Iterable[Path]) -> dict[str, str]:
    """Digest of each template by its folder and name."""
    return {f"{file.parent.name}/{file.stem}": content_id(file.read_text())[:12] for file in files}


def card_metrics(facts: Facts) -> CardMetrics:
    """The sum of the rows by licence must be that of the set."""
    by_licence = facts.origins.group_by(pl.col("licence").fill_null("of the instruction data")).agg(
        pl.col("rows").sum()
    )
    counts = dict(sorted(by_licence.iter_rows()))
    return CardMetrics(
        rows=Ledger(read=facts.rows, kept=sum(counts.values()), rejected={}, failed=0), by_licence=counts
    )


def write_card(facts: Facts) -> str:
    """Markdown under a YAML head."""
    head = yaml.safe_dump(_head(facts), sort_keys=False, allow_unicode=True)
    sections = (
        ("What it is", _summary(facts)),
        ("Reading it", _reading()),
        ("Rows", _rows(facts)),
        ("How it was made", _making(facts)),
        ("What was left out", _drops(facts)),
        ("Contamination", _contamination(facts.certificate)),
        ("Cost", _cost(facts.measured["distill/boosted"])),
        ("Licences of the sources", _licences(facts.origins)),
        ("Examples", _examples(facts.examples)),
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"---\n{head}---\n\n# jiuzhang: synthetic mathematics problems with solutions\n\n{body}\n"


def _head(facts: Facts) -> dict[str, Any]:
    licences = facts.origins["licence"].drop_nulls().unique().sort().to_list()
    one = len(licences) == 1 and not facts.origins["licence"].null_count()
    head: dict[str, Any] = {"license": licences[0].lower() if one else "other"}
    if not one:
        head["license_name"] = "by-source"
    return head | {
        "language": ["en"],
        "pretty_name": "jiuzhang",
        "task_categories": ["text-generation"],
        "tags": ["mathematics", "synthetic", "jz3"],
        "size_categories": [next((size for most, size in SIZES if facts.rows < most), LARGEST)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": "jiuzhang/*.parquet"}],
            }
        ],
    }


def _summary(facts: Facts) -> str:
    mixed, teacher = facts.measured["mix/jiuzhang"], facts.measured["distill/boosted"]
    return (
        f"{facts.rows:,} training rows: {mixed['pretrain_rows']:,} problems that a language model of "
        f"{facts.model.parameters:,} weights wrote after passages of its corpus, and after them "
        f"{mixed['instruction_rows']:,} rows of instruction data, in training order. The model learnt to "
        f"write problems from {teacher['rows']['kept']:,} problems of the teacher {_teacher(teacher)}. The "
        f"method is that of JiuZhang3.0 (arXiv:2405.14365); what is said below was read from what the run "
        f"left."
    )


def _reading() -> str:
    return (
        '```python\nfrom datasets import load_dataset\n\nrows = load_dataset("FOLDER_OF_THIS_CARD", '
        'split="train")\n```\n\nA model reads `input` and learns `output`. `position` is the place in the '
        "training order, `row_id` the problem, `part` is `pretrain` or `instruction`, `kind` is `cot` "
        "(natural language) or `tool` (solved by a program, whose real output stands in the solution)."
    )


def _rows(facts: Facts) -> str:
    mixed = facts.measured["mix/jiuzhang"]
    tables = [
        _table((name, "rows"), mixed[key].items())
        for name, key in (("kind", "by_kind"), ("level", "by_level"), ("source", "by_source"))
    ]
    return "\n\n".join(tables)


def _making(facts: Facts) -> str:
    teacher, composed = facts.measured["distill/boosted"], facts.measured["compose/corpus"]
    written = facts.measured["synthesize/corpus"]
    notes, model, mixed = facts.notes, facts.model, facts.measured["mix/jiuzhang"]
    prompts = f"{composed['prompts']:,} of {composed['passages']:,} passages, form `{notes['prompt_form']}`"
    lines = (
        ("prompts", prompts),
        ("templates", _templates(facts)),
        ("teacher", f"{_teacher(teacher)}, {_settings(teacher['sampling'])}"),
        ("synthesis model", f"digest `{model.digest}`, {model.made_by}, {model.tokens:,} tokens"),
        ("its base", facts.base.hub or f"{facts.base.made_by}, digest `{facts.base.digest}`"),
        ("engine", ", ".join(notes[name] for name in ("engine", "dtype") if name in notes)),
        ("sampling, cot", _settings(json.loads(notes["sampling_cot"]))),
        ("sampling, tool", _settings(json.loads(notes["sampling_tool"]))),
        ("completions", f"{written['rows']['kept']:,} with {written['completion_tokens']:,} tokens"),
        ("programs run in a sandbox", f"{facts.measured['execute']['programs']:,}"),
        ("solutions whose output was corrected", f"{mixed['corrected']:,}"),
    )
    return _table(("", ""), lines)


def _templates(facts: Facts) -> str:
    """Those of the form that the synthesis model read."""
    return ", ".join(
        f"`{name}` {digest}"
        for name, digest in facts.templates.items()
        if name.startswith(facts.notes["prompt_form"])
    )


def _drops(facts: Facts) -> str:
    lines: list[tuple[str, str, str, str, str]] = []
    for name, stage in STAGES.items():
        rows = Ledger.model_validate(facts.measured[name]["rows"])
        rules = ", ".join(
            f"{rule} {count:,}"
            for rule, count in sorted(rows.rejected.items(), key=lambda rule: (-rule[1], rule[0]))
        )
        lines.append((stage, f"{rows.read:,}", f"{rows.kept:,}", f"{rows.failed:,}", rules))
    text = "Of each stage the rows that it read and kept, and the rules by which it rejected the others."
    return f"{text}\n\n{_table(('stage', 'read', 'kept', 'failed', 'rejected, by rule'), lines)}"


def _contamination(certificate: CertificateManifest) -> str:
    method = ", ".join(f"{name} {value}" for name, value in certificate.method.items())
    text = (
        f"All {certificate.rows:,} problems (digest `{certificate.certified_digest}`) were compared with "
        f"these benchmarks before the set was mixed ({method}). Rows with a hit were left out, but for "
        f"`number_masked`: the same words with other numbers, which is only reported."
    )
    classes = sorted({name for check in certificate.benchmarks for name in check.hits_by_class})
    head = (
        "benchmark",
        "revision",
        "digest",
        "items",
        "items with a hit",
        *(f"rows: {name}" for name in classes),
    )
    lines = [
        (
            check.benchmark,
            check.revision,
            f"`{check.items_digest}`",
            f"{check.items:,}",
            f"{check.hit_items:,}",
            *(f"{check.hits_by_class.get(name, 0):,}" for name in classes),
        )
        for check in certificate.benchmarks
    ]
    return f"{text}\n\n{_table(head, lines)}"


def _cost(teacher: Mapping[str, Any]) -> str:
    usd = f"{teacher['cost_usd']:,.2f} USD at the prices of {teacher['prices_as_of']}"
    paid = usd if teacher["priced"] else "no price is known for it"
    return (
        f"The teacher's {teacher['answered']:,} answers took {teacher['prompt_tokens']:,} tokens of prompts "
        f"and {teacher['completion_tokens']:,} of answers: {paid}."
    )


def _licences(origins: pl.DataFrame) -> str:
    named = origins.with_columns(pl.col("origin", "licence").fill_null("of the instruction data"))
    counted = named.select("source", "origin", "licence", "rows").iter_rows()
    text = (
        "A problem was inspired by a passage; the licence of the passage's document stands in this table. "
        "Rows of instruction data are under the licence of their own data set."
    )
    return f"{text}\n\n{_table(('source', 'origin', 'licence', 'rows'), counted)}"


def _examples(examples: Iterable[Mapping[str, Any]]) -> str:
    return "\n\n".join(
        f"`{row['row_id']}`, kind {row['kind']}:\n\n````text\n{row['input']}{row['output']}\n````"
        for row in examples
    )


def _teacher(teacher: Mapping[str, Any]) -> str:
    by_rule = teacher["provider"] == "writer"
    return f"`{teacher['model']}`" + (" (a program that writes by rule, not an LLM)" if by_rule else "")


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value != [])


def _table(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows
    )
