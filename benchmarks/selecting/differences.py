"""Differences with their intervals, and the least that they could have shown."""

from dataclasses import dataclass
from statistics import NormalDist

from scipy.stats import t as student

LEVEL, POWER = 0.95, 0.8
NORMAL = NormalDist()


@dataclass(frozen=True)
class Difference:
    """Differences paired over seeds, in points."""

    by_seed: list[float]

    @property
    def mean(self) -> float:
        return sum(self.by_seed) / len(self.by_seed)

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        seeds = len(self.by_seed)
        squares = sum((one - self.mean) ** 2 for one in self.by_seed)
        return (squares / (seeds - 1) / seeds) ** 0.5

    @property
    def half(self) -> float:
        """Half of the 95 % interval."""
        return self._quantile((1 + LEVEL) / 2) * self.error

    @property
    def least(self) -> float:
        """The true gain that 80 % of such comparisons would tell from zero."""
        return self.half + self._quantile(POWER) * self.error

    def _quantile(self, share: float) -> float:
        return float(student.ppf(share, len(self.by_seed) - 1))


@dataclass(frozen=True)
class Shares:
    """Two shares of rows."""

    one: float
    rows: int
    other: float
    other_rows: int

    @property
    def difference(self) -> float:
        return self.one - self.other

    @property
    def error(self) -> float:
        """Standard error if the two shares are equal."""
        pooled = (self.one * self.rows + self.other * self.other_rows) / (self.rows + self.other_rows)
        return (pooled * (1 - pooled) * (1 / self.rows + 1 / self.other_rows)) ** 0.5

    @property
    def half(self) -> float:
        return NORMAL.inv_cdf((1 + LEVEL) / 2) * self.error

    def power(self, true: float) -> float:
        """The chance of telling a true difference from zero."""
        return NORMAL.cdf(abs(true) / self.error - NORMAL.inv_cdf((1 + LEVEL) / 2))
