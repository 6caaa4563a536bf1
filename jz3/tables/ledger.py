"""Ledger: the account of a stage's rows. What comes in is kept, rejected by a rule, or failed; nothing
else.
"""

from pydantic import BaseModel, ConfigDict, model_validator


class Ledger(BaseModel):
    """Rows of a stage. Building one whose sum is wrong fails, and so does the stage that lost the row."""

    model_config = ConfigDict(frozen=True)

    read: int
    kept: int
    rejected: dict[str, int]
    """Rule to rows, sorted by rule."""
    failed: int

    @model_validator(mode="after")
    def _adds_up(self) -> "Ledger":
        accounted = self.kept + sum(self.rejected.values()) + self.failed
        assert self.read == accounted, f"a stage read {self.read} rows and accounts for {accounted}: {self!r}"
        return self
