r"""Takes off what models put around a text that was asked for alone.

A frame is a rule, a fence, a quotation or bold type around the whole text, or a courtesy behind it (`Let me
know if you need more!`). What is said about the text itself, such as a note on its numbers, is no frame: it
stays, and the rules of the text reject it.
"""

import re

MOST_FRAMES = 8
"""The most frames around each other that are taken off (chosen: real texts have two; a model that repeats
itself leaves thousands).
"""
_RULE = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,})[ \t]*")
_FENCED = re.compile(
    r"(?P<mark>`{3,}|~{3,})[ \t]*(?:markdown|md|text|txt|plaintext|latex|tex)?[ \t]*\n"
    r"(?P<inside>(?:(?!(?P=mark)).)*)\n[ \t]*(?P=mark)",
    re.DOTALL | re.IGNORECASE,
)
_BOLD = re.compile(r"(?P<mark>\*{1,3}|__)(?!\s)(?P<inside>(?:(?!(?P=mark)).)+)(?<!\s)(?P=mark)", re.DOTALL)
_COURTESY = re.compile(
    r"\W*(?:(?:please )?let me know\b|feel free to\b"
    r"|(?:i )?hope (?:this|that|it)(?: all)? (?:help|make)s?\b"
    r"|(?:would|do) you (?:like|want) (?:me|another|more|the solution|a solution|an? hint)\b"
    r"|if you(?:[’']d like|(?: would)? like| want| need| have)"
    r" (?:me|another|more|any|further|help|a different)\b"
    r"|is there anything else\b)[^\n\d]*",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)


def unframed(text: str) -> str:
    r"""The text without its frames.

    >>> unframed("---\n\n> How many are left?\n\nI hope this helps!")
    'How many are left?'
    """
    for _ in range(MOST_FRAMES):
        before = text = text.strip()
        text = _without_courtesy(_without_rules(text))
        for frame in (_FENCED, _BOLD):
            found = frame.fullmatch(text)
            text = found["inside"].strip() if found else text
        lines = text.split("\n") if text.startswith(">") else []
        if lines and all(line.lstrip().startswith(">") or not line.strip() for line in lines):
            text = _INSIDE.sub("", text)
        if text == before:
            break
    return text.strip()


def _without_rules(text: str) -> str:
    first, newline, rest = text.partition("\n")
    if newline and _RULE.fullmatch(first):
        text = rest.strip()
    rest, newline, last = text.rpartition("\n")
    return rest.rstrip() if newline and _RULE.fullmatch(last) else text


def _without_courtesy(text: str) -> str:
    rest, gap, last = text.rpartition("\n\n")
    return rest.rstrip() if gap and _COURTESY.fullmatch(last) else text
