"""Tokens of school notation: numbers, commands, words for functions, letters and marks.

A token is (kind, text, whether a space precedes it). Other text raises `UnreadableError`.
"""

import re


class UnreadableError(ValueError):
    """The text is not an expression of this grammar."""


FUNCTIONS = [
    "arcsinh",
    "arccosh",
    "arctanh",
    "arcsin",
    "arccos",
    "arctan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "sin",
    "cos",
    "tan",
    "cot",
    "sec",
    "csc",
    "exp",
    "log",
    "ln",
    "lg",
]
ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Phi",
    "Psi",
    "Omega",
    "ell",
    "hbar",
    "infty",
    "emptyset",
    "partial",
    "nabla",
]
_PLAIN_WORDS = [*FUNCTIONS, "sqrt", "infinity", "infty", "inf", "theta", "alpha", "beta", "pi"]
_KNOWN = {*FUNCTIONS, *GREEK, "sqrt", "frac", "binom", "gcd", "lcm", "max", "min", "bmod"}
ACCENTS = {
    *[
        "vec",
        "overline",
        "underline",
        "hat",
        "widehat",
        "bar",
        "dot",
        "ddot",
        "tilde",
        "mathbb",
        "mathcal",
        "mathbf",
        "mathfrak",
        "mathscr",
    ],
    *["overrightarrow", "overleftrightarrow", "wideparen", "boldsymbol", "bm", "prime"],
}
NAMED_PREFIXES = {"angle", "triangle", "measuredangle", "odot", "parallelogram"}

_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+(?![\dA-Za-z.]))?|\.\d+|\d+\.)"
    r"|(?P<text>\\text\{[^{}]*\})"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|(?P<word>" + "|".join(sorted(_PLAIN_WORDS, key=len, reverse=True)) + r")"
    r"|(?P<letter>[A-Za-z])"
    r"|(?P<mark>\*\*|\\[{}|]|[-+*/^_()\[\]{}|!%'&,])"
    r"|(?P<space>\s+)"
    r"|(?P<stray>\\(?=\d))"
)


Token = tuple[str, str, bool]


def tokens_of(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    spaced = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError(f"unknown character at {position}")
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "space":
            spaced = True
            continue
        if kind == "stray":
            continue
        if match["text"]:
            content = match["text"][6:-1].strip()
            tokens.append(("letter" if len(content) == 1 and content.isalpha() else "text", content, spaced))
        elif kind == "command":
            tokens.extend(_commands(match["command"], spaced=spaced))
        elif match[0] == "**":
            tokens.append(("mark", "^", spaced))
        else:
            tokens.append(("command" if kind == "word" else kind, match[0], spaced))
        spaced = False
    return tokens


def _commands(name: str, *, spaced: bool) -> list[Token]:
    r"""The tokens of a command; `\cotx`, left by a careless normalisation, is `\cot x`."""
    if name in _KNOWN or name in ACCENTS or name in NAMED_PREFIXES:
        return [("command", name, spaced)]
    for known in sorted([*FUNCTIONS, "sqrt"], key=len, reverse=True):
        if name.startswith(known):
            letters: list[Token] = [("letter", letter, False) for letter in name[len(known) :]]
            return [("command", known, spaced), *letters]
    return [("command", name, spaced)]
