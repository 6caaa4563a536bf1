"""What every reader yields: a section of a document, or a row that it cannot use.

A document's id is its own if it has one (the field that the parameters name, a docstring's qualified name),
otherwise the digest of its text: so it stays the same if files are sorted, split, renamed or compressed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jz3.core.hashing import content_id
from jz3.raw.files import field
from jz3.raw.row import EVIDENCE_CHARACTERS, Odd, RawFileError, Row, whole

__all__ = ["Fields", "RawFileError", "Section", "Unusable", "odd", "section", "without_text"]


@dataclass(frozen=True)
class Section:
    """A text to be cut into passages. A document without parts is one section."""

    document_id: str
    origin: str
    """What the document belongs to: a package and version, a file, a data set and revision."""
    licence: str
    offset: int
    """Characters from the start of the document."""
    text: str


@dataclass(frozen=True)
class Unusable:
    """A row without a text for us."""

    document_id: str
    rule: str
    evidence: str


@dataclass(frozen=True)
class Fields:
    """Which field of a row holds what, and the values to use if a row lacks a field."""

    id: str | None
    meta_origin: str | None
    meta_licence: str | None
    origin: str
    licence: str

    def names(self, *others: str) -> set[str]:
        """The top-level fields of a row that are read."""
        named = [name for name in (self.id, self.meta_origin, self.meta_licence, *others) if name]
        return {part for name in named for part in (name, name.partition(".")[0])}


def section(row: Row, text: str, fields: Fields, digest_of: Sequence[str] = ()) -> Section:
    """The whole text of a row; its digest is that of `digest_of`, if parts of the text were left out."""
    own = _named(row, fields.id)
    return Section(
        own or content_id(*(digest_of or (text,))),
        _named(row, fields.meta_origin) or fields.origin,
        _named(row, fields.meta_licence) or fields.licence,
        0,
        text,
    )


def odd(place: str, row: Odd) -> Unusable:
    """Something that should have been a row."""
    evidence = f"{place}: {row.reason}: {row.text}"[:EVIDENCE_CHARACTERS]
    return Unusable(content_id(row.rule, row.text), f"ingest.{row.rule}", whole(evidence))


def without_text(place: str, row: Row, fields: Fields, rule: str = "ingest.no_text") -> Unusable:
    """A row without a text, identified by its own id or by the digest of its content."""
    evidence = f"{place}: fields: {', '.join(map(str, row))}"[:EVIDENCE_CHARACTERS]
    return Unusable(_named(row, fields.id) or content_id(repr(sorted(row.items()))), rule, evidence)


def _named(row: Row, name: str | None) -> str | None:
    """The value of a field as an id or a name; None if there is none."""
    value = field(row, name) if name else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None
