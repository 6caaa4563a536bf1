"""Fields of people's own rows, found by the names that they may have."""

from collections.abc import Iterable

from jz3.raw.files import field
from jz3.raw.row import Row


def first_of(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    """The first of these names that is there, as it is written here or in another case."""
    names = list(there)
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((name if name in names else by_lower[name] for name in wanted if name in by_lower), None)


_IN_PARTS = (("body", "question"), ("instruction", "input"))


def fields_of_question(row: Row, name: str) -> list[str]:
    """The fields whose texts together are the question that is in a field: SVAMP and ASDiv tell the story in
    `Body`, and `Question` has the last sentence; Alpaca says in `instruction` what to do with `input`.

    >>> fields_of_question({"Body": "Anna eats 2 of 3 eggs.", "Question": "How many are left?"}, "Question")
    ['Body', 'Question']
    >>> fields_of_question({"instruction": "Factor it.", "input": "x^2 - 1"}, "input")
    ['instruction', 'input']
    """
    above, dot, last = name.rpartition(".")
    held = field(row, above) if dot else row
    parts = next((parts for parts in _IN_PARTS if last.lower() in parts), ())
    if not isinstance(held, dict):
        return [name]
    there = [first_of((part,), held) for part in parts]  # pyright: ignore[reportUnknownArgumentType]
    told = [one for one in there if one is not None and (one == last or held[one])]
    return [f"{above}{dot}{one}" for one in told] if last in told else [name]
