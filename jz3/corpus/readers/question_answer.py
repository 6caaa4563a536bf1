"""JSON lines of questions and answers: the rows of MMIQC that come from StackExchange.

Row: `{"instruction": "Why is ...?", "output": "Because ...", "source": "stackexchange-math"}`. Each part is
cut to the passage's length by itself, as in the released code; the two are joined by a blank line.
"""

from collections.abc import Iterator
from pathlib import Path

from jz3.corpus.readers.document import Section, Unusable, json_rows
from jz3.text.cutting import pieces

OF_STACKEXCHANGE = "stackexchange"
"""Part of the `source` of the rows that are meant (released code)."""


def read_question_answer(
    files: list[Path], root: Path, origin: str, licence: str, length: int
) -> Iterator[Section | Unusable]:
    """Question and answer of each row as one section; rows of other sources are unusable."""
    for file in files:
        for document_id, row in json_rows(file, root):
            question, answer = row.get("instruction"), row.get("output")
            if OF_STACKEXCHANGE not in str(row.get("source")):
                yield Unusable(document_id, "ingest.other_source", str(row.get("source")))
            elif not isinstance(question, str) or not isinstance(answer, str):
                yield Unusable(document_id, "ingest.no_text", f"fields: {', '.join(row)}")
            else:
                parts = [part for text in (question, answer) for _, part in pieces(text, length, most=1)]
                yield Section(document_id, origin, licence, 0, "\n\n".join(parts))
