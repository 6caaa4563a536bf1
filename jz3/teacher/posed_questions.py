r"""Reads the questions from a teacher's answer, and says which are self-contained (SynthLLM).

An answer has questions under headings (`[Question 1]`), each with lines `Level: ...` and `Origin: ...` or
`Concepts: ...` and its text. The origin may also be a mark in the heading: paper and prompt differ in this,
so both are read. Headings may be in bold, and numbers may replace them.

Rules for an answer: `unsuitable` (the teacher refuses the passage), `no_question`. Rules for a question:

- `too_many`: beyond those asked for
- `empty_question`
- `remark`: a solution or a note is beside it
- `names_document`: it refers to a text that its solver does not see
- `nothing_asked`
- `too_few_concepts`: it names fewer than two of those that it was to combine
- `same_concepts`: as an earlier question of the answer

Nothing shows whether an answer is right, because there is no label.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from jz3.teacher.concept_names import REFUSED, UNSUITABLE, concept_name
from jz3.teacher.retellings import ASKS, REMARK
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

LEAST_CONCEPTS = 2
"""The fewest given concepts that a question must combine (paper: two or three)."""
_HEADING = re.compile(
    r"^[ \t]*(?:[*_#>\[(<【][ \t]*){0,12}(?:question|problem|exercise|q)"
    r"[ \t]*(?:no\.?[ \t]*)?#?\d{1,2}\b(?P<rest>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"^[ \t]*\**\(?\d{1,2}[.)]\**[ \t]+(?P<rest>[^\n]*)$", re.MULTILINE)
"""Numbers in place of headings, if an answer has no headings."""
_FIELD = re.compile(
    r"^[ \t]*(?:[-•*][ \t]+)?[*_\[]*(?P<name>origin|source|(?:school |educational )?level"
    r"|(?:key )?concepts?(?: used| combined)?)[*_]*[ \t]*[:：][*_ \t]*(?P<value>[^\n]*?)[*_\] \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(
    r"\A[\s*_#:.\-–—\])>】]*(?:(?:question|problem|text)[*_]*[ \t]*[:：][*_ \t]*)?", re.IGNORECASE
)
_LISTED = re.compile(
    r"^(?P<name>[ \t*_\[]*(?:key )?concepts?(?: used| combined)?[*_]*[ \t]*[:：][*_]*)[ \t]*\n"
    r"(?P<items>(?:[ \t]*(?:[-•*]|\d[.)])[ \t]+[^\n]+(?:\n|\Z))+)",
    re.IGNORECASE | re.MULTILINE,
)
_BULLET = re.compile(r"^[ \t]*(?:[-•*]|\d[.)])[ \t]+", re.MULTILINE)
_TAG = re.compile(r"[\[(<][ \t]*/?([a-z][a-z ,-]*)[\])>]", re.IGNORECASE)
_ORIGINS: tuple[tuple[Literal["taken", "new"], re.Pattern[str]], ...] = (
    (
        "taken",
        re.compile(r"\b(?:taken|existing|extracted|original|from the (?:text|document))\b", re.IGNORECASE),
    ),
    ("new", re.compile(r"\b(?:new|newly|created|generated|made|invented)\b", re.IGNORECASE)),
)
_SOLVED = re.compile(r"^\W*(?:solution|answer|explanation)\b\W{0,4}$", re.IGNORECASE | re.MULTILINE)
_CLOSING = re.compile(
    r"^[ \t]*(?:-{3,}|\*{3,}|\[/?(?:end|question)[^\]\n]*\]|</[a-z ]+\d*>)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_DOCUMENT = re.compile(
    r"\b(?:the|this|that|given|above|provided)\s+(?:passage|document|text|article|excerpt|lecture|snippet)s?\b"
    r"|\bas (?:shown|described|mentioned|defined|discussed|stated) (?:above|earlier|before)\b"
    r"|\b(?:theorem|lemma|figure|exercise|corollary) \d",
    re.IGNORECASE,
)
_SCHOOLS = (
    ("middle", re.compile(r"\b(?:middle|junior)\b|\bgrades? [6-8]\b", re.IGNORECASE)),
    ("college", re.compile(r"\b(?:college|university|(?:under)?graduate|tertiary)\b", re.IGNORECASE)),
    ("high", re.compile(r"\b(?:high|secondary)\b|\bgrades? (?:9|1[0-2])\b", re.IGNORECASE)),
    ("grade", re.compile(r"\b(?:elementary|primary)\b|\bgrades?[ -]?(?:school|[1-5]\b)", re.IGNORECASE)),
)
"""The first pattern that fits decides: `junior high school` is middle."""


@dataclass(frozen=True)
class Posed:
    """A question of an answer."""

    place: int
    """Its place in the answer, from 1."""
    text: str
    origin: Literal["taken", "new"] | None
    school: str | None
    """The teacher's name for the level."""
    concepts: tuple[str, ...]

    @property
    def level(self) -> str | None:
        """The stage of school in jz3's words; None if the teacher names none."""
        found = (level for level, pattern in _SCHOOLS if self.school and pattern.search(self.school))
        return next(found, None)


