"""AuditManifest: what the sets upstream of synthesis were checked against for leaked benchmark items."""

from pydantic import BaseModel

from jz3.tables.certificate_manifest import CertificateManifest


class AuditManifest(BaseModel):
    """A certificate for each set; `SET.parquet` beside the manifest holds the pairs of text of SET."""

    certificates: dict[str, CertificateManifest]
    """Certificates by name of the set."""
