"""Every row and section of a raw file is cut into passages or rejected by a rule; a damaged file is named,
not skipped.
"""

import gzip
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jz3.core.artifacts import In, InFiles, Out
from jz3.core.hashing import content_id
from jz3.corpus.ingest import IngestParams
from jz3.corpus.ingest import ingest as ingested
from jz3.corpus.readers.document import RawFileError
from jz3.tables.passage import Passage

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
    with TemporaryDirectory() as directory:
        passages = Out(Passage, Path(directory) / "passages")
        found = passages.sink_unsorted(ingested(raw, params))
        return In(Passage, passages.path).read(), found.rejects, found.metrics


def raw(tmp_path, name, rows):
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return InFiles(tmp_path)


def test_documents_are_cut_at_sentences_and_know_where_they_come_from(tmp_path):
    passages, rejects, metrics = ingest(raw(tmp_path, "a.jsonl", [{"text": TEXT * 5}]), params())
    assert passages.height == 3
    assert set(passages["text"].str.slice(-1)) == {"."}
    assert set(passages["document_id"]) == {content_id(TEXT * 5)}
    for passage in passages.iter_rows(named=True):
        offset = passage["offset"]
        assert (TEXT * 5)[offset : offset + len(passage["text"])] == passage["text"]
    assert rejects.height == 0
    assert metrics.rows.read == metrics.rows.kept == 1


def test_each_useless_row_is_rejected_by_its_rule(tmp_path):
    rows = [{"text": TEXT}, {"text": " \n"}, {"text": "Short."}, {"title": "no text"}, {"text": TEXT + " "}]
    passages, rejects, metrics = ingest(raw(tmp_path, "a.jsonl", rows), params())
    assert passages.height
    found = dict(zip(rejects["rule"], rejects["row_id"], strict=True))
    assert found.pop("ingest.no_text")
    assert found == {
        "ingest.empty": f"{content_id(' ' + chr(10))}@0",
        "ingest.too_short": f"{content_id('Short.')}@0",
        "ingest.repeated": f"{content_id(TEXT + ' ')}@0",
    }
    assert (metrics.rows.read, metrics.rows.kept) == (5, 1)


def test_equal_rejects_are_told_apart_by_their_count(tmp_path):
    _, rejects, _ = ingest(raw(tmp_path, "a.jsonl", [{"text": TEXT}] * 3), params())
    assert rejects["row_id"].to_list() == [f"{content_id(TEXT)}@0", f"{content_id(TEXT)}@0#2"]


@pytest.mark.parametrize(
    ("line", "rule", "reason"),
    [
        (b'{"text": "cut off', "not_json", "a.jsonl line 2: Unterminated string"),
        (b'["a list"]', "not_an_object", "the row is a list"),
        ('{"text": "caf\xe9"}'.encode("latin-1"), "not_utf8", "byte 14 is 0xe9, .*Latin-1"),
        (b'{"text": "a", "n": ' + b"9" * 10_000 + b"}", "not_json", "4300 digits"),
        (b"[" * 100_000, "not_json", "nested too deep"),
        (b'{"text": 5}', "no_text", "a.jsonl line 2: fields: text"),
    ],
)
def test_an_odd_row_is_rejected_with_its_place_and_the_rest_is_read(tmp_path, line, rule, reason):
    rows = [json.dumps({"text": text}).encode() for text in (TEXT, TEXT[::-1])]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([rows[0], line, rows[1]]))
    passages, rejects, metrics = ingest(InFiles(tmp_path), params(passages_per_section=1))
    assert (passages.height, metrics.rows.kept, metrics.rows.read) == (2, 2, 3)
    assert rejects["rule"].to_list() == [f"ingest.{rule}"]
    assert re.search(reason, rejects["evidence"][0])


@pytest.mark.parametrize(
    "row", ['{"text": "%s \\ud83d"}', '{"text": "%s", "n": Infinity, "m": NaN, "\\udc00": 1}']
)
def test_rows_that_python_wrote_oddly_are_read(tmp_path, row):
    (tmp_path / "a.jsonl").write_text(row % TEXT)
    passages, _, _ = ingest(InFiles(tmp_path), params(max_characters=500))
    assert passages["text"][0].removesuffix("\ufffd").strip() == TEXT.strip()


def test_questions_and_answers_are_cut_each_and_joined(tmp_path):
    rows = [
        {"instruction": TEXT * 3, "output": "Because " + TEXT, "source": "stackexchange-math"},
        {"instruction": "q", "output": "a", "source": "other"},
    ]
    passages, rejects, _ = ingest(
        raw(tmp_path, "a.jsonl", rows), params("question_answer", passages_per_section=5)
    )
    assert "Because" in "".join(passages["text"])
    assert rejects["rule"].to_list() == ["ingest.other_source"]


