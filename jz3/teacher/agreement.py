"""Whether draws of one question agree on its answer, if nothing can compute it (chosen: no paper describes
this).

The first DRAWS answers to a question decide, and later ones change nothing: at least LEAST of them must give
the expected value, and no other value may occur twice. The grader compares the values.
"""

from collections.abc import Sequence

from jz3.answers.equality import equal

DRAWS = 5
"""Answers that decide about a question (chosen: three right of five tolerate two different slips)."""
LEAST = 3
"""The fewest of these that must give the expected value."""
SECOND = 2
"""This many answers with the same other value are a second solution rather than slips."""


def disagreement(answers: Sequence[str | None], expected: str) -> str | None:
    """Why a question is rejected, given the values of its first DRAWS answers (None: no value); None if they
    agree.
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
