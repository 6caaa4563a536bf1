"""WorkingsManifest: tables of a recipe's intermediate results."""

from pydantic import BaseModel


class WorkingsManifest(BaseModel):
    """`NAME.parquet` beside the manifest holds a table; a recipe without intermediate results has none."""

    tables: dict[str, str]
    """What a row is, by name of the table."""
    rows: dict[str, int]
    """Rows, by name of the table."""
