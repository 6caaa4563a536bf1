"""Rows of questions and answers: those of MMIQC from StackExchange, or any with two texts.

Row: `{"instruction": "Why is ...?", "output": "Because ...", "source": "stackexchange-math"}`. Each part is
cut to the passage's length separately, as in the released code; a blank line joins the two.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jz3.corpus.readers.document import Fields, Section, Unusable, odd, section, without_text
from jz3.raw.files import field, read_rows
from jz3.raw.row import Odd
from jz3.text.cutting import pieces

OF_MMIQC = ("instruction", "output")
"""Fields of question and answer if no others are named; then only rows from StackExchange are read."""
OF_STACKEXCHANGE = "stackexchange"
"""Part of the `source` of those rows (released code)."""


def read_question_answer(
    files: Sequence[Path], root: Path, text_fields: tuple[str, str], fields: Fields, length: int
) -> Iterator[Section | Unusable]:
    """Question and answer of each row as one section; rows of other sources are unusable."""
    names = fields.names(*text_fields, "source")
    for _, (place, row) in read_rows(files, root, names):
        if isinstance(row, Odd):
            yield odd(place, row)
            continue
        question, answer = (field(row, name) for name in text_fields)
        if text_fields == OF_MMIQC and OF_STACKEXCHANGE not in str(row.get("source")):
            yield without_text(place, row, fields, "ingest.other_source")
        elif not isinstance(question, str) or not isinstance(answer, str):
            yield without_text(place, row, fields)
        else:
            parts = [part for text in (question, answer) for _, part in pieces(text, length, most=1)]
            yield section(row, "\n\n".join(parts), fields, (question, answer))
