"""Anything that is not markup is escaped. If this fails, a model can write what the reader's browser
executes.
"""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from jz3.report.rendering import code, escaped, folded, joined, paragraph, render, table
from jz3.report.writing import written

PIECES = ["<", ">", "&", '"', "'", "</p>", "<script>", "&lt;", "$", "\\text{", "}", "```\n", "[a](http://b)"]
PIECES += ["**", "*", "# ", "1. ", "> ", "`", "\ue0000\ue001", "<http://a>", "|", "---"]
HOSTILE = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES)).map("".join),
)
OF_TEXT = {"p", "div", "span", "pre", "code", "strong", "em", "ol", "ul", "li", "blockquote", "hr", "br"}
OF_TEXT |= {"table", "thead", "tbody", "tr", "th", "td"}


class Read(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(PLAIN)
def test_any_text_comes_back_as_it_was_and_makes_no_element(text):
    read = Read(paragraph(text).removesuffix("\n"))
    assert (read.tags, read.text) == (["p"], text)


@given(PLAIN)
def test_any_attribute_comes_back_as_it_was(text):
    read = Read(table(text, ["a"], []))
    assert dict(read.attributes)["aria-label"] == text


@given(HOSTILE)
def test_whatever_a_model_writes_makes_only_elements_of_text_and_mathematics(text):
    read = Read(written(text))
    assert not {tag for tag in {*read.tags} - OF_TEXT if not tag.startswith("m")}
    assert not {name for name, _ in read.attributes} & {"href", "src", "id"}


@given(HOSTILE)
def test_the_page_can_always_be_written_as_utf_8(text):
    for shown in (escaped(text + "\ud800"), paragraph(text + "\ud800"), code(text + "\ud800")):
        assert shown.encode()
    assert written(text + "\ud800").encode()


def test_markup_is_not_escaped_again():
    bold = Markup("<b>x</b>")
    assert joined([bold, "<i>"]) == "<b>x</b>&lt;i&gt;"
    assert folded("<i>", bold) == "<details><summary>&lt;i&gt;</summary><b>x</b></details>"


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render("paragraph.html", text="x")


def test_a_table_wants_a_cell_for_each_column():
    with pytest.raises(AssertionError):
        table("c", ["a", "b"], [["only one"]])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("## Answer\nIt is **so**.", "<p><strong>Answer</strong></p>\n<p>It is <strong>so</strong>.</p>"),
        ("1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
        ("4*60+30*2 and 2**3 and 4**5", "<p>4*60+30*2 and 2**3 and 4**5</p>"),
        ("a_1 and b_1", "<p>a_1 and b_1</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("see [this](http://a)", "<p>see [this](http://a)</p>"),
    ],
)
def test_markdown_is_read_and_arithmetic_is_none(text, shown):
    assert written(text).strip() == shown


def test_a_formula_in_bold_is_drawn():
    assert "<strong><math" in written("**$x^2$**")
