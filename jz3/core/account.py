"""The last line of a stage: what it read, kept, rejected by which rule, and failed.

The figures are those that the stage wrote into its metrics (`rows`, a Ledger). Rows that failed and rows that
the stage's own rules rejected are lost. Two kinds of rejection are no loss: rules by which a stage chooses
among good rows, and verdicts of earlier stages, which `mix` carries out.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import polars as pl

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.errors import UserError
from jz3.core.execution import Losses

SHOWN = 120
"""Characters of an example row (chosen: with the rest of the line it fits three lines of a terminal)."""


class TooMuchLost(UserError):  # noqa: N818 (a state of the rows)
    """A stage rejected or failed more of its rows than `execution.yaml:losses` allows."""


@dataclass(frozen=True)
class Account:
    """The counts of a stage's rows, from its metrics."""

    read: int
    kept: int
    rejected: dict[str, int]
    failed: int

    def __str__(self) -> str:
        most_first = sorted(self.rejected.items(), key=lambda rule: (-rule[1], rule[0]))
        rules = ", ".join(f"{rule} {rows}" for rule, rows in most_first)
        rejected = f"{sum(self.rejected.values())} ({rules})" if rules else "0"
        return f"read {self.read}, kept {self.kept}, rejected {rejected}, failed {self.failed}"

    def lost(self, stage: str, chosen: Iterable[str]) -> dict[str, int]:
        """Lost rows by cause: the stage's own rules that do not choose among good rows, and `failed`."""
        patterns = tuple(chosen)
        rules = {
            rule: rows
            for rule, rows in self.rejected.items()
            if rule.partition(".")[0] == stage and not any(fnmatch(rule, pattern) for pattern in patterns)
        }
        return {**rules, **({"failed": self.failed} if self.failed else {})}


def account_of(handles: Iterable[object]) -> Account | None:
    """The account in a stage's metrics; None for a stage without one, which only draws or writes rows."""
    for handle in handles:
        if isinstance(handle, Metrics):
            rows: dict[str, Any] | None = json.loads(handle.path.read_text()).get("rows")
            return Account(**rows) if rows else None
    return None


def warning(account: Account, stage: str, losses: Losses, handles: Iterable[object]) -> str | None:
    """A warning for a stage that lost more than usual; None if it did not.

    Raises TooMuchLost if it lost more than `losses` allows.
    """
    lost, limits = account.lost(stage, losses.chosen), losses.of(stage)
    share = sum(lost.values()) / max(account.read, 1)
    if share <= limits.warn:
        return None
    most = max(lost, key=lambda what: lost[what])
    said = f"{share:.1%} of the rows were rejected or failed, most by {most} ({lost[most]})"
    said += _example(most, handles)
    if share <= limits.stop:
        return f"{said}; up to {limits.warn:.1%} are usual (execution.yaml:losses)"
    raise TooMuchLost(
        f"{said}: {account}; at most {limits.stop:.1%} was expected (execution.yaml:losses). None of its "
        f"outputs was kept. Check the rows, the parameters of `{stage}`, and where the rows come from; if "
        f"all is well, raise the share and run it again: nothing that is in the row store is asked for again."
    )


def _example(what: str, handles: Iterable[object]) -> str:
    """The first row that a rule rejected, from the tables that the stage left; empty if no table names
    one.
    """
    for handle in handles:
        if not isinstance(handle, Out):
            continue
        table: pl.LazyFrame = In(handle.kind, handle.path).scan()
        names = table.collect_schema().names()
        if what != "failed" and {"rule", "evidence", "row_id"} <= set(names):
            found = table.filter(pl.col("rule") == what).select("row_id", "evidence")
        elif what == "failed" and {"reason", "row_id"} <= set(names):
            found = table.select("row_id", "reason")
        else:
            continue
        for row, why in found.head(1).collect().iter_rows():
            return f", such as row {row}: {_short(why)}"
    return ""


def _short(text: str | None) -> str:
    """The text on one line of at most SHOWN characters, without control codes: a model or a server wrote
    it.
    """
    words = " ".join((text or "no evidence").split())
    flat = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}..."
