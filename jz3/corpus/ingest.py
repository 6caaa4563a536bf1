"""Cuts the texts of a source into passages.

Promises:

- Each passage has its source, document, offset, origin and licence.
- Its id depends on its source and words, so it stays the same if other passages are removed, or files are
  sorted, split, renamed or compressed.
- A rule rejects each row or section without a passage.
- Cuts are at the end of a sentence or between words, never inside a formula.

Costs: sympy, mpmath and networkx together (8 M characters of docstrings) take about 20 s, most of it for
parsing Python. Memory for a digest of each passage, for 400 MB of passages and for those of one of 64
temporary files, not for all texts.
"""

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.artifacts import InFiles
from jz3.core.external_sort import Unsorted
from jz3.core.hashing import content_id
from jz3.core.params import Params
from jz3.corpus.readers.docstrings import read_docstrings
from jz3.corpus.readers.document import Fields, Section, Unusable
from jz3.corpus.readers.documents import TEXT, read_documents
from jz3.corpus.readers.latex import read_latex
from jz3.corpus.readers.markdown import read_markdown
from jz3.corpus.readers.question_answer import OF_MMIQC, read_question_answer
from jz3.raw.fetched import RawFiles, raw_files
from jz3.raw.row import EVIDENCE_CHARACTERS, RawFileError
from jz3.tables.ledger import Ledger
from jz3.tables.passage import Passage
from jz3.tables.reject import Reject
from jz3.text.cutting import pieces
from jz3.text.regions import Notation

CHUNK_ROWS = 20_000
"""Passages that wait in memory before they are distributed over files (chosen: some 30 MB of text)."""


class DocstringsFormat(Params):
    """Docstrings of installed packages."""

    name: Literal["docstrings"]
    modules: list[str]
    """Modules to read, including those below them; empty for all modules of each package."""


class MetaFields(Params):
    """Fields of a row that say about its document what the source says about all. Without such a field, or if
    a row lacks it, the source's own value applies.
    """

    origin: str | None = None
    """For example, an address."""
    licence: str | None = None


Texts = Annotated[list[str], Field(min_length=2, max_length=2)]


class FilesFormat(Params):
    """Files of documents, of any kind that `jz3.raw.files` reads. Dots name nested fields (`meta.title`).
    Fields that are left out have the format's own names.
    """

    name: Literal["documents", "question_answer", "markdown", "latex"]
    files: list[str]
    """Glob patterns under the source's directory."""
    text: str | Texts | None = None
    """The field of the text; for `question_answer` its two fields."""
    id: str | None = None
    """The field of the document's own id; without one, the digest of its text is its id."""
    meta: MetaFields = MetaFields()


class IngestParams(Params):
    """One source."""

    source: str
    format: DocstringsFormat | FilesFormat = Field(discriminator="name")
    licence: str
    """The licence of the files; docstrings have the licence of their package."""
    max_characters: int = Field(gt=0)
    min_characters: int = Field(ge=0)
    passages_per_section: int = Field(gt=0)
    """How many passages are cut from the beginning of each section."""

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
    passages_repeated: int
    """Passages left out of sections that were kept, because another section has them."""
    characters: int
    characters_left: int
    """Characters of sections that were kept which are in no passage."""


@dataclass(frozen=True)
class Ingested:
    """What is known about a source once its last passage was read."""

    rejects: pl.DataFrame
    """Table of Reject: the rows and sections without a passage."""
    metrics: IngestMetrics


def ingest(raw: InFiles, params: IngestParams) -> Unsorted[Ingested]:
    """The passages of a source. Reading them raises RawFileError for a damaged file."""
    frames = _Ingestion(raw, params).passages()
    return Unsorted(frames, Passage.create_empty().schema, "passage_id", None)


