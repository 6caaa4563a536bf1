"""What a completion says."""

from tally import tally


def parse(completion: str) -> tuple[str, str]:
    """The problem and its answer; both empty where one of them is missing."""
    tally("parse")
    problem, found, answer = completion.partition("Answer:")
    if not found:
        return "", ""
    return problem.strip().removeprefix("Problem: "), answer.strip()
