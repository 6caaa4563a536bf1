"""Control characters in texts of models are shown, and do nothing to the terminal."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.cli.output import show
from jz3.core.errors import UserError
from jz3.core.terminal import Table, printable
from tests.terminal import on_terminal

STEERING = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\r",
    "\b\b",
    "\x7f",
    "\u202ereversed",
    "\u2066",
    "\ud83d",
]


@pytest.mark.parametrize("text", STEERING)
def test_codes_are_shown_in_texts_in_json_and_in_errors(capsys, text):
    show(f"before{text}after", None, json=False)
    said = capsys.readouterr().out
    assert said.removesuffix("\n").isprintable()
    assert f"\\u{ord(text[0]):04x}" in said
    show("", {"text": text}, json=True)
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.splitlines())
    assert json.loads(said) == {"text": text}
    assert str(UserError(f"no row '{text}'")).isprintable()


@given(st.text())
def test_json_means_the_same(text):
    document = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(printable(document)) == {"text": text}


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_ordinary_text_is_left_as_it_is(text):
    assert printable(text + "\n\t") == text + "\n\t"


DRAWING = """
from jz3.cli.output import show_blocks
from jz3.core.terminal import Table
rows = [("first", "1", "words " * 20), ("second", "20", "\\x1b[2J")]
show_blocks(["before", Table(("stage", "rows", "rules"), rows, words=frozenset({0, 2}))])
"""


@pytest.mark.parametrize(("columns", "drawn"), [(120, True), (40, False)])
def test_a_table_is_drawn_where_the_terminal_is_wide_and_steers_it_nowhere(columns, drawn):
    status, said = on_terminal([sys.executable, "-c", DRAWING], columns)
    assert status == 0
    assert said.startswith("before\r\n")
    assert ("╭" in said) == drawn
    assert "\\u001b[2J" in said
    assert "\x1b[2J" not in said


@given(st.lists(st.tuples(*[st.text("ab1", min_size=1, max_size=8)] * 3), max_size=5))
def test_a_table_as_text_has_a_line_for_each_row_and_its_columns_begin_together(rows):
    table = Table(("name", "count", "why"), rows, words=frozenset({0, 2}))
    head, *lines = str(table).splitlines()
    assert len(lines) == len(rows)
    at = head.index("why")
    assert [line[at:] for line in lines] == [row[2] for row in rows]
