"""Ledger: the account of a stage's rows. Each row that comes in is kept, rejected by a rule, or failed."""

from pydantic import BaseModel, ConfigDict, model_validator


class Ledger(BaseModel):
    """Counts of a stage's rows. A wrong sum raises an error, so a stage that loses a row fails."""

    model_config = ConfigDict(frozen=True)

    read: int
    kept: int
    rejected: dict[str, int]
    """Rejected rows by rule, sorted by rule."""
    failed: int

    @model_validator(mode="after")
    def _adds_up(self) -> "Ledger":
        accounted = self.kept + sum(self.rejected.values()) + self.failed
        assert self.read == accounted, f"a stage read {self.read} rows and accounts for {accounted}: {self!r}"
        return self
