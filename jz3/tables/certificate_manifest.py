"""CertificateManifest: what a set was checked against for leaked benchmark items, how, and what was found."""

from pydantic import BaseModel


class BenchmarkCheck(BaseModel):
    """The check of one benchmark; `hits.parquet` beside the manifest holds the pairs of text."""

    benchmark: str
    revision: str
    items: int
    items_digest: str
    hit_items: int
    """Items that at least one row of the set repeats."""
    hits_by_class: dict[str, int]
    """Rows of the set, by class of their hit."""


class CertificateManifest(BaseModel):
    """The certificate of one set of rows."""

    certified: str
    """Name of the set."""
    certified_digest: str
    """Digest of the ids and texts of its rows."""
    rows: int
    method: dict[str, float | int | str]
    """Thresholds of the method, by name."""
    benchmarks: list[BenchmarkCheck]
