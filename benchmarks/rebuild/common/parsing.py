"""What a completion says."""

from tally import tally


def parse(completion: str) -> tuple[str, str] | None:
    """The problem and its answer; None where one of them is missing."""
    tally("parse")
    problem, found, answer = completion.partition("Answer:")
    if not found:
        return None
    return problem.strip().removeprefix("Problem: "), answer.strip()
