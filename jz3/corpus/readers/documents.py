"""JSON lines with a field `text`, one document a row, not split: MathPile's Wikipedia and ProofWiki,
AutoMathText.

Row: `{"text": "In mathematics, ...", "subset": "Wikipedia", "meta": {...}}`.
"""

from collections.abc import Iterator
from pathlib import Path

from jz3.corpus.readers.document import Section, Unusable, json_rows


def read_documents(files: list[Path], root: Path, origin: str, licence: str) -> Iterator[Section | Unusable]:
    """Each row's text as one section; a row without one is unusable."""
    for file in files:
        for document_id, row in json_rows(file, root):
            text = row.get("text")
            if isinstance(text, str):
                yield Section(document_id, origin, licence, 0, text)
            else:
                yield Unusable(document_id, "ingest.no_text", f"fields: {', '.join(row)}")
