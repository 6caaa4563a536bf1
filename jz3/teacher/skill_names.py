"""Skills as a teacher writes them: one per line, or as a list in another form, brought into one spelling.

Rules: `truncated`, `not_finished`, `no_skill` (no line of the answer is a short name without numbers).
"""

import re
from collections.abc import Iterator

from jz3.generation.chat import ChatAnswer
from jz3.notation.thoughts import without_thoughts
from jz3.teacher.solutions import finished
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable
from jz3.text.reply_frames import unframed
from jz3.text.singular import singular

BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,2}[.):])\s*")
LEAD = re.compile(r"^[^:]*\bskills?\b[^:]*:", re.IGNORECASE)
"""Text before a list, perhaps on its line."""
EXPLAINED = re.compile(r"\s*(?:\s[-–—]\s|[:(]).*$")
"""The explanation after the name of a skill."""
QUOTED = re.compile(r'"([^"\n]+)"(?P<key>\s*:)?')
NOT_LISTED = re.compile(
    r"^\s*(?:`{3}|~{3}|(?!\s*(?:[-*•–+]\s|\(?\d))(?=.*\bskills?\b)(?:[#|]|\*\*|__|\w+\s*$|.*[.!]\s*$))",
    re.IGNORECASE,
)
"""A fence, or a heading or sentence about skills."""
CHATS = frozenset({"im", "ive", "me", "you", "your", "sorry", "sure", "please", "cant", "cannot"})
"""Words of one who speaks of himself instead of naming skills."""
SIGNS = re.compile(r"[*_`#\"“”'’\[\]|]|\\text")
NOT_LETTERS = re.compile(r"[^\w]+")


def read_skills(reply: ChatAnswer, most_skills: int, most_words: int) -> list[str] | Unusable:
    """The first skills of an answer, in order, each once."""
    unfinished = finished(reply)
    if unfinished is not None:
        return unfinished
    text = unframed(without_thoughts(reply.text).replace("\r\n", "\n"))
    names = (skill_name(line, most_words) for line in _lines(text))
    found = list(dict.fromkeys(name for name in names if name))
    return found[:most_skills] or Unusable("no_skill", text[:EVIDENCE_CHARACTERS])


def skill_name(line: str, most_words: int) -> str | None:
    """A skill in lower case, with its last word in the singular; None if the line is no skill."""
    plain = EXPLAINED.sub("", SIGNS.sub("", BULLET.sub("", line)))
    words = NOT_LETTERS.sub(" ", plain.lower()).split()
    if not CHATS.isdisjoint(words):
        return None
    if not 0 < len(words) <= most_words or any(any(map(str.isdigit, word)) for word in words):
        return None
    return " ".join([*words[:-1], singular(words[-1])])


def _lines(text: str) -> Iterator[str]:
    quoted = list(QUOTED.finditer(text))
    if text.lstrip("` \njson").startswith(("[", "{")) and quoted:
        yield from (one[1] for one in quoted if one["key"] is None)
        return
    for line in text.split("\n"):
        plain = SIGNS.sub("", line)
        lead = LEAD.match(plain)
        if lead is None and NOT_LISTED.match(line):
            continue
        rest = plain[lead.end() :] if lead else line
        if not rest.strip().rstrip(".").strip() or rest.rstrip().endswith(":"):
            continue
        parts = re.split(r"[;,]", rest)
        yield from parts
