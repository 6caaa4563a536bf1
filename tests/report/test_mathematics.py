r"""Formulas become MathML; what cannot be read is shown as it was written, and never stops the page."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.report.mathematics import mathml, pieces, with_mathematics

COMMANDS = r"""
\frac { } [ ] \sqrt x 2 ^ _ \left( \right) \begin{matrix} \end{matrix} & \\ \text \color{red} \unicode < >
\href{javascript:alert(1)} \class{a} \style{color:red} \left \right \limits \binom \skew \over \genfrac $
\rule{1em}{2em} \operatorname \boxed \( \) \[ \] # % ' &lt;script&gt; \hspace{1em} \tag{1} \not
"""
PIECES = st.sampled_from(COMMANDS.split())


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("so $x^2$ is", "<msup>"),
        (r"so \(\frac{1}{2}\) is", "<mfrac>"),
        (r"\[\sqrt{2}\]", "<msqrt>"),
        ("$$a$$", 'display="block"'),
        (r"The answer is \boxed{\frac{3}{4}}.", "<mfrac>"),
        (r"It is \frac{3}{4} of it.", "<mfrac>"),
        (r"$a < b$", "&lt;"),
        (r"$$\begin{aligned}a &= b\\ c &= d\end{aligned}$$", "</mtr><mtr>"),
    ],
)
def test_a_formula_is_drawn(text, drawn):
    shown = with_mathematics(text)
    assert "<math" in shown
    assert drawn in shown
    assert "$" not in shown
    assert "\\" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and then $7 more.",
        r"\$5 and \$7",
        r"\boxed{never closed",
        r"$\frac{1}{$",
        r"$\newcommand{\a}{\b\b}\newcommand{\b}{\a}\a$",
        "$" + "x" * 3000 + "$",
        r"an \unknown{command}",
        "$ $",
    ],
)
def test_what_is_no_readable_formula_is_shown_as_it_was_written(text):
    assert with_mathematics(text) == text


def test_signs_that_the_converter_writes_as_entities_come_out_as_signs():
    assert ">×</mo>" in with_mathematics(r"$2 \times 3$")


def test_a_formula_can_neither_link_nor_style_nor_hold_elements():
    shown = with_mathematics(
        r"$\href{javascript:alert(1)}{x} \style{color:red}{y} \class{a}{z} \text{<b>&lt;i&gt;}$"
    )
    assert "<math" in shown
    assert not any(bad in shown for bad in ("href", "style", "class", "<b>", "<i>"))


@given(st.lists(PIECES, max_size=12).map("".join))
def test_damaged_latex_never_raises(latex):
    shown = mathml(latex, "inline")
    assert shown is None or shown.startswith("<math")
    assert with_mathematics(f"${latex}$")


# The form of a formula in one expression, which takes quadratic time if openings never close.
FORMULA = re.compile(
    r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)|(?<!\\)\$(?! )[^$\n]+?(?<![ \\])\$(?!\d)", re.DOTALL
)
SIGNS = st.sampled_from(["$", "$$", r"\(", r"\)", r"\[", r"\]", "\\", " ", "\n", "a", "5", "x^2"])


@given(st.lists(SIGNS, max_size=30).map("".join))
def test_formulas_begin_and_end_as_their_signs_say(text):
    plain, place = [], 0
    for found in FORMULA.finditer(text):
        plain.append(text[place : found.start()])
        place = found.end()
    assert list(pieces(text))[::2] == [*plain, text[place:]]


def test_openings_that_never_close_take_linear_time():
    """100 kB of each; 22 s if each is searched for to the end of the text."""
    started = time.process_time()
    for opening in (r"\(", r"\[", "$ ", "$$ ", r"\(a ", "\\)"):
        with_mathematics(opening * (100_000 // len(opening)))
    assert time.process_time() - started < 5
