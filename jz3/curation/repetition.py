"""How much a text repeats itself, after Rae et al. 2021 (Gopher), table A1, with shares of words."""

import re
from collections import Counter

_LINE_WORDS = 4
"""Shorter lines (`\\[`, a step's number) repeat in any solution (chosen)."""


def repeated_share(words: list[str], n: int) -> float:
    """Share of the words that lie in windows of n words which stood before."""
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    for start in range(len(words) - n + 1):
        window = tuple(words[start : start + n])
        if window in seen:
            covered.update(range(start, start + n))
        seen.add(window)
    return len(covered) / max(len(words), 1)


def most_frequent_share(words: list[str], n: int) -> float:
    """Share of the words that the most frequent window of n words makes up; 0 where none comes twice."""
    windows = Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))
    most = max(windows.values(), default=0)
    return min(1.0, n * most / len(words)) if most > 1 else 0.0


def repeated_lines_share(text: str) -> float:
    """Share of the lines of some words that stood before."""
    lines = [
        line
        for line in (line.strip() for line in text.splitlines())
        if len(re.findall(r"\w+", line)) >= _LINE_WORDS
    ]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0
