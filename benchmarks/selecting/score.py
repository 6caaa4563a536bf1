"""The linear datamodelling score (LDS; TRAK, arXiv 2303.14186, section 2).

Models are trained on random subsets of the candidates, all of one size. An attribution predicts what each
learns of a query by the sum of its scores over the subset; the LDS is the Spearman correlation over subsets
of that prediction with what was measured. Nothing here knows what a model is. Costs milliseconds.

Shapes: N candidates, Q queries, M subsets, S seeds, B draws of the bootstrap.
"""

# ruff: noqa: N803, N806, N815 (names of arrays end in their shape)

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
BOOTSTRAP_DRAWS = 2000
"""As in benchmarks/influence_truth.py."""
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Interval:
    """A mean over queries, and what 95 % of the draws of subsets give."""

    mean: float
    low: float
    high: float


def predictions(member_MN: NDArray[np.bool_], scores_NQ: Array) -> Array:
    """[M, Q]: the sum of the scores of each subset's candidates."""
    return member_MN.astype(np.float64) @ scores_NQ


def lds(predicted_MQ: Array, measured_MQ: Array) -> Array:
    """[Q]: Spearman over subsets; 0 if one side is constant, since it then predicts nothing."""
    return _spearman(predicted_MQ, measured_MQ)


@dataclass(frozen=True)
class Estimate:
    """The LDS, mean over queries, and the same on draws of subsets with replacement."""

    mean: float
    drawn_B: Array

    def interval(self) -> Interval:
        low, high = np.quantile(self.drawn_B, INTERVAL)
        return Interval(self.mean, float(low), float(high))

    def lead_over(self, other: "Estimate") -> Interval:
        """By how much this one predicts better; both saw the same draws."""
        return Estimate(self.mean - other.mean, self.drawn_B - other.drawn_B).interval()


def estimate(predicted_MQ: Array, measured_MQ: Array) -> Estimate:
    """Draws are the same for all predictions of the same number of subsets."""
    generator = np.random.Generator(np.random.Philox(0))
    subsets = len(measured_MQ)
    drawn_BM = generator.integers(0, subsets, (BOOTSTRAP_DRAWS, subsets))
    drawn_BQ = _spearman(predicted_MQ[drawn_BM], measured_MQ[drawn_BM])
    return Estimate(float(lds(predicted_MQ, measured_MQ).mean()), drawn_BQ.mean(axis=1))


def agreement_of_seeds(measured_SMQ: Array) -> float:
    """Mean over pairs of seeds and over queries of the Spearman correlation between what they measured.

    What seeds do not share is noise of training, which no attribution can predict. Raises ValueError for one
    seed, which has nothing to agree with.
    """
    seeds = len(measured_SMQ)
    if seeds < 2:
        raise ValueError(f"{seeds} seed; at least two were expected")
    pairs = [(a, b) for a in range(seeds) for b in range(a)]
    return float(np.mean([_spearman(measured_SMQ[a], measured_SMQ[b]).mean() for a, b in pairs]))


def _spearman(a: Array, b: Array) -> Array:
    """[..., Q] from [..., M, Q]."""
    a, b = (rankdata(side, axis=-2) for side in (a, b))
    a, b = (side - side.mean(axis=-2, keepdims=True) for side in (a, b))
    lengths = np.sqrt((a**2).sum(axis=-2) * (b**2).sum(axis=-2))
    return np.divide((a * b).sum(axis=-2), lengths, out=np.zeros_like(lengths), where=lengths > 0)
