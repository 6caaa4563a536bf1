r"""What Python prints, in mathematical notation: `[np.int64(1), Fraction(1, 2)]` is `[1, 1/2]`.

It reads the notations of Python, numpy, sympy, mpmath, fractions and decimal for numbers, lists, sets,
intervals and matrices. Other text is returned unchanged.
"""

import re
from collections.abc import Iterator

_INNER = r"\(\s*((?:[^()]|\([^()]*\))*?)\s*\)"
_QUOTED = re.compile(r"(?:Decimal|mpf|Float|Symbol|mpc|str_?)\(\s*['\"]([^'\"]*)['\"][^()]*\)")
_RATIO = re.compile(r"(?:Fraction|Rational)\(\s*(-?\w+)\s*(?:,\s*(?:denominator=)?(\w+)\s*)?\)")
_CALLED = re.compile(
    r"(?:(?:np|numpy|torch|sympy|sp|mpmath)\.\w+|Integer|array|tensor|matrix|(?:Mutable|Immutable)?(?:Dense)?Matrix"
    r"|frozenset|deque|dict_values|dict_keys|list|tuple|Tuple)" + _INNER
)
_SORT = re.compile(r",\s*(?:dtype|device|shape|requires_grad)=[^,()\[\]]+")
_SETS = {"FiniteSet": "{}", "Interval": "[]", "open": "()", "Lopen": "(]", "Ropen": "[)"}
_SET = re.compile(rf"(?:(FiniteSet)|Interval\.(open|Lopen|Ropen)|(Interval)){_INNER}")
_BOTH = re.compile(r"\(?\(([^()<>=]+?) (<=?) (\w+)\) & \(\3 (<=?) ([^()<>=]+?)\)\)?")  # `(1 < x) & (x < 2)`
_SPACED = re.compile(r"\[[^\[\],]*[^\[\],\s]\s+[^\[\],\s][^\[\],]*\]")
_NAMES = (
    (re.compile(r"(?<!\w)(\d+(?:\.\d*)?(?:e[-+]?\d+)?)j\b"), r"\1i"),
    (re.compile(r"(?<![\w\\])I(?!\w)"), "i"),
    (re.compile(r"(?<![\w\\])oo(?!\w)"), r"\\infty"),
    (re.compile(r"(?<![\w\\])(?:EmptySet(?:\(\))?|set\(\))"), r"\\emptyset"),
    (re.compile(r"(?<=\d)\.(?![\d.])"), ""),
)
_TRUTHS = {"True": "Yes", "False": "No"}


def readings(printed: str) -> Iterator[str]:
    """The readings of a printed text, the closest first; the text itself is not among them."""
    plain = " ".join(printed.split())
    plain = _spelt(plain[1:-1] if re.fullmatch(r"(['\"])[^'\"]*\1", plain) else plain)
    yield plain
    if plain in _TRUTHS:
        yield _TRUTHS[plain]
    pairs = re.fullmatch(r"\[?\{([^{}]*:[^{}]*)\}\]?", plain)  # what sympy solves: {x: 1, y: 2}
    if pairs:
        plain = ", ".join(pair.partition(":")[2].strip() for pair in pairs[1].split(","))
        yield from (plain, f"({plain})")
    rows = _rows(plain)
    if rows:
        yield _matrix(rows)
    whole = re.fullmatch(r"([\[({])(.*)[\])}]", plain)
    if whole and not rows and _is_flat(whole[2]):
        inner = whole[2].strip().rstrip(",")
        yield inner
        if whole[1] == "[":
            elements = [part.strip() for part in _split(inner)]
            yield from (f"({inner})", f"\\{{{inner}\\}}")
            yield from (_matrix([[part] for part in elements]), _matrix([elements]))


def _spelt(text: str) -> str:
    """Replace calls by their arguments, from the inside out."""
    text = _QUOTED.sub(r"\1", _SORT.sub("", text))
    text = _RATIO.sub(lambda found: f"{found[1]}/{found[2]}" if found[2] else found[1], text)
    for _ in range(4):  # a matrix of fractions of numpy integers is three deep
        text, changes = _CALLED.subn(r"\1", text)
        if not changes:
            break
    text = _union(_SET.sub(_set, text))
    text = _conditions(text) if "<" in text or ">" in text else text
    text = _SPACED.sub(lambda found: ", ".join(found[0].replace("[ ", "[").replace(" ]", "]").split()), text)
    text = re.sub(r"\]\s*\[", "], [", text)
    for pattern, meant in _NAMES:
        text = pattern.sub(meant, text)
    return text.replace("**", "^")


def _set(found: re.Match[str]) -> str:
    """Read `FiniteSet(1, 2)` and its kin."""
    first, last = _SETS[found[1] or found[2] or found[3]]
    return f"{first}{found[4]}{last}"


def _union(text: str) -> str:
    """Read `Union((-oo, 1), (2, oo))`, the calls of its intervals being replaced."""
    whole = re.fullmatch(r"Union\((.*)\)", text)
    return text if whole is None else re.sub(r"([\])}])\s*,\s*(?=[\[({])", r"\1 \\cup ", whole[1])


def _conditions(text: str) -> str:
    """Read what sympy solves an inequality to: `((-oo < x) & (x < 1)) | ((2 < x) & (x < oo))`."""
    text = _BOTH.sub(_between, text)
    parts = [part.strip().removeprefix("(").removesuffix(")") for part in text.split(" | ")]
    return " or ".join(parts) if all(re.search("[<>]", part) for part in parts) else text


def _between(found: re.Match[str]) -> str:
    if found[5] == "oo":
        return f"{found[3]} {found[2].replace('<', '>')} {found[1]}"
    if found[1] == "-oo":
        return f"{found[3]} {found[4]} {found[5]}"
    return f"{found[1]} {found[2]} {found[3]} {found[4]} {found[5]}"


def _rows(text: str) -> list[list[str]]:
    """The elements of a list of lists."""
    whole = re.fullmatch(r"\[\s*(\[[^\[\]]*\](?:\s*,\s*\[[^\[\]]*\])*)\s*\]", text)
    return (
        [[part.strip() for part in _split(row)] for row in re.findall(r"\[([^\[\]]*)\]", whole[1])]
        if whole
        else []
    )


def _split(text: str) -> list[str]:
    return re.split(r",(?![^()]*\))", text)


def _is_flat(text: str) -> bool:
    return not re.search(r"[\[\]{}]", text) and text.count("(") == text.count(")")


def _matrix(rows: list[list[str]]) -> str:
    lines = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"