def test_fields_are_named_by_parameters_and_say_origin_and_licence(tmp_path):
    rows = [
        {"id": 7, "body": {"content": TEXT}, "url": "https://a.example", "rights": "CC0-1.0"},
        {"id": "", "body": {"content": TEXT[::-1]}, "url": None},
    ]
    form = {
        "name": "documents",
        "files": ["*"],
        "text": "body.content",
        "id": "id",
        "meta": {"origin": "url", "licence": "rights"},
    }
    passages, _, _ = ingest(raw(tmp_path, "a.jsonl", rows), params(format=form, passages_per_section=1))
    found = set(passages.select("document_id", "origin", "licence").rows())
    assert found == {
        ("7", "https://a.example", "CC0-1.0"),
        (content_id(TEXT[::-1]), "web", "Apache-2.0"),
    }


def test_two_fields_make_question_and_answer(tmp_path):
    form = {"name": "question_answer", "files": ["*"], "text": ["q", "a"]}
    rows = [{"q": "Why is it even?", "a": TEXT}]
    passages, _, _ = ingest(raw(tmp_path, "a.jsonl", rows), params(format=form, max_characters=500))
    assert passages["text"].to_list() == [f"Why is it even?\n\n{TEXT.strip()}"]


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


HIDDEN = {
    "comment": "50\\% of it, \\\\% \\section{No}\nand ",
    "verbatim": "\\begin{verbatim}\n\\section{No} $\n\\end{verbatim}\n",
    "listing": "\\begin{lstlisting}[language=C]\n\\section{No} % $\n\\end{lstlisting}\n",
    "left out": "\\begin{comment}\n\\section{No}\n\\end{comment}\n",
    "none": "",
}


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("shown", ["", "\\section{Yes}\nAnother text stands here, long enough.\n"])
def test_a_heading_that_latex_does_not_read_splits_nothing(tmp_path, hidden, shown):
    text = f"Before it. {HIDDEN[hidden]}{TEXT}\n"
    passages, _, metrics = ingest(
        raw(tmp_path, "a.jsonl", [{"text": text + shown}]), params("latex", max_characters=2000)
    )
    assert metrics.rows.kept == (2 if shown else 1)
    assert text.strip() in passages["text"].to_list()


def test_the_document_begins_and_ends_where_latex_says(tmp_path):
    text = (
        "% \\begin{document} stands below\n\\documentclass{a}\n\\begin{document}\nFirst words of it.\n"
        "%\\end{document}\n\\begin{verbatim}\n\\end{document}\n\\end{verbatim}\nLast.\n\\end{document}\nAfter."
    )
    passages, _, _ = ingest(raw(tmp_path, "a.jsonl", [{"text": text}]), params("latex", max_characters=2000))
    [found] = passages["text"]
    assert (found[:11], found[-5:]) == ("First words", "Last.")


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
    "content",
    [gzip.compress(b'{"text": "fine"}\n' * 100, mtime=0)[:-20], b"no gzip at all"],
    ids=["cut off gzip", "no gzip"],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.jsonl.gz").write_bytes(content)
    with pytest.raises(
        RawFileError, match=r"a.jsonl.gz (is damaged after line \d+|does not begin as .gz).*Fetch"
    ):
        ingest(InFiles(tmp_path), params())


def test_a_file_of_another_format_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text("text\nan even number\n")
    with pytest.raises(
        RawFileError, match=r"a.jsonl is not in the format that its ending says: 2 of 2 rows cannot be read"
    ):
        ingest(InFiles(tmp_path), params())
    (tmp_path / "a.jsonl").rename(tmp_path / "a.docx")
    with pytest.raises(RawFileError, match=r"a.docx ends in '.docx'; .jsonl, .*were expected"):
        ingest(InFiles(tmp_path), params())
    (tmp_path / "a.docx").rename(tmp_path / "LICENSE")
    with pytest.raises(RawFileError, match=r"LICENSE has no ending .*of a folder, take it out"):
        ingest(InFiles(tmp_path), params())


def test_a_package_that_is_not_installed_is_named(tmp_path):
    (tmp_path / "packages.yaml").write_text("packages: [{name: nosuchpackage}]")
    with pytest.raises(ValueError, match=r"nosuchpackage, which is not installed. `pip install"):
        ingest(InFiles(tmp_path), params(format={"name": "docstrings", "modules": []}))
