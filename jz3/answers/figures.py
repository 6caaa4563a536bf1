r"""Names of figures by their points, and accented letters, in one spelling.

`\bar{BA}` and `segment AB` are the segment `\overline{AB}`, `\overset{\to}{AB}` is the vector `\vec{AB}`,
`\widehat{CBA}` the angle `\angle ABC`, `\overset{\frown}{AB}` the arc `\wideparen{AB}`, `\overline x` is
`\overline{x}`. Segments, arcs, angles and lines have no direction, so the points at their ends are sorted
alphabetically. A vector has a direction.
"""

import re

_POINT = r"[A-Z](?:_\s*(?:\{\s*\w{1,3}\s*\}|\w))?'{0,2}"
_POINTS = re.compile(rf"(?:{_POINT}\s*){{2,3}}")
_EACH = re.compile(_POINT)
_KINDS = {
    **dict.fromkeys(("overline", "bar", "overbar", "widebar"), "overline"),
    **dict.fromkeys(
        ("vec", "overrightarrow", "overrightharpoon", "rightarrow", "rightharpoonup", "longrightarrow"), "vec"
    ),
    **dict.fromkeys(("overleftrightarrow", "leftrightarrow"), "overleftrightarrow"),
    **dict.fromkeys(
        ("wideparen", "overarc", "overparen", "overgroup", "arc", "frown", "smallfrown"), "wideparen"
    ),
    **dict.fromkeys(("hat", "widehat"), "hat"),
    **dict.fromkeys(("tilde", "widetilde"), "tilde"),
}
"""Commands for marks over a name (some by `\\overset`), and the command used here."""
_WORDS = {
    **dict.fromkeys(("segment", "side", "edge", "chord", "diagonal", "diameter", "radius"), "overline"),
    **dict.fromkeys(("altitude", "median", "hypotenuse", "leg"), "overline"),
    **dict.fromkeys(("vector", "ray"), "vec"),
    "line": "overleftrightarrow",
    "arc": "wideparen",
    "angle": "angle",
    "triangle": "triangle",
}
"""Words of school geometry that mean the same when they precede the points."""

_GROUP = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_ACCENTED = re.compile(
    r"\\(?:(overline|overbar|bar|widebar|vec|overrightarrow|overrightharpoon|overleftrightarrow|wideparen"
    r"|overarc|overparen|overgroup|arc|hat|widehat|tilde|widetilde)(?![A-Za-z])"
    r"|(?:overset|stackrel)\s*\{\s*\\(frown|smallfrown|rightarrow|rightharpoonup|longrightarrow"
    rf"|leftrightarrow)\s*\}})\s*(?:{_GROUP}|(\\[A-Za-z]+|[A-Za-z]))"
)
_VERTEX = re.compile(r"([A-Z])\s*\\(?:wide)?hat\s*(?:\{\s*([A-Z])\s*\}|([A-Z]))\s*([A-Z])(?![A-Za-z])")
_ALONE = re.compile(r"\\hat\{([A-Z])\}(?=\s*(?:=|$))")
_PREFIXED = re.compile(
    rf"\\(measuredangle|angle|triangle)\s*(?:\{{\s*({_POINTS.pattern})\}}|({_POINTS.pattern}))(?![A-Za-z])"
)
_SAID = re.compile(
    r"(?:\\text\s*\{\s*)?(?:the\s+)?(?:line\s+(?=segment))?"
    rf"({'|'.join(_WORDS)})(?:\s*\}}\s*|\s+)(\\[a-z]+\s?(?:{_GROUP}|{_POINTS.pattern})|{_POINTS.pattern})\}}?"
)
_MARKED = re.compile("((?:[A-Za-z][\u0304\u0305])+)|((?:[A-Za-z]\u20d7)+)|([A-Za-z]\u0302(?![a-z]))")
_MARK = re.compile("[\u0302\u0304\u0305\u20d7]")
_BARE = re.compile(
    rf"\\text\{{\s*((?:{_POINT}){{2,3}})\s*\}}|(?<![A-Za-z\\])(?<!_\{{)((?:{_POINT}){{2,3}})(?![A-Za-z_'])"
)
_FIGURE = re.compile(r"\\(overline|wideparen|angle|triangle)(?![A-Za-z])\{?\s*" + f"({_POINTS.pattern})")
_SIGN = re.compile(r"\\(?:overline|wideparen|angle|triangle|vec|overleftrightarrow|hat)(?![A-Za-z])")
_WITHOUT_DIRECTION = frozenset(("overline", "overleftrightarrow", "wideparen", "angle"))


def marks_spelt(text: str) -> str:
    """Bars, hats and arrows that Unicode puts over a letter, as commands."""
    if _MARK.search(text) is None:
        return text

    def spelt(found: re.Match[str]) -> str:
        command = "overline" if found[1] else "vec" if found[2] else "hat"
        return f"\\{command}{{{_MARK.sub('', found[0])}}}"

    return _MARKED.sub(spelt, text)


def figures_spelt(text: str) -> str:
    """A formula with each figure and each accent in its one spelling."""
    if "hat" in text:
        text = _VERTEX.sub(lambda found: f"\\angle {found[1]}{found[2] or found[3]}{found[4]} ", text)
    text = _ACCENTED.sub(_accented, text)
    if "hat" in text:
        text = _ALONE.sub(r"\\angle \1", text)
    return _PREFIXED.sub(_prefixed, text) if "angle" in text else text


def said(text: str) -> str:
    r"""`segment AB` as `\overline{AB}`; other texts unchanged."""
    found = _SAID.fullmatch(text)
    if found is None:
        return text
    return found[2] if found[2].startswith("\\") else _figure(_WORDS[found[1]], found[2])


def dressed(text: str, other: str) -> str:
    r"""The text with the figure signs of `other`, if it names points without such a sign: a question about a
    segment may be answered by `AB` as well as by `\overline{AB}`.
    """
    if _SIGN.search(text) is not None or _BARE.search(text) is None:
        return text
    kinds = {len(_EACH.findall(points)): kind for kind, points in _FIGURE.findall(other)}
    if len(kinds) != len({kind for kind, _ in _FIGURE.findall(other)}):
        return text

    def with_sign(found: re.Match[str]) -> str:
        points = found[1] or found[2]
        kind = kinds.get(len(_EACH.findall(points)))
        return found[0] if kind is None else _figure(kind, points)

    return _BARE.sub(with_sign, text)


def _accented(found: re.Match[str]) -> str:
    kind = _KINDS[found[1] or found[2]]
    content = (found[3] if found[4] is None else found[4]).replace("\\text{", "{").strip()
    while content.startswith("{") and content.endswith("}") and "{" not in content[1:]:
        content = content[1:-1].strip()
    if not _POINTS.fullmatch(content):
        return f"\\{kind}{{{content}}}"
    if kind == "hat":
        kind = "angle" if len(_EACH.findall(content)) > 2 else "wideparen"
    return _figure(kind, content)


def _prefixed(found: re.Match[str]) -> str:
    return _figure(found[1].removeprefix("measured"), found[2] or found[3])


def _figure(kind: str, written: str) -> str:
    points = _EACH.findall(written)
    if kind in _WITHOUT_DIRECTION and points[0] > points[-1]:
        points.reverse()
    return f"\\{kind} {''.join(points)} " if kind.endswith("angle") else f"\\{kind}{{{''.join(points)}}}"
