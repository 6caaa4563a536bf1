"""Whatever is no markup is escaped. If this fails, a model can write what the reader's browser does."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.report.markup import Html, classed, element, escaped, joined, table
from jz3.report.writing import written

PIECES = ["<", ">", "&", '"', "'", "</p>", "<script>", "&lt;", "$", "\\text{", "}", "```\n"]
HOSTILE = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


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
    read = Read(element("p", text))
    assert (read.tags, read.text) == (["p"], text)


@given(PLAIN)
def test_any_attribute_comes_back_as_it_was(text):
    assert Read(element("p", attributes={"title": text})).attributes == [("title", text)]


@given(HOSTILE)
def test_whatever_a_model_writes_makes_only_elements_of_text_and_mathematics(text):
    tags = set(Read(written(text)).tags)
    assert not {tag for tag in tags - {"p", "div", "pre", "code"} if not tag.startswith("m")}


@given(HOSTILE)
def test_the_page_can_always_be_written_as_utf_8(text):
    assert escaped(text + "\ud800").encode()


def test_markup_is_not_escaped_again_and_lost_markup_is():
    bold = element("b", "x")
    assert element("p", bold) == "<p><b>x</b></p>"
    assert element("p", bold + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"
    assert joined([bold, "<i>"], " & ") == "<b>x</b> &amp; &lt;i&gt;"
    assert isinstance(classed("p", "note", bold), Html)


def test_names_of_elements_and_attributes_are_checked():
    with pytest.raises(AssertionError):
        element("p onclick=x")
    with pytest.raises(AssertionError):
        element("p", attributes={"a b": "x"})


def test_a_table_wants_a_cell_for_each_column():
    with pytest.raises(AssertionError):
        table(["a", "b"], [["only one"]])
