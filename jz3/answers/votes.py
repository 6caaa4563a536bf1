"""Which of several answers to one question are the same: what a majority vote counts."""

from collections import Counter
from collections.abc import Callable, Sequence


class Groups:
    """Answers to one question, put together as they come.

    Asks `same(first, other)`, for each answer and the first of each group so far.

    >>> groups = Groups(lambda a, b: float(a) == float(b))
    >>> [groups.add(place, answer) for place, answer in enumerate(["3", None, "4", "3.0"])]
    [0, None, 2, 0]
    """

    def __init__(self, same: Callable[[str, str], bool]) -> None:
        self._same = same
        self._firsts: list[tuple[int, str]] = []

    def add(self, place: int, answer: str | None) -> int | None:
        """The place of the first equal answer, perhaps its own; None without an answer."""
        if answer is None:
            return None
        first = next((found for found, earlier in self._firsts if self._same(earlier, answer)), None)
        if first is None:
            self._firsts.append((place, answer))
        return place if first is None else first


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