class _Ingestion:
    """What has been read of a source so far."""

    def __init__(self, raw: InFiles, params: IngestParams) -> None:
        self._raw, self._params = raw, params
        self._notation: Notation = "latex" if params.format.name == "latex" else "markdown"
        self._rejects: list[Unusable] = []
        self._seen: set[bytes] = set()
        self._read = self._kept = self._passages = self._repeated = self._characters = self._cut = 0

    def passages(self) -> Generator[pl.DataFrame, None, Ingested]:
        """Frames of Passage in the order of the files."""
        schema = Passage.create_empty().schema
        waiting: list[dict[str, str | int]] = []
        for section in _sections(self._raw, self._params):
            waiting.extend(self._taken(section))
            if len(waiting) >= CHUNK_ROWS:
                yield pl.DataFrame(waiting, schema=schema)
                waiting = []
        yield pl.DataFrame(waiting, schema=schema)
        return Ingested(self._rejected(), self._metrics())

    def _rejected(self) -> pl.DataFrame:
        """A table of Reject; equal rows get a count, which distinguishes their ids."""
        count: Counter[str] = Counter()
        rows: list[dict[str, str]] = []
        for row in self._rejects:
            count[row.document_id] += 1
            again = f"#{count[row.document_id]}" if count[row.document_id] > 1 else ""
            rows.append({"row_id": row.document_id + again, "rule": row.rule, "evidence": row.evidence})
        return pl.DataFrame(rows, schema=Reject.create_empty().schema)

    def _metrics(self) -> IngestMetrics:
        rules = Counter(reject.rule for reject in self._rejects)
        return IngestMetrics(
            rows=Ledger(read=self._read, kept=self._kept, rejected=dict(sorted(rules.items())), failed=0),
            passages=self._passages,
            passages_repeated=self._repeated,
            characters=self._cut,
            characters_left=self._characters - self._cut,
        )

    def _taken(self, section: Section | Unusable) -> list[dict[str, str | int]]:
        """The passages of a section; empty if it is rejected."""
        self._read += 1
        if isinstance(section, Unusable):
            self._rejects.append(section)
            return []
        found = self._new_passages(section)
        if isinstance(found, str):
            row, evidence = f"{section.document_id}@{section.offset}", section.text[:EVIDENCE_CHARACTERS]
            self._rejects.append(Unusable(row, found, " ".join(evidence.split())))
            return []
        self._kept += 1
        self._characters += len(section.text)
        self._passages += len(found)
        self._cut += sum(len(str(passage["text"])) for passage in found)
        return found

    def _new_passages(self, section: Section) -> list[dict[str, str | int]] | str:
        """The passages of a section that no earlier section had, or the rule by which it is rejected."""
        least = self._params.min_characters
        length = len(section.text.strip())
        if not length:
            return "ingest.empty"
        if length < least:
            return "ingest.too_short"
        most, count = self._params.max_characters, self._params.passages_per_section
        cuts = pieces(section.text, most, count, least, self._notation)
        if not cuts:
            return "ingest.no_place_to_cut"
        found: list[dict[str, str | int]] = []
        for (offset, text), passage_id in zip(cuts, _ids(self._params.source, cuts), strict=True):
            digest = bytes.fromhex(passage_id)
            if digest not in self._seen:
                self._seen.add(digest)
                found.append(
                    {
                        "passage_id": passage_id,
                        "source": self._params.source,
                        "document_id": section.document_id,
                        "origin": section.origin,
                        "licence": section.licence,
                        "offset": section.offset + offset,
                        "text": text,
                    }
                )
        if not found:
            return "ingest.repeated"
        self._repeated += len(cuts) - len(found)
        return found


def _ids(source: str, cuts: list[tuple[int, str]]) -> list[str]:
    """Ids from the words of each piece, ignoring whitespace; equal pieces of a section are numbered."""
    words = [" ".join(text.split()) for _, text in cuts]
    return [
        content_id(source, text, str(words[:place].count(text) + 1) if len(words) > 1 else "1")
        for place, text in enumerate(words)
    ]


def _sections(raw: InFiles, params: IngestParams) -> Iterator[Section | Unusable]:
    if isinstance(params.format, DocstringsFormat):
        for file in raw.matching("packages.yaml"):
            yield from read_docstrings(file, params.format.modules)
        return
    form = params.format
    held = raw_files(raw, form.files)
    root, files = held.root, held.files
    origin = held.fetched.origin if held.fetched else params.source
    _check_licence(raw, held, params)
    fields = Fields(form.id, form.meta.origin, form.meta.licence, origin, params.licence)
    text = form.text if isinstance(form.text, str) else TEXT
    match form.name:
        case "documents":
            yield from read_documents(files, root, text, fields)
        case "question_answer":
            question, answer = form.text if isinstance(form.text, list) else OF_MMIQC
            yield from read_question_answer(files, root, (question, answer), fields, params.max_characters)
        case "markdown":
            yield from read_markdown(files, root, text, fields)
        case "latex":
            yield from read_latex(files, root, text, fields)


def _check_licence(raw: InFiles, held: RawFiles, params: IngestParams) -> None:
    """Raise UserError unless the licence in the parameters, which every passage gets, is that of what was
    fetched.
    """
    licence = held.fetched.licence if held.fetched else None
    if licence is not None and licence.casefold() != params.licence.casefold():
        raise RawFileError(
            f"ingest.{params.source}.licence is {params.licence}, and {raw.path} has {licence}; the same "
            f"licence was expected in both. Correct the parameters."
        )
