"""Cuts the texts of a source into passages.

Promises: each passage knows its source, document, offset, origin and licence; each section that gives none is
rejected by a rule; cuts end at a sentence or between words, never inside a formula. Costs: sympy, mpmath and
networkx together (8 M characters of docstrings) take about 20 s, most of it parsing Python.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
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


class IngestMetrics(BaseModel):
    """Rows are sections."""

    rows: Ledger
    passages: int
    characters: int
    characters_left: int
    """Of sections that were kept: behind their last passage, or blanks between passages."""


def ingest(raw: InFiles, params: IngestParams) -> tuple[pl.DataFrame, pl.DataFrame, IngestMetrics]:
    """Passages, rejected sections, and the account of them. Raises RawFileError for a damaged file."""
    passages: list[dict[str, str | int]] = []
    rejects: list[Unusable] = []
    seen: set[str] = set()
    kept = characters = read = 0
    for section in _sections(raw, params):
        read += 1
        reject = section if isinstance(section, Unusable) else _reject(section, params, seen)
        if reject:
            rejects.append(reject)
            continue
        assert isinstance(section, Section)
        found = _passages(section, params)
        passages.extend(found)
        kept += 1
        characters += len(section.text)
    cut = sum(len(str(passage["text"])) for passage in passages)
    rules = Counter(reject.rule for reject in rejects)
    return (
        pl.DataFrame(passages, schema=Passage.create_empty().schema),
        _reject_table(rejects),
        IngestMetrics(
            rows=Ledger(read=read, kept=kept, rejected=dict(sorted(rules.items())), failed=0),
            passages=len(passages),
            characters=cut,
            characters_left=characters - cut,
        ),
    )


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


def _reject(section: Section, params: IngestParams, seen: set[str]) -> Unusable | None:
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
    if not pieces(section.text, params.max_characters, most=1):
        return Unusable(row, "ingest.no_place_to_cut", evidence)
    return None


def _passages(section: Section, params: IngestParams) -> list[dict[str, str | int]]:
    """The passages of a section; a last piece shorter than the minimum is left out."""
    found = pieces(section.text, params.max_characters, params.passages_per_section)
    long_enough = [piece for piece in found if len(piece[1]) >= params.min_characters] or found[:1]
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


def _reject_table(rejects: list[Unusable]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"row_id": row.document_id, "rule": row.rule, "evidence": row.evidence} for row in rejects],
        schema=Reject.create_empty().schema,
    )
