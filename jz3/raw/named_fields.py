"""Fields of people's own rows, found by the names that they may have."""

from collections.abc import Iterable

from jz3.raw.files import field
from jz3.raw.row import Row


def first_of(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    """The first of these names that is there, as it is written here or in another case."""
    names = list(there)
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((name if name in names else by_lower[name] for name in wanted if name in by_lower), None)


def fields_of_question(row: Row, name: str) -> list[str]:
    """The fields whose texts together are the question that is in a field: SVAMP and ASDiv tell the story in
    `Body`, and `Question` has the last sentence.

    >>> fields_of_question({"Body": "Anna eats 2 of 3 eggs.", "Question": "How many are left?"}, "Question")
    ['Body', 'Question']
    """
    above, dot, last = name.rpartition(".")
    held = field(row, above) if dot else row
    if last.lower() != "question" or not isinstance(held, dict):
        return [name]
    body = first_of(("body",), held)  # pyright: ignore[reportUnknownArgumentType]
    return [f"{above}{dot}{body}", name] if body is not None and held[body] else [name]
