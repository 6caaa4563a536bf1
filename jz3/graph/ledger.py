"""The account of every row of the graph: what each stage read, kept, rejected by which rule, and failed.

Read from the metrics that dvc.yaml names. A stage whose sum is wrong, or that left no counts, is an error.
Reads one small file per stage.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jz3.core.errors import UserError
from jz3.core.terminal import Table
from jz3.graph.repository import name_of, opened, stages
from jz3.tables.ledger import Ledger


class LedgerError(UserError):
    """Rows are unaccounted for, or a stage has left no counts."""


@dataclass(frozen=True)
class Account:
    """One stage's rows; `rows` is None for a stage that draws or writes and drops nothing."""

    stage: str
    rows: Ledger | None


def accounts(root: Path) -> list[Account]:
    """Every stage in the order of the graph. Raises LedgerError for the first whose rows do not add up."""
    with opened(root) as repo:
        files = [
            (name_of(stage), root / out.def_path)
            for stage in stages(repo)
            for out in stage.outs
            if out.metric
        ]
    return [Account(stage, _rows(stage, file)) for stage, file in files]


def table_of(found: Sequence[Account]) -> Table:
    """A table for people with a line for each stage."""
    head = ("stage", "read", "kept", "rejected", "failed", "rejected, by rule")
    return Table(head, [_line(account) for account in found], words=frozenset({0, len(head) - 1}))


def as_json(found: Sequence[Account]) -> str:
    """JSON for scripts, with an object for each stage, or null if it drops nothing."""
    return json.dumps({one.stage: one.rows.model_dump() if one.rows else None for one in found}, indent=2)


def _rows(stage: str, file: Path) -> Ledger | None:
    if not file.exists():
        raise LedgerError(
            f"{file} does not exist; the account of {stage} was expected there. Run `dvc repro {stage}`, or "
            f"`git checkout {file}` if git has it."
        )
    try:
        values: dict[str, Any] = json.loads(file.read_text())
        return Ledger.model_validate(values["rows"]) if "rows" in values else None
    except ValidationError as error:
        reason = " ".join(str(error.errors()[0]["msg"]).split())
        raise LedgerError(
            f"{file}: {reason} at {stage}; read = kept + rejected + failed was expected. "
            f"Run `dvc repro -f -s {stage}` and look at its log."
        ) from error
    except json.JSONDecodeError as error:
        raise LedgerError(
            f"{file} is not JSON ({error}); the metrics of {stage} were expected. Run `dvc repro {stage}`."
        ) from error


def _line(account: Account) -> tuple[str, ...]:
    rows = account.rows
    if rows is None:
        return (account.stage, "", "", "", "", "draws or writes, drops none")
    most_first = sorted(rows.rejected.items(), key=lambda rule: (-rule[1], rule[0]))
    rules = ", ".join(f"{rule} {count}" for rule, count in most_first)
    return (
        account.stage,
        str(rows.read),
        str(rows.kept),
        str(sum(rows.rejected.values())),
        str(rows.failed),
        rules,
    )
