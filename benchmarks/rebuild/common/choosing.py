"""Which problems stay."""

from tally import tally


def words_of(problem: str) -> int:
    tally("filter")
    return len(problem.split())


def key_of(problem: str) -> str:
    """Problems with the same key are the same; the first by id stays."""
    tally("dedup")
    return " ".join(problem.lower().split())
