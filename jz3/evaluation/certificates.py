"""What the certificates of a mix say about a benchmark's items."""

from collections.abc import Mapping

import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import In, InDir
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.hit import Hit
from jz3.tables.training_row import TrainingRow


class Contamination(BaseModel):
    """The benchmarks that the certificates of a mix cover, and the items that they found."""

    benchmarks: frozenset[str]
    hit_items: frozenset[str]
    certificates: dict[str, str]

    @property
    def name(self) -> str:
        """The certificates as one text, with shortened digests: `instruction 1a2b3c4d5e6f, synthetic ...`."""
        named = [f"{name} {digest[:12]}" for name, digest in sorted(self.certificates.items())]
        return ", ".join(named) or "none"

    def of(self, benchmark: str, item_id: str) -> str:
        """`clean`, `hit` or `unchecked`, for an item."""
        if benchmark not in self.benchmarks:
            return "unchecked"
        return "hit" if item_id in self.hit_items else "clean"


def contamination_of_mix(
    parts: pl.DataFrame, certificates: Mapping[str, tuple[CertificateManifest, pl.DataFrame]]
) -> Contamination:
    """The certificates' result for a mix with these parts: a benchmark is covered if each part's certificate
    covers it.

    `certificates` are by part (`pretrain`, `instruction`), each with its hits. A hit that rejects nothing
    (the same words with other numbers) does not count.
    """
    used = [certificates[part] for part in sorted(parts["part"].cast(pl.String).unique())]
    covered = [frozenset(check.benchmark for check in manifest.benchmarks) for manifest, _ in used]
    hits = [table.filter(pl.col("hit_class") != "number_masked")["item_id"] for _, table in used]
    return Contamination(
        benchmarks=frozenset.intersection(*covered) if covered else frozenset(),
        hit_items=frozenset(item_id for column in hits for item_id in column),
        certificates={manifest.certified: manifest.certified_digest for manifest, _ in used},
    )


def read_contamination(
    training: In[TrainingRow], synthetic: InDir[CertificateManifest], instruction: InDir[CertificateManifest]
) -> Contamination:
    """The certificates that cover the parts of a training set, with their hits."""
    parts = training.scan().select("part").unique().collect()
    certificates = {
        "pretrain": (synthetic.manifest(), In(Hit, synthetic.path / "hits.parquet").read()),
        "instruction": (instruction.manifest(), In(Hit, instruction.path / "hits.parquet").read()),
    }
    return contamination_of_mix(parts, certificates)
