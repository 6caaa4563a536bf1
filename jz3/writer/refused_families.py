"""Families that a request tells the writer to refuse: it neither writes nor solves their problems."""

import re
from collections.abc import Iterable
from typing import Any, cast

from jz3.writer.catalogue import BY_LEVEL, FAMILIES, Reading
from jz3.writer.refusal import Refused
from jz3.writer.tasks.number_words import read_words
from jz3.writer.tasks.unknown import read_backward

FIELD = "refuses"
"""The field in the body of a request; `extra_body` of a teacher's declaration has it."""
_HEADING = re.compile(r"^### .*$", re.MULTILINE)


def refused_families(names: Any) -> frozenset[str]:  # noqa: ANN401 (JSON as it came)
    """The families that a request names; raises Refused if they are no families, or all of a level."""
    if names is None:
        return frozenset()
    known = {family.name for family in FAMILIES}
    listed = cast("list[Any]", names) if isinstance(names, list) else [names]
    unknown = [name for name in listed if not isinstance(name, str) or name not in known]
    if unknown:
        message = f"'{FIELD}' lists names of families of the writer, such as grade.change; not {unknown[0]!r}"
        raise Refused(400, "unknown_family", message, FIELD)
    refused = frozenset(cast("list[str]", listed))
    empty = [level for level, families in BY_LEVEL.items() if {one.name for one in families} <= refused]
    if empty:
        message = f"'{FIELD}' lists all families of the level {empty[0]}; one must be left to write"
        raise Refused(400, "no_family_left", message, FIELD)
    return refused


def asks_of(prompt: str, refused: Iterable[str]) -> bool:
    """Whether a text under one of the prompt's headings is a problem of such a family."""
    return not set(refused).isdisjoint(_families(prompt))


def _families(prompt: str) -> Iterable[str]:
    for text in _HEADING.split(prompt)[1:]:
        found: Reading | None = read_words(text.strip())
        if found is not None:
            yield found.family.name
        backward = read_backward(text.strip())
        if backward is not None:
            yield backward.family.name
