"""Which problems stay."""

from tally import tally


def is_long_enough(problem: str, least_words: int) -> bool:
    tally("filter")
    return len(problem.split()) >= least_words


def key_of(problem: str) -> str:
    """Problems with the same key are the same; the first by id stays."""
    tally("dedup")
    return " ".join(problem.lower().split())
