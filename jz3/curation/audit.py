"""Says which passages and KD problems repeat a benchmark's item: an audit, which removes nothing.

What is removed is removed from what was synthesised (`decontaminate.py` beside this, whose method this is);
what stands upstream explains where a hit came from. Costs what `decontaminate` costs a row.
"""

from collections.abc import Iterable, Mapping

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import OutDir
from jz3.curation.decontaminate import Decontamination
from jz3.curation.overlap import DecontaminateParams
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.item import Item
from jz3.tables.ledger import Ledger

FRAME_ROWS = 50_000
"""Rows compared at a time."""


class SetAudit(BaseModel):
    """What was found in one set."""

    rows: int
    hit_rows: int
    """Rows that repeat an item (the same words with other numbers do not count)."""
    hit_items: int
    hits_by_class: dict[str, int]


class AuditMetrics(BaseModel):
    """Every row stays."""

    rows: Ledger
    sets: dict[str, SetAudit]


def audit(
    frames: Iterable[pl.DataFrame],
    items: dy.DataFrame[Item],
    params: DecontaminateParams,
    certificate: OutDir[CertificateManifest],
) -> SetAudit:
    """Compare a set, given as frames with `problem_id` and `problem`, and leave its certificate."""
    found = Decontamination(items, params).read(frames)
    found.certify(certificate.path.name, certificate)
    verdicts, numbers = found.verdicts(), found.metrics(found.verdicts().height)
    return SetAudit(
        rows=verdicts.height,
        hit_rows=verdicts.height - verdicts["rule"].null_count(),
        hit_items=numbers.hit_items,
        hits_by_class=numbers.hits_by_class,
    )


def as_questions(passages: Iterable[pl.DataFrame]) -> Iterable[pl.DataFrame]:
    """Frames of Passage as those of Problem are named."""
    return (frame.select(problem_id="passage_id", problem="text") for frame in passages)


def audit_metrics(sets: Mapping[str, SetAudit], read: int) -> AuditMetrics:
    """The counts; raises where a set lost a row."""
    kept = sum(one.rows for one in sets.values())
    return AuditMetrics(rows=Ledger(read=read, kept=kept, rejected={}, failed=0), sets=dict(sets))
