r"""Boxes of a response: `\boxed{}`, `\fbox{}`, `\framebox{}`, and several of them that make one answer."""

import re
from itertools import pairwise

from jz3.answers.notation import clean, closing_brace
from jz3.answers.relations import number_of

MAX_ANSWER = 4000  # characters; chosen: what equality looks at
MAX_BOXES = 8  # chosen: boxes read from the end; of more than eight parts no gold of the benchmarks is

_BOX = re.compile(
    r"(?:\\|\x08|(?<![A-Za-z\\]))(?:boxed|fbox|framebox|oxed)(?![A-Za-z])\s*(?:\[[^\]]{0,20}\]){0,2}"
)
_STARTS = ("boxed", "fbox", "framebox", "\x08oxed")
_BARE = re.compile(
    r"[ \t]*(-?\\[dt]?frac\s*\{[^{}]{1,40}\}\s*\{[^{}]{1,40}\}|-?\\sqrt\s*\{[^{}]{1,40}\}"
    r"|-?\$?\d[\d.,]*(?:/\d+)?%?"
    r"|[A-Za-z](?![A-Za-z]))"
)
_ROUND = re.compile(r"\(([^()\n]{1,60})\)")
_BETWEEN = re.compile(
    r"(?:\s*[a-z]{1,14}s(?=\s+(?:and|or)\s))?"  # what is counted: `\boxed{2} cats and \boxed{3} dogs`
    r"(?:[\s$,;&~*.]|\\[()\[\],;: !]|\\\\|\\q?quad|\band\b|\bor\b|\bthus\b|\bbut\b|\bas well as\b"
    r"|\\(?:text|mathrm|textbf)\s*\{[^{}]{0,40}\}|for part \(?[a-z]\)?|\([a-z]\)"
    r"|\n[ \t]*(?:[-•]|\d[.)])[ \t]|[A-Za-z](?:_\{?\w{1,3}\}?)?\s*&?=)*"
)
_JOINS = re.compile(r"[,;&]|\n[ \t]*(?:[-•]|\d[.)])|\b(?:and|or)\b")
_PLACEHOLDERS = frozenset(
    ("answer", "your answer", "final answer", "the answer", "...", "\\ldots", "\\dots", "\\cdots")
)
_LABEL = re.compile(
    r"(?:\\text(?:bf)?\s*\{\s*)?(?:the\s+)?(?:final\s+"
    r"|correct\s+)?answer(?:\s+is)?\s*[:=]?\s*\}?\s*(?:[:=]\s*)?(?=\S)",
    re.IGNORECASE,
)


def boxed_answer(text: str) -> tuple[str, int] | None:
    """Content and end of the last box whose braces match; includes the boxes before it in the same list."""
    boxes = _boxes(text)
    if not boxes:
        return None
    contents = [boxes[0][2]]
    for (start, _, _), (_, end, content) in pairwise(boxes):
        between = text[end:start]
        joined = len(between) <= MAX_BETWEEN and _BETWEEN.fullmatch(between) is not None
        if not joined or not (_JOINS.search(between) or not between.strip()):
            break
        contents.append(content)
    distinct = _distinct(contents[::-1])
    return ", ".join(map(_unlabelled, distinct)), boxes[0][1]


def _distinct(contents: list[str]) -> list[str]:
    r"""Of contents that give the same number, keep the last: of `15\frac{39}{40}` and `\frac{639}{40}`, the
    second.
    """
    kept: list[str] = []
    numbers: set[float] = set()
    for content in reversed(contents):
        number = number_of(clean(content)) if len(content) < MAX_NUMBER else None
        if content in kept or (number is not None and number in numbers):
            continue
        if number is not None:
            numbers.add(number)
        kept.append(content)
    return kept[::-1]


MAX_NUMBER = 60  # chosen: characters of a number that may be said twice
MAX_BETWEEN = 80  # chosen: characters between two boxes of one answer


def _boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of the last boxes, the last one first; empty and unclosed ones are skipped."""
    found: list[tuple[int, int, str]] = []
    end = len(text)
    for _ in range(2 * MAX_BOXES):
        start = max(text.rfind(name, 0, end) for name in _STARTS)
        if start < 0 or len(found) == MAX_BOXES:
            break
        at = start - 1 if start and text[start - 1] in "\\\x08" and text[start] != "\x08" else start
        head = _BOX.match(text, at)
        box = None if head is None else _content(text, head.end())
        if box is not None and not any(at < first for first, _, _ in found[-1:] if box[1] > found[-1][0]):
            found.append((at, box[1], box[0]))
        end = start
    return found


def _content(text: str, start: int) -> tuple[str, int] | None:
    if text[start : start + 1] != "{":
        token = _BARE.match(text[start - 1 : start + 100]) if text[start - 1 : start] in " \t" else None
        token = token or _BARE.match(text[start : start + 100]) or _ROUND.match(text[start : start + 100])
        return None if token is None else (token[1].rstrip(".,"), start + token.end())
    window = text[start : start + MAX_ANSWER]
    end = closing_brace(window, 0)
    content = window[1:end].strip() if end > 0 else ""
    return (content, start + end + 1) if content and content.lower() not in _PLACEHOLDERS else None


def _unlabelled(content: str) -> str:
    r"""The 460 in `\text{The answer is 460}` or `\text{Answer: }460`."""
    label = _LABEL.match(content)
    if label is None or label.end() == len(content):
        return content
    rest = content[label.end() :].strip()
    return rest[:-1].strip() if rest.count("}") == rest.count("{") + 1 and rest.endswith("}") else rest
