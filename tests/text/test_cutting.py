r"""Pieces stay within their bounds, do not overlap, give back the text except what the rules leave out, and
never end inside a word, a formula, a display or a comment; in time linear in the text.
"""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jz3.text.cutting import pieces
from jz3.text.regions import DISPLAYS, Regions

FORMULAS = [
    "$x + y = z$",
    "$x +\ny$",
    "$$a = b + c$$",
    "$$\na = b\n\n+ c\n$$",
    r"\( a + b \)",
    r"\[ a \\[4pt] b \]",
    r"$a \text{ if $b > c$ holds}$",
    "\\begin{align*}\na &= b \\\\[2pt]\n c &= \\text{so $d$}\n\\end{align*}",
    "\\begin{CD}\nA @>f>> B \\\\\n@VVV @VVV\n\\end{CD}",
    '\\begin{tikzcd}\nA \\arrow[r, "f"] & B\n\\end{tikzcd}',
    "\\begin{equation}\n\\begin{cases} a & b \\\\ c & d \\end{cases}\n\\end{equation}",
    r"$\begin{pmatrix} 1 & 2 \end{pmatrix}$",
    r"$\$ 5 + \$ 6$",
]
PROSE = ["word", "longer", "end.", "Is it?", r"\cite{a, b}", r"50\% of", r"\$7", r"row \\[4pt] end"]
TEXTS = st.lists(st.sampled_from(FORMULAS + PROSE), min_size=1, max_size=60)


@given(st.text(alphabet="ab .$\n\\()[]{}%`#", max_size=300), st.integers(1, 60), st.integers(1, 20))
@example("$a$$b$ $$ c \\[ d", 5, 1)
def test_pieces_lie_in_their_bounds_and_do_not_overlap(text, length, least):
    for notation in ("latex", "markdown"):
        end = 0
        for offset, piece in pieces(text, length, 100, min(least, length), notation):
            assert offset >= end
            assert min(least, length) <= len(piece) <= length
            assert text[offset : offset + len(piece)] == piece
            end = offset + len(piece)


def cut_formulas(parts, found):
    """Formulas inside which a piece begins or ends."""
    edges = {edge for offset, piece in found for edge in (offset, offset + len(piece))}
    text, place = " ".join(parts), 0
    for part in parts:
        begin = text.index(part, place)
        place = begin + len(part)
        if part in FORMULAS and any(begin < edge < place for edge in edges):
            yield part


@given(TEXTS, st.integers(80, 200), st.sampled_from(["latex", "markdown"]))
def test_pieces_give_the_text_back_but_for_blanks(parts, length, notation):
    text = " ".join(parts)
    found = pieces(text, length, 1000, 1, notation)
    assert "".join("".join(piece for _, piece in found).split()) == "".join(text.split())
    assert not list(cut_formulas(parts, found))


@given(TEXTS, st.integers(10, 80), st.integers(1, 10), st.sampled_from(["latex", "markdown"]))
def test_formulas_longer_than_a_piece_are_passed_over_whole(parts, length, least, notation):
    found = pieces(" ".join(parts), length, 1000, least, notation)
    assert not list(cut_formulas(parts, found))
    for _, piece in found:
        assert len(re.findall(r"(?<!\\)\$", piece)) % 2 == 0
        assert piece.count("\\begin{") == piece.count("\\end{")


@pytest.mark.parametrize("name", sorted(DISPLAYS))
@pytest.mark.parametrize("star", ["", "*"])
def test_each_display_stays_whole(name, star):
    display = f"\\begin{{{name}{star}}} a word. And more. \\end{{{name}{star}}}"
    text = f"Some words stand here before it. {display} And after."
    assert any(display in piece for _, piece in pieces(text, len(display) + 10, 9, 1, "latex"))


@pytest.mark.parametrize(
    ("text", "notation", "regions"),
    [
        (r"a \\[4pt] b \\[2em] c] d", "latex", []),
        ("bread at $2.35, milk at $1.19 and $x$", "markdown", ["$x$"]),
        ("from $5 to $7 (or $8) a head", "markdown", []),
        ("$2$ and $3$", "markdown", ["$2$", "$3$"]),
        (r"$5 \cdot 13 = 65 $ too", "latex", [r"$5 \cdot 13 = 65 $"]),
        ("$a$$b$", "latex", ["$a$", "$b$"]),
        ("lost $ here\n\nand $x y$ there", "latex", ["$x y$"]),
        (r"\(open" "\n\n" r"\(x y\)", "latex", [r"\(x y\)"]),
        (r"\[ open \[ x y \]", "latex", [r"\[ x y \]"]),
        ("100 % of $a b$", "latex", ["% of $a b$"]),
        ("100 % of $a b$", "markdown", ["$a b$"]),
        ("```\ncost $5\n``` \nthen $x y$ $ z", "markdown", ["$x y$"]),
        ("\\begin{verbatim}\n$ \\[ %\n\\end{verbatim} $x y$", "latex", ["$x y$"]),
        (r"\verb|$ %| and $x y$", "latex", [r"\verb|$ %|", "$x y$"]),
        (r"$\Big{$ and $x y$", "latex", [r"$\Big{$", "$x y$"]),
        ("x $$\n\nNew $y z$", "latex", ["$y z$"]),
    ],
)
def test_regions_are_those_that_a_reader_sees(text, notation, regions):
    found = Regions(text, notation)
    spans = {span for place in range(len(text)) if (span := found.around(place))}
    assert [text[begin:end] for begin, end in sorted(spans)] == regions


OPENERS = [
    r"\( ", r"\[ ", "$ ", "$$ ", "$$\n", r"\begin{align} ", "$ {", "%a\n", "```\n", "~~~\n", r"\verb|a ",
    "a\n\n", "$5 a ", "$a$$b$ ", r"\begin{verbatim} ", r"\begin{align}\end{gather} ", "word ", "\n \n",
]  # fmt: skip


@pytest.mark.parametrize("notation", ["latex", "markdown"])
def test_time_is_linear_whatever_opens_and_never_closes(notation):
    """A quadratic scanner takes seconds for each of these."""
    started = time.process_time()
    for opener in OPENERS:
        pieces(opener * (80_000 // len(opener)), 1000, 10**6, 200, notation)
    assert time.process_time() - started < 8


@pytest.mark.long
def test_ten_megabytes_take_less_than_ten_seconds():
    page = "Let $x_{1}$ be in $\\mathbb{R}^{n}$, see \\cite{a}.\n\\begin{align}\na &= b\n\\end{align} So.\n\n"
    text = page * (10_000_000 // len(page))
    started = time.process_time()
    found = pieces(text, 1000, 10**6, 200, "latex")
    assert time.process_time() - started < 10
    assert sum(len(piece) for _, piece in found) > 0.99 * len(text)


def test_texts_without_blanks_are_cut_behind_their_sentences():
    text = "前n个奇数之和等于n的平方。这是为什么？「看图就知道！」" * 20
    found = pieces(text, 60, 100, 20)
    assert "".join(piece for _, piece in found) == text
    assert {piece[-1] for _, piece in found} <= set("。？」")
    long = "数" * 200 + "。" + text
    assert "".join(piece for _, piece in pieces(long, 60, 100, 20)) == text
