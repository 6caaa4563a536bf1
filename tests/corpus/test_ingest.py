"""Every section of a raw file is cut into passages or rejected by a rule; a damaged file is named, not
skipped.
"""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from jz3.corpus.ingest import Ingestion, IngestParams
from jz3.corpus.readers.document import RawFileError
from jz3.text.cutting import pieces

TEXT = (
    "The sum of two even numbers is even. Write them as $2a$ and $2b$; "
    "then $2a + 2b = 2(a + b)$ is even too. "
)


def params(name="documents", **changes):
    values = {
        "source": "web",
        "format": {"name": name, "files": ["*"]},
        "licence": "Apache-2.0",
        "max_characters": 120,
        "min_characters": 20,
        "passages_per_section": 3,
    }
    return IngestParams.model_validate(values | changes)


def ingest(raw, params):
    """Passages, rejected sections, and the account of them."""
    ingestion = Ingestion(raw, params)
    with TemporaryDirectory() as directory:
        passages = pl.concat(ingestion.passages(Path(directory)))
    return passages, ingestion.rejects(), ingestion.metrics()


def raw(tmp_path, name, rows):
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return InFiles(tmp_path)


def rules(rejects):
    return dict(zip(rejects["row_id"], rejects["rule"], strict=True))


def test_documents_are_cut_at_sentences_and_know_where_they_come_from(tmp_path):
    passages, rejects, metrics = ingest(raw(tmp_path, "a.jsonl", [{"text": TEXT * 5}]), params())
    assert passages.height == 3
    assert set(passages["text"].str.slice(-1)) == {"."}
    assert set(passages["document_id"]) == {"a.jsonl:1"}
    for passage in passages.iter_rows(named=True):
        offset = passage["offset"]
        assert (TEXT * 5)[offset : offset + len(passage["text"])] == passage["text"]
    assert rejects.height == 0
    assert metrics.rows.read == metrics.rows.kept == 1


def test_each_useless_row_is_rejected_by_its_rule(tmp_path):
    rows = [{"text": TEXT}, {"text": " \n"}, {"text": "Short."}, {"title": "no text"}, {"text": TEXT + " "}]
    passages, rejects, metrics = ingest(raw(tmp_path, "a.jsonl", rows), params())
    assert passages.height
    assert rules(rejects) == {
        "a.jsonl:2@0": "ingest.empty",
        "a.jsonl:3@0": "ingest.too_short",
        "a.jsonl:4": "ingest.no_text",
        "a.jsonl:5@0": "ingest.repeated",
    }
    assert (metrics.rows.read, metrics.rows.kept) == (5, 1)


def test_questions_and_answers_are_cut_each_and_joined(tmp_path):
    rows = [
        {"instruction": TEXT * 3, "output": "Because " + TEXT, "source": "stackexchange-math"},
        {"instruction": "q", "output": "a", "source": "other"},
    ]
    passages, rejects, _ = ingest(
        raw(tmp_path, "a.jsonl", rows), params("question_answer", passages_per_section=5)
    )
    assert "Because" in "".join(passages["text"])
    assert rules(rejects) == {"a.jsonl:2": "ingest.other_source"}


def test_markdown_is_split_at_headings_but_not_inside_fences_and_keeps_what_stands_before(tmp_path):
    text = (
        "Before any heading stands a sentence.\n# One\n"
        + TEXT
        + "\n```\n# no heading\n```\n### Two\n"
        + TEXT[::-1]
    )
    (tmp_path / "book.md").write_text(text)
    passages, _, metrics = ingest(InFiles(tmp_path), params("markdown", max_characters=2000))
    assert metrics.rows.read == 3
    starts = sorted(passages["text"].str.slice(0, 7))
    assert starts == ["# One\nT", "### Two", "Before "]


def test_latex_is_split_at_sections_starred_and_with_nested_braces(tmp_path):
    body = (
        f"Abstract. {TEXT}\\section{{On $x^{{2}}$ and {{\\bf more}}}} First. {TEXT}"
        f"\\section*{{Thanks}} Second. {TEXT}"
    )
    passages, _, metrics = ingest(
        raw(tmp_path, "a.jsonl", [{"text": body}]), params("latex", max_characters=2000)
    )
    assert metrics.rows.read == 3
    assert sorted(passages["text"].str.slice(0, 6)) == ["Abstra", "First.", "Second"]


def test_docstrings_are_read_without_examples_and_with_package_and_version(tmp_path):
    (tmp_path / "packages.yaml").write_text("packages: [{name: mpmath, leave_out: [tests]}]")
    options = {"name": "docstrings", "modules": ["mpmath.function_docs", "mpmath.calculus"]}
    passages, _, metrics = ingest(
        InFiles(tmp_path), params(format=options, max_characters=400, min_characters=40)
    )
    assert metrics.rows.kept > 100
    assert set(passages["origin"]) == {"mpmath 1.3.0"}
    assert "mpmath.function_docs.gamma" in set(passages["document_id"])
    assert not passages["text"].str.contains(">>>", literal=True).any()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b'{"text": "fine"}\n{"text": "cut off'),
        ("a.jsonl", b'{"text": "fine"}\n["a list"]\n'),
        ("a.jsonl", b'{"text": "fine"}\n\xff\xfe\n'),
        ("a.jsonl.gz", gzip.compress(b'{"text": "fine"}\n' * 100, mtime=0)[:-20]),
        ("a.jsonl.gz", b"no gzip at all"),
    ],
    ids=["cut off line", "a list for a row", "no UTF-8", "cut off gzip", "no gzip"],
)
def test_a_damaged_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RawFileError, match=rf"{name} is damaged after line \d+.*Fetch"):
        ingest(InFiles(tmp_path), params())


def test_a_package_that_is_not_installed_is_named(tmp_path):
    (tmp_path / "packages.yaml").write_text("packages: [{name: nosuchpackage}]")
    with pytest.raises(ValueError, match=r"nosuchpackage, which is not installed. `pip install"):
        ingest(InFiles(tmp_path), params(format={"name": "docstrings", "modules": []}))


@given(st.text(alphabet="ab .$\n\\()", max_size=300), st.integers(1, 60))
def test_pieces_are_parts_of_the_text_that_do_not_overlap(text, length):
    end = 0
    for offset, piece in pieces(text, length, most=100):
        assert offset >= end
        assert 0 < len(piece) <= length
        assert text[offset : offset + len(piece)] == piece
        end = offset + len(piece)


@given(
    st.lists(st.sampled_from(["word", "$x + y = z$", "end.", "longer"]), min_size=1, max_size=60),
    st.integers(15, 60),
)
def test_no_piece_ends_inside_a_word_or_a_formula(words, length):
    text = " ".join(words)
    found = pieces(text, length, most=100)
    assert " ".join(piece for _, piece in found) == text
    for _, piece in found:
        assert piece.count("$") % 2 == 0
