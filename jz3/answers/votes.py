"""Which of several answers to one question are the same: what a majority vote counts."""

from collections import Counter
from collections.abc import Callable, Sequence


def same_as(answers: Sequence[str | None], same: Callable[[str, str], bool]) -> list[int | None]:
    """For each answer the place of the first one that is the same, perhaps its own; None where it is None.

    Asks `same(first, other)`, once for each pair of an answer and an earlier one that differs from those
    before it.

    >>> same_as(["3", None, "4", "3.0"], lambda a, b: float(a) == float(b))
    [0, None, 2, 0]
    """
    places: list[int | None] = []
    firsts: list[tuple[int, str]] = []
    for place, answer in enumerate(answers):
        if answer is None:
            places.append(None)
            continue
        first = next((found for found, earlier in firsts if same(earlier, answer)), place)
        if first == place:
            firsts.append((place, answer))
        places.append(first)
    return places


def winner(places: Sequence[int | None]) -> tuple[int, int] | None:
    """Place and votes of the answer given most often, of equally many the earliest; None without a vote.

    >>> winner([0, None, 2, 2, 0])
    (0, 2)
    """
    votes = Counter(place for place in places if place is not None)
    if not votes:
        return None
    place = min(votes, key=lambda place: (-votes[place], place))
    return place, votes[place]
