"""Texts of HTML and PDF files, if the libraries of the extra `documents` are installed."""

import importlib.util

import pytest

from jz3.raw import pages
from jz3.raw.files import read_rows
from jz3.raw.row import Odd, RawFileError

PAGE = """<html><head><title>T</title><style>p {}</style></head><body><nav>Menu</nav>
<h1>Even numbers</h1><p>An even number is <b>twice</b> a whole one:
<script type="math/tex">n = 2k</script>.</p>
<p>Its square is <math display="block"><mi>n</mi>
<annotation encoding="application/x-tex">n^2 = 4k^2</annotation>
</math> caf\xe9 <span class="katex"><span class="katex-mathml"><math><mi>a</mi><annotation
encoding="application/x-tex">a_1</annotation></math></span><span class="katex-html">a1</span></span>
<br>end</p>
<script>var x = 1;</script><ul><li>one</li><li>two</li></ul></body></html>"""
TEXT = (
    "Even numbers\n\nAn even number is twice a whole one: $n = 2k$.\n\nIts square is $$n^2 = 4k^2$$ "
    "caf\xe9 $a_1$"
    "\n\nend\n\none\n\ntwo"
)


def pdf(*texts):
    """A PDF with one text per page, built as in the format's reference."""
    count = len(texts)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(count))}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(texts):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}{end}".encode()


def read(folder, name, content):
    (folder / name).write_bytes(content)
    [(_, (place, row))] = read_rows([folder / name], folder)
    assert place == name
    return row


needs_soup = pytest.mark.skipif(not importlib.util.find_spec("bs4"), reason="beautifulsoup4 is not installed")
needs_pypdf = pytest.mark.skipif(not importlib.util.find_spec("pypdf"), reason="pypdf is not installed")


@needs_soup
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_page_is_what_a_reader_sees_with_its_formulas(tmp_path, encoding):
    assert read(tmp_path, "a.html", PAGE.encode(encoding)) == {"text": TEXT}


@needs_soup
def test_a_page_may_say_its_encoding_and_be_broken(tmp_path):
    page = '<meta charset="iso-8859-1"><p>caf\xe9 <b>open'.encode("latin-1")
    assert read(tmp_path, "a.htm", page) == {"text": "caf\xe9 open"}
    assert read(tmp_path, "b.html", b"<div>" * 5_000 + b"deep") == {"text": "deep"}


@needs_pypdf
def test_the_words_of_a_pdf_are_read_page_by_page(tmp_path):
    assert read(tmp_path, "a.pdf", pdf("An even number", "is twice a whole one.")) == {
        "text": "An even number\n\nis twice a whole one."
    }
    assert read(tmp_path, "b.pdf", pdf("")) == {"text": ""}


@needs_pypdf
@pytest.mark.parametrize("content", [b"", b"no PDF at all", pdf("An even number")[:300]])
def test_a_damaged_pdf_is_odd(tmp_path, content):
    row = read(tmp_path, "a.pdf", content)
    assert isinstance(row, Odd)
    assert row.rule == "not_pdf"


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(pages, "import_module", lambda name: importlib.import_module(f"no_such_{name}"))
    with pytest.raises(
        RawFileError, match=r"need pypdf, which is not installed.*pip install 'jz3\[documents\]'"
    ):
        pages.pdf_text(b"")
