"""The table of sources for people, and as JSON."""

from collections.abc import Mapping
from typing import Any

from jz3.graph.fetching.fetch import missing
from jz3.graph.fetching.table import SourceEntry

HEADER = ("source", "for", "from", "commit", "files", "bytes", "licence", "access", "here")
UNKNOWN = "unresolved"


def as_json(entries: Mapping[str, SourceEntry]) -> list[dict[str, Any]]:
    """Each entry with how many of its files are here."""
    return [
        {
            "source": name,
            "resolved": entry.resolved,
            "missing": len(missing(entry)) if entry.resolved else None,
            **entry.model_dump(by_alias=True, exclude={"held"}),
            "held": {path: file.model_dump() for path, file in (entry.held or {}).items()} or None,
        }
        for name, entry in entries.items()
    ]


def as_text(entries: Mapping[str, SourceEntry]) -> str:
    """A line for each entry, the reasons for unresolved ones, and the sum of the known sizes."""
    if not entries:
        return "this takes nothing from elsewhere"
    rows = [HEADER, *(_row(name, entry) for name, entry in entries.items())]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    reasons: dict[str, list[str]] = {}
    for name, entry in entries.items():
        if entry.reason:
            reasons.setdefault(entry.reason, []).append(name)
    lines += ["", *(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())] if reasons else []
    gated = [name for name, entry in entries.items() if entry.gated]
    if gated:
        lines.append(f"gated: {', '.join(gated)}; ask for access on their pages, then set HF_TOKEN")
    known = [entry.size for entry in entries.values() if entry.size is not None]
    rest = len(entries) - len(known)
    lines.append(f"{sum(known):,} bytes in {len(known)} sources" + (f"; of {rest} not known" if rest else ""))
    return "\n".join(lines)


def _row(name: str, entry: SourceEntry) -> tuple[str, ...]:
    access = {True: "gated", False: "open", None: UNKNOWN}[entry.gated]
    return (
        name,
        entry.purpose,
        entry.repo if entry.host == "hub" else f"github {entry.repo}",
        (entry.revision or UNKNOWN)[:10],
        str(len(entry.held)) if entry.held else UNKNOWN,
        UNKNOWN if entry.size is None else f"{entry.size:,}",
        entry.licence or "not known",
        access,
        _here(entry),
    )


def _here(entry: SourceEntry) -> str:
    if not entry.resolved:
        return "-"
    there = len(entry.held or {}) - len(missing(entry))
    return "all" if there == len(entry.held or {}) else f"{there} of {len(entry.held or {})}"
