"""A plan as `jz3 plan` prints it, for people and for scripts."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from jz3.core.terminal import Table
from jz3.graph.plan_lines import Line, Plan


def as_json(planned: Plan) -> str:
    """JSON for scripts: every figure of every stage, and the sums."""
    lines = planned.lines
    total = {
        "usd": sum(line.usd or 0.0 for line in lines),
        "device_hours": sum(line.device_hours or 0.0 for line in lines),
        "calls": sum(line.to_do or 0 for line in lines if line.usd is not None),
    }
    disk = None if planned.disk is None else {**planned.disk.parts, "total": planned.disk.total}
    stages = [asdict(line) for line in lines]
    document = {"device": planned.device, "stages": stages, "total": total, "disk_bytes": disk}
    return json.dumps(document, indent=2)


def as_text(planned: Plan) -> str:
    """Text for people: see `blocks`."""
    return "\n".join(map(str, blocks(planned)))


def blocks(planned: Plan) -> list[str | Table]:
    """The plan for people: a line for each stage that costs something, the names of the others, notes and
    sums.

    `~` marks estimates.
    """
    lines = planned.lines
    if not lines:
        return ["nothing to do: every stage is up to date"]
    hours = "GPU-hours" if planned.device == "cuda" else "hours"
    head = ("stage", "rows", "in store", "to do", "tokens read", "written", "USD", hours, "why")
    costly = [line for line in lines if line.to_do is not None]
    rows = [*map(_cells, costly), _sums(costly)]
    table = [Table(head, rows, words=frozenset({0, len(head) - 1}))] if costly else []
    others = [line.stage for line in lines if line.to_do is None]
    notes = [f"  {line.stage}: {note}" for line in costly for note in line.notes]
    return [
        *table,
        *(["", f"and without a price: {', '.join(others)}"] if others else []),
        *(["", *notes] if notes else []),
        *(["", f"disk of the whole graph, once built: some {planned.disk}"] if planned.disk else []),
        "",
        "~ an estimate. Training reads each row once an epoch. Hours are of one device.",
    ]


def _cells(line: Line) -> tuple[str, ...]:
    mark = "~" if line.estimated else ""
    return (
        line.stage,
        _count(line.rows, "~" if line.rows_estimated else ""),
        _count(line.stored, "~" if line.stored_estimated else ""),
        _count(line.to_do, "~" if line.rows_estimated or line.stored_estimated else ""),
        _count(line.prompt_tokens, mark),
        _count(line.completion_tokens, mark),
        "" if line.usd is None else f"{mark if line.usd else ''}{line.usd:,.2f}",
        "" if line.device_hours is None else f"{mark}{line.device_hours:,.2f}",
        line.why,
    )


def _sums(lines: Sequence[Line]) -> tuple[str, ...]:
    usd = sum(line.usd or 0.0 for line in lines)
    hours = sum(line.device_hours or 0.0 for line in lines)
    return ("in all", "", "", "", "", "", f"~{usd:,.2f}", f"~{hours:,.2f}", "")


def _count(value: int | None, mark: str = "") -> str:
    return "" if value is None else f"{mark}{value:,}"
