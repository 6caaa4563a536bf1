"""Says which passages and KD problems repeat a benchmark's item: an audit, which removes nothing.

Only synthesised rows are removed (by `decontaminate.py` beside this, which uses the same method); an audit of
the earlier sets explains where a hit came from. Costs as much per row as `decontaminate`.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, In, Out
from jz3.curation.decontaminate import FRAME_ROWS, Decontaminated, decontaminate
from jz3.curation.overlap import DecontaminateParams
from jz3.tables.audit_manifest import AuditManifest
from jz3.tables.hit import Hit
from jz3.tables.item import Item
from jz3.tables.ledger import Ledger
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem

log = logging.getLogger(__name__)


class SetAudit(BaseModel):
    """What was found in one set."""

    rows: int
    hit_rows: int
    """Rows that repeat an item (the same words with other numbers do not count)."""
    hit_items: int
    hits_by_class: dict[str, int]


class AuditMetrics(BaseModel):
    """Metrics of each set; no row is removed."""

    rows: Ledger
    sets: dict[str, SetAudit]


@dataclass(frozen=True)
class Audited:
    """Certificates and metrics, and a table of Hit for each set."""

    manifest: AuditManifest
    hits: dict[str, pl.DataFrame]
    metrics: AuditMetrics


def audit(
    passages: In[Passage],
    kd_sets: Mapping[str, In[Problem]],
    items: dy.DataFrame[Item],
    params: DecontaminateParams,
) -> Audited:
    """Compare passages and KD sets with the items, as sets `passages` and `kd_NAME`.

    Raises ValueError if a row of a set was lost.
    """
    sets: dict[str, Iterable[pl.DataFrame]] = {"passages": _as_questions(passages.frames(FRAME_ROWS))} | {
        f"kd_{name}": problems.frames(FRAME_ROWS) for name, problems in kd_sets.items()
    }
    found: dict[str, Decontaminated] = {}
    for name, frames in sets.items():
        log.info("the texts of %s", name)
        found[name] = decontaminate(frames, items, params, threads=1)
    audits = {name: _set_audit(one) for name, one in found.items()}
    read = passages.rows() + sum(problems.rows() for problems in kd_sets.values())
    kept = sum(one.rows for one in audits.values())
    return Audited(
        AuditManifest(certificates={name: one.certificate(name) for name, one in found.items()}),
        {name: one.hits for name, one in found.items()},
        AuditMetrics(rows=Ledger(read=read, kept=kept, rejected={}, failed=0), sets=audits),
    )


def save_certificates(audited: Audited, directory: Path) -> None:
    """Write the manifest and the pairs of text of each set into a directory."""
    for name, hits in audited.hits.items():
        Out(Hit, directory / f"{name}.parquet").write(hits)
    (directory / MANIFEST).write_text(audited.manifest.model_dump_json(indent=2) + "\n")


def _set_audit(found: Decontaminated) -> SetAudit:
    verdicts = found.verdicts
    metrics = found.metrics(verdicts.height)
    return SetAudit(
        rows=verdicts.height,
        hit_rows=verdicts.height - verdicts["rule"].null_count(),
        hit_items=metrics.hit_items,
        hits_by_class=metrics.hits_by_class,
    )


def _as_questions(passages: Iterable[pl.DataFrame]) -> Iterable[pl.DataFrame]:
    """Rename Passage columns to Problem's: passage_id to problem_id, text to problem."""
    return (frame.select(problem_id="passage_id", problem="text") for frame in passages)
