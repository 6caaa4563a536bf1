"""WorkingsManifest: tables of what a recipe found on the way to its problems."""

from pydantic import BaseModel


class WorkingsManifest(BaseModel):
    """`NAME.parquet` beside the manifest holds a table; a recipe that leaves only problems has none."""

    tables: dict[str, str]
    """By name, what a row is."""
    rows: dict[str, int]
    """By the same names."""
