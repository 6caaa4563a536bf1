"""Whether draws of one question agree on its answer, where nothing can compute it (chosen, as no paper has
it).

The first DRAWS answers to a question judge it, and later ones change nothing: at least LEAST of them give the
expected value, and no other value comes twice. Values are compared by the grader.
"""

from collections.abc import Sequence

from jz3.answers.equality import equal

DRAWS = 5
"""Answers that judge a question (chosen: three right of five leave room for one slip of each kind)."""
LEAST = 3
"""Of these, those with the expected value."""
SECOND = 2
"""So many answers with one other value are a second solution and no slip."""


def disagreement(answers: Sequence[str | None], expected: str) -> str | None:
    """What speaks against a question, given the values of its first DRAWS answers (None: no value); None
    where they agree.
    """
    given = [answer for answer in answers[:DRAWS] if answer is not None]
    right = [answer for answer in given if equal(expected, answer).equal]
    others: list[list[str]] = []
    for answer in given:
        if answer in right:
            continue
        same = next((group for group in others if equal(group[0], answer).equal), None)
        if same is None:
            others.append([answer])
        else:
            same.append(answer)
    for group in others:
        if len(group) >= SECOND:
            return f"{group[0]!r} came {len(group)} times, {expected!r} {len(right)} times"
    if len(right) < LEAST:
        return f"{expected!r} came {len(right)} times of {len(answers[:DRAWS])}; {LEAST} were expected"
    return None
