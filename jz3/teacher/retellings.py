"""Whether a question retold from somebody's life still asks for the same (PersonaMath).

The only known answer is that of the original question. So the retelling must state the same numbers and ask
something; whether it asks for the same quantity shows only once it is solved.

Rules: `reply_is_empty`, `remark` (more than a question: a note, a solution), `persona_named` (it mentions a
persona, or addresses the reader as one), `numbers_changed`, `nothing_asked`, `same_text` (hardly a word
changed).
"""

import re

from jz3.teacher.stated_numbers import stated_numbers
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

REMARK = re.compile(
    r"^\W*(?:note|remark|hint|explanation|solution|answer|changes?)"
    r"(?: (?:of|on|to|for|made)\b[^\n:]{0,40})?\W{0,3}:"
    r"|^\W*(?:note that|(?:in this version,? )?i(?:[’']ve| have)? (?:kept|changed|preserved|rewrote))\b"
    r"|^\W*this (?:version|retelling|rewording|question) (?:keeps|retains|preserves|has|uses)\b"
    r"|\\boxed\b",
    re.IGNORECASE | re.MULTILINE,
)
PERSONA_NAMED = re.compile(
    r"\bpersonas?\b"
    r"|\b(?:you are|you[’']re|imagine (?:that )?(?:being|you are|you[’']re)) an?\b"
    r"|\b(?:you (?:work|serve)|as someone who|from the (?:view|perspective|point of view) of)\b"
    r"|\bas an? [^.?!,]{3,80},\s+you\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"[?？]|\b(?:find|compute|calculate|determine|evaluate|solve|simplify|count|work out|express|convert"
    r"|prove|show that|estimate|factor|expand)\b"
    r"|(?:^|[.!:;,]\s+|\band\s+)(?:write|add|take|give|state|name|list|multiply|divide|subtract|complete)\b",
    re.IGNORECASE,
)
NGRAM = 5
LARGEST_OVERLAP = 0.9
"""From this Jaccard index of 5-grams on, two texts count as the same (chosen: one word in a hundred
changed).
"""


def not_a_retelling(question: str, text: str) -> Unusable | None:
    """Why a text is not the question retold; None if it is."""
    if not text:
        return Unusable("reply_is_empty", "")
    for rule, pattern in (("remark", REMARK), ("persona_named", PERSONA_NAMED)):
        found = pattern.search(text)
        if found is not None and not pattern.search(question):
            return Unusable(rule, text[max(0, found.start() - 50) :][:EVIDENCE_CHARACTERS])
    given, now = stated_numbers(question), stated_numbers(text)
    if not given.as_in(now):
        return Unusable("numbers_changed", f"{given} became {now}: {text}"[:EVIDENCE_CHARACTERS])
    if not ASKS.search(text) and ASKS.search(question):
        return Unusable("nothing_asked", text[-EVIDENCE_CHARACTERS:])
    if overlap(question, text) >= LARGEST_OVERLAP:
        return Unusable("same_text", text[:EVIDENCE_CHARACTERS])
    return None


def overlap(one: str, other: str) -> float:
    """Jaccard index of the word 5-grams of two texts; a shorter text is one gram."""
    some, others = _grams(one), _grams(other)
    return len(some & others) / len(some | others)


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + NGRAM]) for start in range(max(1, len(words) - NGRAM + 1))}
