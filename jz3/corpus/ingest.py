"""Cuts the texts of a source into passages.

Promises: each passage knows its source, document, offset, origin and licence; each section that gives none is
rejected by a rule; cuts end at a sentence or between words, never inside a formula. Costs: sympy, mpmath and
networkx together (8 M characters of docstrings) take about 20 s, most of it parsing Python. Memory for a
digest of each section and for the passages of one of FILES temporary files, not for all texts.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
from jz3.core.in_order import InOrder, by_hash
from jz3.core.params import Params
from jz3.corpus.hub import fetch, read_hub_file
from jz3.corpus.readers.docstrings import read_docstrings
from jz3.corpus.readers.document import Section, Unusable
from jz3.corpus.readers.documents import read_documents
from jz3.corpus.readers.latex import read_latex
from jz3.corpus.readers.markdown import read_markdown
from jz3.corpus.readers.question_answer import read_question_answer
from jz3.tables.ledger import Ledger
from jz3.tables.passage import Passage
from jz3.tables.reject import Reject
from jz3.text.cutting import pieces

EVIDENCE_CHARACTERS = 200
"""Of a rejected text, enough to see why (chosen)."""
CHUNK_ROWS = 20_000
"""Passages that wait in memory before they are shared out (chosen: some 30 MB of text)."""
FILES = 64
"""Temporary files (chosen: of ten million passages each takes some 250 MB)."""


Cut = tuple[int, str]
"""Offset in its section, and text."""


class DocstringsFormat(Params):
    """Docstrings of installed packages."""

    name: Literal["docstrings"]
    modules: list[str]
    """Modules to read, with those below them; empty for all of each package."""


class FilesFormat(Params):
    """Files of documents."""

    name: Literal["documents", "question_answer", "markdown", "latex"]
    files: list[str]
    """Glob patterns under the source's directory."""


class IngestParams(Params):
    """One source."""

    source: str
    format: DocstringsFormat | FilesFormat = Field(discriminator="name")
    licence: str
    """Of the files; docstrings carry that of their package."""
    max_characters: int = Field(gt=0)
    min_characters: int = Field(ge=0)
    passages_per_section: int = Field(gt=0)
    """How many passages are cut from the front of each section."""

    @model_validator(mode="after")
    def _ordered(self) -> "IngestParams":
        if self.min_characters > self.max_characters:
            raise ValueError(
                f"min_characters {self.min_characters} is above max_characters {self.max_characters}"
            )
        return self


class IngestMetrics(BaseModel):
    """Rows are sections."""

    rows: Ledger
    passages: int
    characters: int
    characters_left: int
    """Of sections that were kept: behind their last passage, or blanks between passages."""


class Ingestion:
    """The passages of a source, and afterwards what was rejected, and the account of both."""

    def __init__(self, raw: InFiles, params: IngestParams) -> None:
        self._raw, self._params = raw, params
        self._rejects: list[Unusable] = []
        self._seen: set[str] = set()
        self._read = self._kept = self._passages = self._characters = self._cut = 0

    def passages(self, directory: Path) -> Iterator[pl.DataFrame]:
        """Frames of Passage in key order; temporary files lie in the directory. Raises RawFileError for a
        damaged file.
        """
        with InOrder(FILES, Passage.create_empty().schema, "passage_id", directory) as ordered:
            for chunk in self._chunks():
                ordered.add(chunk, by_hash(chunk["passage_id"], FILES))
            yield from ordered.frames()

    def rejects(self) -> pl.DataFrame:
        """Table of Reject: the sections without a passage so far."""
        return pl.DataFrame(
            [
                {"row_id": row.document_id, "rule": row.rule, "evidence": row.evidence}
                for row in self._rejects
            ],
            schema=Reject.create_empty().schema,
        )

    def metrics(self) -> IngestMetrics:
        """Of the sections read so far."""
        rules = Counter(reject.rule for reject in self._rejects)
        return IngestMetrics(
            rows=Ledger(read=self._read, kept=self._kept, rejected=dict(sorted(rules.items())), failed=0),
            passages=self._passages,
            characters=self._cut,
            characters_left=self._characters - self._cut,
        )

    def _chunks(self) -> Iterator[pl.DataFrame]:
        """Passages in the order of the files."""
        schema = Passage.create_empty().schema
        waiting: list[dict[str, str | int]] = []
        for section in _sections(self._raw, self._params):
            waiting.extend(self._taken(section))
            if len(waiting) >= CHUNK_ROWS:
                yield pl.DataFrame(waiting, schema=schema)
                waiting = []
        yield pl.DataFrame(waiting, schema=schema)

    def _taken(self, section: Section | Unusable) -> list[dict[str, str | int]]:
        """The passages of a section; none of one that is rejected."""
        self._read += 1
        if isinstance(section, Unusable):
            self._rejects.append(section)
            return []
        cuts = pieces(section.text, self._params.max_characters, self._params.passages_per_section)
        reject = _reject(section, cuts, self._params, self._seen)
        if reject:
            self._rejects.append(reject)
            return []
        found = _passages(section, cuts, self._params)
        self._kept += 1
        self._passages += len(found)
        self._characters += len(section.text)
        self._cut += sum(len(str(passage["text"])) for passage in found)
        return found


def _sections(raw: InFiles, params: IngestParams) -> Iterator[Section | Unusable]:
    if isinstance(params.format, DocstringsFormat):
        for file in raw.matching("packages.yaml"):
            yield from read_docstrings(file, params.format.modules)
        return
    root, origin = raw.path, params.source
    for hub_file in raw.matching("hub.yaml"):
        hub = read_hub_file(hub_file)
        root, origin = fetch(hub), f"{hub.name}@{hub.revision}"
    files = InFiles(root).matching(*params.format.files)
    match params.format.name:
        case "documents":
            yield from read_documents(files, root, origin, params.licence)
        case "question_answer":
            yield from read_question_answer(files, root, origin, params.licence, params.max_characters)
        case "markdown":
            yield from read_markdown(files, root, origin, params.licence)
        case "latex":
            yield from read_latex(files, root, origin, params.licence)


def _reject(section: Section, cuts: Sequence[Cut], params: IngestParams, seen: set[str]) -> Unusable | None:
    text = " ".join(section.text.split())
    row = f"{section.document_id}@{section.offset}"
    evidence = text[:EVIDENCE_CHARACTERS]
    digest = content_id(text)
    if not text:
        return Unusable(row, "ingest.empty", evidence)
    if len(text) < params.min_characters:
        return Unusable(row, "ingest.too_short", evidence)
    if digest in seen:
        return Unusable(row, "ingest.repeated", evidence)
    seen.add(digest)
    if not cuts:
        return Unusable(row, "ingest.no_place_to_cut", evidence)
    return None


def _passages(section: Section, cuts: Sequence[Cut], params: IngestParams) -> list[dict[str, str | int]]:
    """The passages of a section; a last piece shorter than the minimum is left out."""
    long_enough = [piece for piece in cuts if len(piece[1]) >= params.min_characters] or cuts[:1]
    return [
        {
            "passage_id": content_id(params.source, section.document_id, str(section.offset + offset), text),
            "source": params.source,
            "document_id": section.document_id,
            "origin": section.origin,
            "licence": section.licence,
            "offset": section.offset + offset,
            "text": text,
        }
        for offset, text in long_enough
    ]
