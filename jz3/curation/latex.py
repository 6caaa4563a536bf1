r"""Whether the LaTeX of a text closes what it opens: dollars, braces, `\(`, `\[`, environments, `\left`.

Cautious: a text with an odd dollar is let through where one of them may be a price.
"""

import re

_UNESCAPED = r"(?<!\\)(?:\\\\)*"
_DOLLARS = re.compile(_UNESCAPED + r"\$")
_PRICE = re.compile(r"\$\s?\d[\d,.]*(?![\d$])")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_PAIRS = (
    (r"\(", re.compile(_UNESCAPED + r"\\\("), re.compile(_UNESCAPED + r"\\\)")),
    (r"\[", re.compile(_UNESCAPED + r"\\\["), re.compile(_UNESCAPED + r"\\\]")),
    (r"\left", re.compile(r"\\left(?![a-zA-Z])"), re.compile(r"\\right(?![a-zA-Z])")),
)
_BEGIN = re.compile(r"\\begin\{([^{}]*)\}")
_END = re.compile(r"\\end\{([^{}]*)\}")


def unbalanced(text: str) -> str | None:
    """What is not closed, or closed without being opened; None where all is."""
    if "$" in text and len(_DOLLARS.findall(text)) % 2 and not _PRICE.search(text):
        return "$"
    if not _braces_match(text):
        return "{"
    for name, opening, closing in _PAIRS:
        if len(opening.findall(text)) != len(closing.findall(text)):
            return name
    if "\\begin" in text or "\\end" in text:
        opened, closed = sorted(_BEGIN.findall(text)), sorted(_END.findall(text))
        if opened != closed:
            return next(iter({*opened} ^ {*closed}), opened[0] if opened else closed[0])
    return None


def _braces_match(text: str) -> bool:
    r"""Also where one is closed before it is opened; braces of sets are written `\{`."""
    depth = 0
    for found in _BRACES.finditer(text):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth < 0:
            return False
    return depth == 0
