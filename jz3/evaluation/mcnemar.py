"""The exact McNemar test for two models on the same items."""

from math import comb


def exact_p_value(wins: int, losses: int) -> float:
    """Two-sided: the chance of a split at least as uneven among the items on which the models differ.

    >>> exact_p_value(8, 2)
    0.109375
    """
    differing = wins + losses
    tail = sum(comb(differing, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / 2**differing)
