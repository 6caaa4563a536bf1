"""Tells a server that answers nobody from one that refuses a prompt."""

import math

from jz3.generation.outcomes import Setback

LEAST_IN_A_ROW, SHARE_IN_A_ROW, MOST_IN_A_ROW = 5, 0.01, 100
"""Prompts without an answer in a row at which a run stops: a hundredth of the set, within bounds (chosen: a
server that is down costs a minute; five prompts that moderation refuses do not stop a set of 9,300).
"""
LEAST_OWN = 20
"""The same for prompts that are refused in words of their own, where nothing was ever answered (chosen)."""


class Outage:
    """Watches one run. What counts are prompts: eight samples of one prompt that is refused count once."""

    def __init__(self, requests: int, answered: int, unanswered_share: float) -> None:
        """`requests` of the set, how many of them were answered before this run, and what share may stay
        without an answer although another day may give one.
        """
        self._limit = min(MOST_IN_A_ROW, max(LEAST_IN_A_ROW, math.ceil(requests * SHARE_IN_A_ROW)))
        self._delayed_limit = max(self._limit, math.floor(requests * unanswered_share) + 1)
        self._ever_answered = answered > 0
        self._in_a_row: set[int] = set()
        self._own: set[int] = set()
        self._refused = ""
        """The last refusal that any request may meet."""

    def answered(self) -> None:
        """An answer came."""
        self._ever_answered = True
        self._in_a_row.clear()

    def failed(self, prompt: str, setback: Setback) -> str | None:
        """A request has failed for good; gives the reason to stop where too many have."""
        if setback.own:
            self._own.add(hash(prompt))
            limit = max(LEAST_OWN, self._limit)
            failed = 0 if self._ever_answered else len(self._own)
        else:
            self._in_a_row.add(hash(prompt))
            failed, limit = len(self._in_a_row), self._delayed_limit if setback.again else self._limit
            if not setback.again:
                self._refused = setback.reason
        if failed < limit:
            return None
        return f"{failed} prompts in a row got no answer, the last: {setback.reason}"

    def at_end(self) -> str | None:
        """The reason to stop where nothing was ever answered, and not for the prompts' sake."""
        if self._ever_answered or not self._refused:
            return None
        return f"no request was answered, the last: {self._refused}"
