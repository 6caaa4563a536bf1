"""How hard the problems are: what each solver was asked, and how often it was right."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jz3.report.rendering import joined, render, table
from jz3.report.writing import count, per_cent

HEAD = [
    "solver",
    "answered by",
    "problems",
    "draws of each",
    "cut at the limit",
    "pass rate",
    "solved",
    "votes right",
]
NUMBERS = frozenset({*HEAD} - {"solver", "answered by"})


def solver_tables(measured: Mapping[str, Any]) -> Markup:
    """Tables from `measured`, the metrics by stage; empty if no solver was asked."""
    solvers = {name.partition("/")[2]: it for name, it in measured.items() if name.startswith("solve/")}
    if not solvers:
        return Markup()
    shares = ("pass_rate", "solved", "voted_right")
    lines = [
        [
            name,
            it["model"],
            *(count(it[what]) for what in ("problems", "draws", "truncated")),
            *(per_cent(it[what]) for what in shares),
        ]
        for name, it in solvers.items()
    ]
    by_level = [
        [name, level, per_cent(rate), _bar(rate)]
        for name, it in solvers.items()
        for level, rate in sorted(it["by_level"].items())
    ]
    return joined(
        [
            table("Solvers", HEAD, lines, NUMBERS),
            table(
                "Mean pass rate by level",
                ["solver", "level", "pass rate", "right"],
                by_level,
                frozenset({"pass rate"}),
            ),
        ]
    )


def _bar(rate: float) -> Markup:
    shares = {"kept": 100 * rate, "rejected": 100 * (1 - rate)}
    return render("share_bar.html", shares=shares, label=f"{shares['kept']:.1f} % right")
