"""The account of every row, stage by stage from passage to grade, with the rule of every drop."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jz3.report.rendering import joined, paragraph, render, table
from jz3.report.writing import count
from jz3.tables.ledger import Ledger

ROWS_ARE = {
    "ingest": "sections",
    "tasks": "tasks",
    "benchmarks": "items",
    "base": "passages",
    "distill": "prompts",
    "finetune": "problems",
    "synthesize": "prompts",
    "parse": "completions",
    "warmup": "problems",
    "attribute": "problems",
    "sketch": "problems",
    "diversify": "problems",
    "rds": "problems",
    "skills": "reference problems",
    "value": "problems",
    "difficulty": "problems",
    "select": "prompts",
    "choose": "problems",
    "augment": "requests",
    "execute": "problems",
    "filter": "problems",
    "dedup": "problems",
    "decontaminate": "rows",
    "mix": "rows",
    "pack": "training rows",
    "pretrain": "blocks",
    "answer": "responses",
    "grade": "responses",
    "solve": "draws",
    "balance": "draws",
}
"""What a row of a stage's ledger is."""

NUMBERS = frozenset({"read", "kept", "failed"})


def waterfall(measured: Mapping[str, Any]) -> Markup:
    """A line for each stage with a ledger or counts; `measured` are metrics by stage, in order."""
    lines = [line for stage, values in measured.items() if (line := _line(stage, values))]
    head = ["stage", "rows are", "read", "kept", "failed", "share", "rejected, by rule"]
    return table("Rows by stage", head, lines, NUMBERS)


def _line(stage: str, values: Mapping[str, Any]) -> list[str] | None:
    if "rows" in values:
        rows = Ledger.model_validate(values["rows"])
        unit = ROWS_ARE.get(stage.partition("/")[0], "rows")
        numbers = (rows.read, rows.kept, rows.failed)
        return [stage, unit, *map(count, numbers), _bar(rows), _rules(rows)]
    totals = _totals(values)
    if not totals:
        return None
    counts = ", ".join(f"{name.replace('_', ' ')} {count(total)}" for name, total in totals.items())
    return [stage, "draws or writes, drops none", "", "", "", "", counts]


def _totals(values: Mapping[str, Any]) -> dict[str, int]:
    """The counts among a stage's values; those of a breakdown are added up."""
    totals: dict[str, int] = {}
    for name, value in values.items():
        parts = list(value.values()) if isinstance(value, dict) else [value]
        if parts and not name.startswith("by_") and all(type(part) is int for part in parts):
            totals[name] = sum(parts)
    return totals


def _bar(rows: Ledger) -> Markup:
    """Kept, rejected and failed as parts of a bar."""
    parts = {"kept": rows.kept, "rejected": sum(rows.rejected.values()), "failed": rows.failed}
    shares = {name: 100 * part / max(rows.read, 1) for name, part in parts.items()}
    return render("share_bar.html", shares=shares, label=f"{shares['kept']:.1f} % kept")


def _rules(rows: Ledger) -> Markup:
    most_first = sorted(rows.rejected.items(), key=lambda rule: (-rule[1], rule[0]))
    return render("rules.html", rules=[(rule, count(number)) for rule, number in most_first])


def knowledge_sets(measured: Mapping[str, Any]) -> Markup:
    """Who wrote each KD set, and what it cost."""
    sets = {
        stage.partition("/")[2]: values
        for stage, values in measured.items()
        if stage.startswith(("distill/", "augment/"))
    }
    said = [paragraph(_provider(name, values), "provider") for name, values in sets.items()]
    head = [
        "KD set",
        "provider",
        "model",
        "prompts",
        "answered",
        "problems",
        "prompt tokens",
        "completion tokens",
        "cost",
    ]
    lines = [
        [
            name,
            values["provider"],
            values["model"],
            count(values["rows"]["read"]),
            count(values["answered"]),
            count(values["rows"]["kept"]),
            count(values["prompt_tokens"]),
            count(values["completion_tokens"]),
            _cost(values),
        ]
        for name, values in sets.items()
    ]
    return joined([*said, table("KD sets", head, lines, frozenset(head[3:]))])


def _provider(name: str, values: Mapping[str, Any]) -> str:
    if values["provider"] == "writer":
        return (
            f"The set “{name}” was written by the built-in problem writer: it writes by rule, with drawn "
            f"numbers, and is no LLM. No language model was called and nothing was paid."
        )
    return (
        f"The set “{name}” was written by the model {values['model']}, called through {values['provider']}."
    )


def _cost(values: Mapping[str, Any]) -> str:
    if values["provider"] == "writer":
        return "none (no LLM)"
    return f"${values['cost_usd']:,.2f}" if values["priced"] else "no price known"
