"""What texts of models would do to a terminal is shown, not done."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.cli.output import show
from jz3.core.errors import UserError
from jz3.core.terminal import printable

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
