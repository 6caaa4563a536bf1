"""The exact McNemar test for two models on the same items."""

from math import comb

SIGNIFICANT = 0.05  # the usual level, matching 95 % intervals


def exact_p_value(wins: int, losses: int) -> float:
    """Two-sided: the chance of a split at least as uneven among the items on which the models differ.

    >>> exact_p_value(8, 2)
    0.109375
    """
    differing = wins + losses
    tail = sum(comb(differing, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / 2**differing)


def least_lead(differing: int) -> int | None:
    """The least surplus of wins over losses with a p-value of at most 0.05, among so many items on which two
    models differ; None for fewer than six, of which none is enough.

    >>> least_lead(5), least_lead(6), least_lead(40)
    (None, 6, 14)
    """
    return next(
        (
            wins - (differing - wins)
            for wins in range((differing + 1) // 2, differing + 1)
            if exact_p_value(wins, differing - wins) <= SIGNIFICANT
        ),
        None,
    )
