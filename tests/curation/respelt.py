r"""Other spellings of the mathematics in a text, as publishers, converters and models write them.

Each is a function of a text; if it does not change a text, the text contains nothing that it respells. The
mathematics stays the same in all of them.
"""

import re

_BRACED = r"\{([^{}]*)\}"
_SIGNS = {
    "\\leq": "≤", "\\geq": "≥", "\\le": "≤", "\\ge": "≥", "\\neq": "≠", "\\ne": "≠", "\\times": "×",
    "\\cdot": "·", "\\pi": "π", "\\alpha": "α", "\\theta": "θ", "\\circ": "°", "\\infty": "∞", "\\pm": "±",
    "\\angle": "∠", "\\triangle": "△", "\\div": "÷", "\\cup": "∪", "\\cap": "∩", "\\in": "∈", "\\to": "→",
    "\\sqrt": "√", "\\ldots": "…", "\\equiv": "≡", "\\lfloor": "⌊", "\\rfloor": "⌋", "\\perp": "⊥",
    "\\parallel": "∥",
}  # fmt: skip
_RAISED = {"^2": "²", "^{2}": "²", "^3": "³", "^{3}": "³", "^\\circ": "°", "^{\\circ}": "°"}


def _commands(text, names):
    """Replace commands of a text by others of the same meaning."""
    return re.sub(r"\\([A-Za-z]+)", lambda found: names.get(found[1], found[0]), text)


def large_fractions(text):
    return _commands(text, {"frac": "\\dfrac", "dfrac": "\\tfrac", "tfrac": "\\cfrac", "binom": "\\dbinom"})


def no_sizes(text):
    r"""Remove \left and \right; if there are none, add \bigl and \bigr."""
    plain = re.sub(r"\\(?:left|right|[bB]ig+[lr]?)(?![A-Za-z])\.?", "", text)
    if plain != text:
        return plain
    return re.sub(r"(?<=[$=+ ])\(([^()$]*)\)(?=[^()]*\$)", r"\\bigl(\1\\bigr)", text)


def display_style(text):
    return re.sub(r"(\$\$?)([^$]+)\1", r"\1\\displaystyle \2\1", text)


def other_products(text):
    return _commands(text, {"cdot": "\\times", "times": "\\cdot", "div": "/", "ast": "\\times"})


def other_relations(text):
    names = {
        "leq": "\\le",
        "le": "\\leqslant",
        "geq": "\\ge",
        "ge": "\\geqslant",
        "neq": "\\ne",
        "ne": "\\neq",
    }
    return _commands(
        text, names | {"to": "\\rightarrow", "ldots": "\\dots", "cdots": "\\ldots", "bar": "\\overline"}
    )


def signs_of_unicode(text):
    for spelling, sign in _RAISED.items():
        text = re.sub(re.escape(spelling) + r"(?![\w{])", sign, text)
    return re.sub(r"\\[A-Za-z]+", lambda found: _SIGNS.get(found[0], found[0]), text)


def other_delimiters(text):
    text = re.sub(r"\$\$([^$]+)\$\$", r"\\[\1\\]", text)
    text = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text)
    return re.sub(r"\\(begin|end)\{(align|equation|gather|eqnarray)\*?\}", r"\\\1{aligned}", text)


def thin_spaces(text):
    def spaced(found):
        inner = re.sub(r"(?<=[^\\,])([+=<>]|,(?![\\\d]))", r"\\,\1\\; ", found[2])
        return f"{found[1]}{inner}{found[1]}"

    return re.sub(r"(\$\$?)([^$]+)\1", spaced, text)


def no_braces(text):
    r"""Remove braces around one letter or digit: \frac12, \sqrt2, x^2."""
    text = re.sub(r"\\([dt]?frac)\{([0-9])\}\{([0-9a-z])\}", r"\\\1\2\3 ", text)
    return re.sub(r"(\\sqrt|\^|_)\{([0-9])\}(?![0-9a-z])", r"\1\2", text)


def more_braces(text):
    text = re.sub(r"\\([dt]?frac)([0-9])([0-9])", r"\\\1{\2}{\3}", text)
    return re.sub(r"([\^_])([0-9A-Za-z])", r"\1{\2}", text)


def fractions_in_line(text):
    return re.sub(rf"\\[dt]?frac\s*{_BRACED}\s*{_BRACED}", r"(\1)/(\2)", text)


def other_words(text):
    names = {
        "text": "\\mathrm",
        "textrm": "\\text",
        "mbox": "\\text",
        "textbf": "\\mathbf",
        "mathrm": "\\operatorname",
    }
    return _commands(text, names)


def parted_thousands(text):
    return re.sub(r"(?<=\d),(?:\\!)?(?=\d{3}(?!\d))", "{,}", text)


def parted_by_spaces(text):
    return re.sub(r"(?<=\d)(?:,(?:\\!)?|\{,\})(?=\d{3}(?!\d))", r"\\,", text)


def doubled_backslashes(text):
    return re.sub(r"\\(?=[A-Za-z])", r"\\\\", text)


def spelt_products(text):
    r"""Write 3x as 3 \cdot x."""
    return re.sub(
        r"\$[^$]+\$",
        lambda found: re.sub(r"(?<![\w^_{])(\d+)([a-z])(?![a-z])", r"\1 \\cdot \2", found[0]),
        text,
    )


def no_leading_zero(text):
    return re.sub(r"(?<![\d.])0(?=\.\d)", "", text)


SPELLINGS = (
    large_fractions,
    no_sizes,
    display_style,
    other_products,
    other_relations,
    signs_of_unicode,
    other_delimiters,
    thin_spaces,
    no_braces,
    more_braces,
    fractions_in_line,
    other_words,
    parted_thousands,
    parted_by_spaces,
    doubled_backslashes,
    spelt_products,
    no_leading_zero,
)


def all_at_once(text):
    """All spellings one after the other, as a text changes when it passes through several hands."""
    for spelling in (
        no_sizes,
        no_braces,
        other_relations,
        other_products,
        thin_spaces,
        display_style,
        other_words,
    ):
        text = spelling(text)
    return other_delimiters(text)
