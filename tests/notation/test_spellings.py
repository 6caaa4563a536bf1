"""The table of spellings: canonical spellings stay as they are, and answers agree in every spelling.

If a spelling of the table led to another one of it, two readers of the table could read one text differently.
"""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.answers.equality import equal
from jz3.notation.spellings import COLOURED, COMMANDS, SHAPES, SIGNS, SPACES, STYLED, WORDED, signs_spelt


def test_no_canonical_spelling_is_spelt_otherwise():
    for name, spelling in COMMANDS.items():
        for command in re.findall(r"\\\\([A-Za-z]+)", spelling):
            assert command not in COMMANDS or command == name, name


def test_no_command_is_in_two_tables():
    tables = [frozenset(COMMANDS), SHAPES, SPACES, WORDED, STYLED, COLOURED]
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


@given(st.text())
def test_spelling_twice_is_spelling_once(text):
    assert signs_spelt(signs_spelt(text)) == signs_spelt(text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_text_stays(text):
    assert signs_spelt(text) == text


def test_digits_of_every_script_are_digits():
    for code in range(0x110000):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            assert signs_spelt(chr(code)) == str(digit), hex(code)


@pytest.mark.parametrize(
    "sign", [sign for sign in SIGNS if len(SIGNS[sign].strip()) > 1 and SIGNS[sign][0] == "\\"]
)
def test_a_sign_is_its_command(sign):
    assert equal(f"x {sign} 5", f"x {SIGNS[sign]} 5").equal


@pytest.mark.parametrize("name", ["dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"])
def test_fractions_are_one_whatever_their_size(name):
    assert equal("\\frac{3}{4}", f"\\{name}{{3}}{{4}}").equal