def read_questions(
    answer: str, most: int, given: Collection[str] | None
) -> list[tuple[Posed, Unusable | None]] | Unusable:
    """The questions of an answer, each with what is wrong with it; `given` are the concepts of which each
    must combine two.
    """
    if UNSUITABLE.match(answer):
        return Unusable("unsuitable", answer[:EVIDENCE_CHARACTERS])
    found = list(_posed(answer))
    if not found:
        if REFUSED.search(answer):
            return Unusable("unsuitable", answer[:EVIDENCE_CHARACTERS])
        return Unusable("no_question", answer[:EVIDENCE_CHARACTERS])
    read: list[tuple[Posed, Unusable | None]] = []
    combined: set[frozenset[str]] = set()
    for one in found:
        wrong = Unusable("too_many", f"{one.place} of {most}") if one.place > most else _wrong(one)
        if wrong is None and given is not None:
            concepts = frozenset(one.concepts) & frozenset(given)
            shown = "; ".join(one.concepts)[:EVIDENCE_CHARACTERS]
            if len(concepts) < LEAST_CONCEPTS:
                wrong = Unusable("too_few_concepts", shown)
            elif concepts in combined:
                wrong = Unusable("same_concepts", shown)
            else:
                combined.add(concepts)
        read.append((one, wrong))
    return read


def _wrong(one: Posed) -> Unusable | None:
    if not one.text:
        return Unusable("empty_question", "")
    for rule, pattern in (("remark", REMARK), ("remark", _SOLVED), ("names_document", _DOCUMENT)):
        found = pattern.search(one.text)
        if found is not None:
            return Unusable(rule, one.text[max(0, found.start() - 50) :][:EVIDENCE_CHARACTERS])
    if not ASKS.search(one.text):
        return Unusable("nothing_asked", one.text[-EVIDENCE_CHARACTERS:])
    return None


def _posed(answer: str) -> Iterator[Posed]:
    heads = list(_HEADING.finditer(answer)) or list(_NUMBER.finditer(answer))
    ends = [*(head.start() for head in heads), len(answer)][1:]
    for place, (head, end) in enumerate(zip(heads, ends, strict=True), 1):
        marked = " ".join(_TAG.findall(head["rest"]))
        body = _LISTED.sub(_in_one_line, f"{_without_tags(head['rest'])}\n{answer[head.end() : end]}")
        fields = {
            found["name"].lower().split()[-1]: found["value"].strip() for found in _FIELD.finditer(body)
        }
        said = f"{marked} {fields.get('origin', fields.get('source', ''))}"
        concepts = next(
            (value for name, value in fields.items() if name.startswith(("concept", "used", "combined"))), ""
        )
        yield Posed(
            place=place,
            text=_text(body),
            origin=next((name for name, pattern in _ORIGINS if pattern.search(said)), None),
            school=fields.get("level") or None,
            concepts=tuple(
                dict.fromkeys(filter(None, map(concept_name, re.split(r"[;,|]|\s\+\s", concepts))))
            ),
        )


def _without_tags(rest: str) -> str:
    """The text after the number in a heading, without marks of the origin."""
    return _TAG.sub(lambda tag: "" if any(each.search(tag[1]) for _, each in _ORIGINS) else tag[0], rest)


def _in_one_line(found: re.Match[str]) -> str:
    """Concepts with semicolons between them, where a teacher lists them below."""
    return f"{found['name']} {'; '.join(_BULLET.sub('', found['items']).split(chr(10)))}\n"


def _text(body: str) -> str:
    plain = _CLOSING.sub("", _FIELD.sub("", body)).strip()
    plain = _LABEL.sub("", plain).strip()
    return re.sub(r"\n{3,}", "\n\n", plain).strip("*_ \n")
