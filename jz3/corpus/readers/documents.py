"""Rows of one text each, not split: MathPile's Wikipedia and ProofWiki, AutoMathText, texts of your own.

Row: `{"text": "In mathematics, ...", "subset": "Wikipedia", "meta": {...}}`, in any kind of file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jz3.corpus.readers.document import Fields, Section, Unusable, odd, section, without_text
from jz3.raw.files import field, read_rows
from jz3.raw.row import Odd, not_utf8

TEXT = "text"
"""The field of the text if no other is named."""


def read_documents(
    files: Sequence[Path], root: Path, text_field: str, fields: Fields
) -> Iterator[Section | Unusable]:
    """Each row's text as one section; a row without one is unusable. A file that is a single text has it in
    the field `text`, whatever the field of rows is called.
    """
    for _, (place, row) in read_rows(files, root, fields.names(text_field, TEXT)):
        if isinstance(row, Odd):
            yield odd(place, row)
            continue
        text = field(row, text_field)
        if text is None and row.keys() == {TEXT}:
            text = row[TEXT]
        if isinstance(text, bytes):  # from tables whose texts are not marked as text
            try:
                text = text.decode()
            except UnicodeDecodeError as error:
                yield odd(place, not_utf8(text, error))
                continue
        yield section(row, text, fields) if isinstance(text, str) else without_text(place, row, fields)
