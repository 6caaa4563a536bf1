"""Distinguishes a server that answers nobody from one that refuses a prompt."""

import math

from jz3.generation.outcomes import Setback

LEAST_IN_A_ROW, SHARE_IN_A_ROW, MOST_IN_A_ROW = 5, 0.01, 100
"""Consecutive prompts without an answer at which a run stops: a hundredth of the set, within bounds (chosen:
a server that is down costs a minute, and five prompts that moderation refuses do not stop a set of 9,300).
"""
LEAST_OWN, SHARE_OWN = 20, 0.1
"""The same for prompts that are refused for their own content: at least so many while nothing was ever
answered, and afterwards so large a share of the set (chosen: a later run asks first for all that moderation
refused before; an account that was closed for its prompts is told the same words).
"""


class Outage:
    """Watches one run. It counts prompts: eight samples of one refused prompt count once."""

    def __init__(self, requests: int, answered: int, unanswered_share: float) -> None:
        """`requests` is the size of the set and `answered` how many had an answer before this run;
        `unanswered_share` may stay without an answer that another day may give.
        """
        self._limit = min(MOST_IN_A_ROW, max(LEAST_IN_A_ROW, math.ceil(requests * SHARE_IN_A_ROW)))
        self._delayed_limit = max(self._limit, math.floor(requests * unanswered_share) + 1)
        self._own_limit = max(LEAST_OWN, self._delayed_limit, math.ceil(requests * SHARE_OWN))
        self._ever_answered = answered > 0
        self._in_a_row: set[int] = set()
        self._own: set[int] = set()
        self._refused = ""
        """The reason of the last refusal that is not about its prompt."""

    def answered(self) -> None:
        """Note that an answer came."""
        self._ever_answered = True
        self._in_a_row.clear()
        self._own.clear()

    def failed(self, prompt: str, setback: Setback) -> str | None:
        """Note that a request has failed for good; return a reason to stop if too many have."""
        if setback.own:
            self._own.add(hash(prompt))
            failed = len(self._own)
            limit = self._own_limit if self._ever_answered else max(LEAST_OWN, self._limit)
        else:
            self._in_a_row.add(hash(prompt))
            failed, limit = len(self._in_a_row), self._delayed_limit if setback.again else self._limit
            if not setback.again:
                self._refused = setback.reason
        if failed < limit:
            return None
        blame = " (if they are to blame, raise execution.yaml:unanswered_share)" if setback.own else ""
        return f"{failed} prompts in a row got no answer, the last: {setback.reason}{blame}"

    def at_end(self) -> str | None:
        """A reason to stop if nothing was ever answered although the prompts were not to blame; otherwise
        None.
        """
        if self._ever_answered or not self._refused:
            return None
        return f"no request was answered, the last: {self._refused}"
