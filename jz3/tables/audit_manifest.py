"""AuditManifest: what the sets upstream of synthesis were checked against for leaked benchmark items."""

from pydantic import BaseModel

from jz3.tables.certificate_manifest import CertificateManifest


class AuditManifest(BaseModel):
    """A certificate for each set; the pairs of text of SET lie in `SET.parquet` beside the manifest."""

    certificates: dict[str, CertificateManifest]
    """By the name of the set."""
