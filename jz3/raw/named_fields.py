"""Fields of people's own rows, found by the names that they may have."""

from collections.abc import Iterable


def first_of(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    """The first of these names that is there, as it is written here or in another case."""
    names = list(there)
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((name if name in names else by_lower[name] for name in wanted if name in by_lower), None)
