"""The dataset card of the training sets: a README that the hub and `datasets.load_dataset` read.

Every figure comes from the outputs of stages: ledgers, manifests, certificates, and the rows themselves. The
card lies beside the directories of parts, so that the folder is a complete data set, with a configuration for
each model's training set. Costs one read of the ids of the sets, their problems and the passages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel

from jz3.core.fan_in import InTables
from jz3.core.hashing import content_id
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow

if TYPE_CHECKING:
    from huggingface_hub import DatasetCardData

STAGES = ("parse", "execute", "filter", "dedup", "decontaminate", "mix")
"""Stages that reject rows, in the order in which rows pass them."""
NO_PASSAGE = "of a row without a passage"
"""Shown as origin and licence of instruction data and of seed problems."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "1M<n<10M"


class CardMetrics(BaseModel):
    """Counts of rows: of all sets together, and by licence."""

    rows: Ledger
    by_licence: dict[str, dict[str, int]]


@dataclass(frozen=True)
class TrainingSet:
    """What the card says of a model's training set."""

    rows: int
    origins: pl.DataFrame
    """Columns `source`, `origin`, `licence` and `rows`."""
    examples: Sequence[Mapping[str, Any]]
    """One row of each kind."""


@dataclass(frozen=True)
class Facts:
    """Everything that the card is written from."""

    sets: Mapping[str, TrainingSet]
    """Training sets by model."""
    measured: Mapping[str, Mapping[str, Any]]
    templates: Mapping[str, str]
    """Digest of each template, by its folder and name."""
    completions: Mapping[str, Mapping[str, str]]
    """Engine, model and sampling of each set of completions, by its name."""
    models: Mapping[str, ModelManifest]
    """The models that wrote problems, by the KD set that each was trained on."""
    base: ModelManifest
    certificates: Mapping[str, CertificateManifest]
    """Certificates by the set that was checked."""
    right: pl.DataFrame
    """A table of RightRows."""


def training_sets(
    training: InTables[TrainingRow], problems: InTables[Problem], passages: InTables[Passage]
) -> dict[str, TrainingSet]:
    """Each training set; a problem of two recipes (MASS chooses among JiuZhang's) counts once."""
    origins = pl.concat([table.scan() for table in passages.tables().values()]).unique("passage_id")
    written = pl.concat([table.scan() for table in problems.tables().values()]).unique("problem_id")
    return {
        name: TrainingSet(table.rows(), origins_of(table.scan(), written, origins), examples_of(table.scan()))
        for name, table in training.tables().items()
    }


def origins_of(training: pl.LazyFrame, problems: pl.LazyFrame, passages: pl.LazyFrame) -> pl.DataFrame:
    """Rows of the set by source, origin and licence; origin and licence of a row without a passage are
    unknown.
    """
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
    """Metrics of the card. Raises ValueError if the rows by licence do not add up to those of the sets."""
    by_licence = {
        name: dict(
            sorted(
                one.origins.group_by(pl.col("licence").fill_null(NO_PASSAGE))
                .agg(pl.col("rows").sum())
                .iter_rows()
            )
        )
        for name, one in facts.sets.items()
    }
    kept = sum(sum(counts.values()) for counts in by_licence.values())
    return CardMetrics(
        rows=Ledger(read=sum(one.rows for one in facts.sets.values()), kept=kept, rejected={}, failed=0),
        by_licence=by_licence,
    )


def write_card(facts: Facts) -> str:
    """The card as Markdown with a YAML header."""
    from huggingface_hub import DatasetCard

    sections = (
        ("What it is", _summary(facts)),
        ("Reading it", _reading()),
        ("Rows", _rows(facts)),
        ("Right rows", _right(facts.right)),
        ("How it was made", _making(facts)),
        ("What was left out", _drops(facts)),
        ("Contamination", "\n\n".join(map(_contamination, facts.certificates.values()))),
        ("Cost", _costs(facts)),
        ("Licences of the sources", _licences(facts)),
        ("Examples", _examples(facts)),
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    text = f"---\n{_head(facts).to_yaml()}\n---\n\n# Mathematics problems with solutions\n\n{body}\n"
    return str(DatasetCard(text))


def _head(facts: Facts) -> "DatasetCardData":
    from huggingface_hub import DatasetCardData

    licences = pl.concat([one.origins["licence"] for one in facts.sets.values()])
    named = licences.drop_nulls().unique().sort().to_list()
    one = len(named) == 1 and not licences.null_count()
    rows = sum(one.rows for one in facts.sets.values())
    configs: list[dict[str, Any]] = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/*.parquet"}]}
        for name in facts.sets
    ]
    return DatasetCardData(
        license=named[0].lower() if one else "other",
        license_name=None if one else "by-source",
        language=["en"],
        pretty_name="Mathematics problems with solutions",
        task_categories=["text-generation"],
        tags=["mathematics", "synthetic", "jz3"],
        size_categories=[next((size for most, size in SIZES if rows < most), LARGEST)],
        configs=[configs[0] | {"default": True}, *configs[1:]],
    )


def _summary(facts: Facts) -> str:
    lines = [
        (name, f"{one.rows:,}", f"{mixed['pretrain_rows']:,}", f"{mixed['instruction_rows']:,}")
        for name, one in facts.sets.items()
        for mixed in [facts.measured[f"mix/{name}"]]
    ]
    text = (
        "The training sets of several models, each a configuration: synthetic problems with solutions, and "
        "after them instruction data, in training order. What is said below was read from what the run left."
    )
    return f"{text}\n\n{_table(('set', 'rows', 'synthetic', 'instruction'), lines)}"


def _reading() -> str:
    return (
        '```python\nfrom datasets import load_dataset\n\nrows = load_dataset("FOLDER_OF_THIS_CARD", '
        '"NAME_OF_A_SET", split="train")\n```\n\nA model reads `input` and learns `output`. `turns` is '
        "the same row as who says what, and whether a model learns it. `position` is the place in the "
        "training order, `row_id` the problem, `part` is `pretrain` or `instruction`, "
        "`kind` is `cot` (natural language) or `tool` (solved by a program, whose real output stands in the "
        "solution)."
    )


def _rows(facts: Facts) -> str:
    """A table of the composition of each set, one column per set."""
    mixed = [facts.measured[f"mix/{name}"] for name in facts.sets]
    tables: list[str] = []
    for title, key in (("kind", "by_kind"), ("level", "by_level"), ("source", "by_source")):
        groups = dict.fromkeys(group for one in mixed for group in one[key])
        lines = [(group, *(f"{one[key].get(group, 0):,}" for one in mixed)) for group in groups]
        tables.append(_table((title, *facts.sets), lines))
    return "\n\n".join(tables)


def _right(right: pl.DataFrame) -> str:
    """How many rows are right: of all problems of a recipe, and of those in a set."""
    if right.is_empty():
        return "It was not measured how many are right: only problems of the built-in writer can be checked."
    names = {"cot": "prose", "tool": "tool", "all": "all"}
    lines = [
        (
            row["model"],
            row["recipe"],
            names[row["kind"]],
            *(
                f"{100 * row[f'right_{when}'] / row[when]:.1f} % ({row[f'right_{when}']:,} of {row[when]:,})"
                for when in ("before", "after")
            ),
        )
        for row in right.iter_rows(named=True)
    ]
    text = (
        "A problem worded as the built-in writer words its families has an exact answer. Right are those "
        "whose program prints it (tool) or whose box holds it (prose); what cannot be checked counts as not "
        "right. No rule of curation sees this checker. Instruction rows are not counted."
    )
    head = ("set", "recipe", "kind", "right before curation", "right in the set")
    return f"{text}\n\n{_table(head, lines)}"


def _making(facts: Facts) -> str:
    """Who wrote what, step by step; each kind of step has a line per set, model and recipe."""
    lines = [
        *((f"prompts, {name}", _prompts(found)) for name, found in _of("compose", facts)),
        *((f"teacher, {name}", _taught(found)) for name, found in _teachers(facts)),
        *((f"synthesis model, {name}", _model(model)) for name, model in facts.models.items()),
        ("base of the synthesis models", facts.base.hub or _model(facts.base)),
        *((f"completions, {name}", _completed(name, facts)) for name in facts.completions),
        *((f"programs run in a sandbox, {name}", f"{f['programs']:,}") for name, f in _of("execute", facts)),
        *(
            (f"solutions whose output was corrected, {name}", f"{found['corrected']:,}")
            for name, found in _of("mix", facts)
        ),
    ]
    return _table(("", ""), lines)


def _of(stage: str, facts: Facts) -> list[tuple[str, Mapping[str, Any]]]:
    """The metrics of a stage's instances, by the part of the name after the stage's."""
    return [
        (name.partition("/")[2], found)
        for name, found in facts.measured.items()
        if name.partition("/")[0] == stage
    ]


def _teachers(facts: Facts) -> list[tuple[str, Mapping[str, Any]]]:
    """Name and metrics of each KD set, then of each recipe that a teacher wrote."""
    return [*_of("distill", facts), *_of("augment", facts)]


def _prompts(composed: Mapping[str, Any]) -> str:
    return f"{composed['prompts']:,} of {composed['passages']:,} passages"


def _taught(teacher: Mapping[str, Any]) -> str:
    rows = f"{teacher['rows']['kept']:,} problems"
    return f"{_teacher(teacher)}, {_settings(teacher['sampling'])}; {rows}"


def _model(model: ModelManifest) -> str:
    return f"{model.parameters:,} weights, digest `{model.digest}`, {model.made_by}, {model.tokens:,} tokens"


def _completed(name: str, facts: Facts) -> str:
    notes, written = facts.completions[name], facts.measured[f"synthesize/{name}"]
    parts = (
        f"{written['rows']['kept']:,} with {written['completion_tokens']:,} tokens",
        ", ".join(notes[key] for key in ("engine", "dtype") if key in notes),
        f"sampling of cot: {_settings(json.loads(notes['sampling_cot']))}",
        f"of tool: {_settings(json.loads(notes['sampling_tool']))}",
        f"prompts of the form `{notes['prompt_form']}`: {_templates(notes['prompt_form'], facts)}",
    )
    return "; ".join(parts)


def _templates(form: str, facts: Facts) -> str:
    return ", ".join(
        f"`{name}` {digest}" for name, digest in facts.templates.items() if name.startswith(form)
    )


def _drops(facts: Facts) -> str:
    lines: list[tuple[str, str, str, str, str]] = []
    for name, found in (
        (f"{stage} {name}".strip(), found) for stage in STAGES for name, found in _of(stage, facts)
    ):
        rows = Ledger.model_validate(found["rows"])
        rules = ", ".join(
            f"{rule} {count:,}"
            for rule, count in sorted(rows.rejected.items(), key=lambda rule: (-rule[1], rule[0]))
        )
        lines.append((name, f"{rows.read:,}", f"{rows.kept:,}", f"{rows.failed:,}", rules))
    text = "Of each stage the rows that it read and kept, and the rules by which it rejected the others."
    return f"{text}\n\n{_table(('stage', 'read', 'kept', 'failed', 'rejected, by rule'), lines)}"


def _contamination(certificate: CertificateManifest) -> str:
    method = ", ".join(f"{name} {value}" for name, value in certificate.method.items())
    text = (
        f"All {certificate.rows:,} rows of {certificate.certified} (digest "
        f"`{certificate.certified_digest}`) were compared with these benchmarks before a set was mixed "
        f"({method}). Rows with a hit were left out, but for "
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


def _costs(facts: Facts) -> str:
    said = "A row that several sets hold was paid for once, and counts in each."
    return "\n\n".join([*(_cost(name, found) for name, found in _teachers(facts)), said])


def _cost(name: str, teacher: Mapping[str, Any]) -> str:
    usd = f"{teacher['cost_usd']:,.2f} USD at the prices of {teacher['prices_as_of']}"
    paid = usd if teacher["priced"] else "no price is known for it"
    return (
        f"The teacher's {teacher['answered']:,} answers of the set {name} took "
        f"{teacher['prompt_tokens']:,} tokens of prompts and {teacher['completion_tokens']:,} of answers: "
        f"{paid}."
    )


def _licences(facts: Facts) -> str:
    counted = [
        (name, *row)
        for name, one in facts.sets.items()
        for row in one.origins.with_columns(pl.col("origin", "licence").fill_null(NO_PASSAGE))
        .select("source", "origin", "licence", "rows")
        .iter_rows()
    ]
    text = (
        "A problem was inspired by a passage; the licence of the passage's document stands in this table. "
        "Rows without a passage (instruction data, seed problems) are under the licence of their own data "
        "set."
    )
    return f"{text}\n\n{_table(('set', 'source', 'origin', 'licence', 'rows'), counted)}"


def _examples(facts: Facts) -> str:
    """The first row of each kind, for each set that has its own rows."""
    shown = {row["row_id"]: row for one in facts.sets.values() for row in one.examples}
    return "\n\n".join(
        f"`{row['row_id']}`, kind {row['kind']}:\n\n````text\n{row['input']}{row['output']}\n````"
        for row in shown.values()
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
