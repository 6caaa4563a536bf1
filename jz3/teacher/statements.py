"""A teacher's intermediate texts: whether rewordings and statements say what they were written from.

Rules of rewordings: `reply_is_empty`, `remark` (more than a question: a note, a solution), `numbers_changed`
(it states other numbers, or some more or less often), `nothing_asked`, `unchanged`. Rules of statements:
`reply_is_empty`, `not_a_statement` (still a question), `variable_lost` (the variable does not occur exactly
once, the answer or another number is missing, or a number was added).
"""

import re
from collections import Counter

from jz3.answers.equality import equal
from jz3.notation.thoughts import without_thoughts
from jz3.teacher.retellings import ASKS, REMARK
from jz3.teacher.stated_numbers import StatedNumbers, stated_numbers
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable
from jz3.text.reply_frames import unframed

HEADING = re.compile(
    r"\A[*_#\s\[]*(?:the\s+)?(?:(?:(?:re(?:worded|phrased|written|told|framed)|new|word)\s+)?"
    r"(?:question|problem|statement|version)"
    r"(?:\s+(?:re(?:told|written|worded|phrased)|in\s+other\s+words))?(?:\s+is)?"
    r"|rewording|re(?:worded|phrased|written|told))[\]*_:\s]*(?:\n|:[\]*_]*|\Z)",
    re.IGNORECASE,
)
"""A heading in front of the requested text, as models write it."""
TITLE = re.compile(r"\A(?:\*\*[^*\n?.!:\d]{1,60}\*\*|#{1,6}[ \t][^\n?.!:\d]{1,60})[ \t]*\n")
"""A title of the teacher's own in front of it."""
_NAMED = r"\b(?:question|problem|statement|version|rewording|retelling)"
LEAD = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|absolutely|okay|here(?:[’']s| is))\b[^\n\d]*"
    rf"{_NAMED}\b[^\n\d]*:\W*\n"
    rf"|here(?:[’']s| is)\b[^\n\d:?.]{{0,60}}{_NAMED}(?: in other words)?:[*_]*[ \t])",
    re.IGNORECASE,
)
"""Text in front of that, from models that chat."""
QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"))


def plain_text(reply: str) -> str:
    """A teacher's text without thoughts, frames, lead, heading and quotation marks around it."""
    text = unframed(without_thoughts(reply).replace("\r\n", "\n"))
    for front in (LEAD, HEADING, TITLE):
        text = unframed(front.sub("", text))
    if text.count("**") % 2:
        text = text.removesuffix("**").strip()
    for opening, closing in QUOTES:
        if len(text) > 1 and text[0] == opening and text[-1] == closing and text.count(closing) <= 2:
            text = text[1:-1].strip()
    return text


def not_a_rewording(question: str, text: str) -> Unusable | None:
    """Why a text does not ask for the same in other words; None if it does."""
    if not text:
        return Unusable("reply_is_empty", "")
    remark = REMARK.search(text)
    if remark is not None and not REMARK.search(question):
        return Unusable("remark", text[max(0, remark.start() - 50) :][:EVIDENCE_CHARACTERS])
    given, now = stated_numbers(question), stated_numbers(text)
    if not given.as_in(now):
        return Unusable("numbers_changed", f"{given} became {now}: {text}"[:EVIDENCE_CHARACTERS])
    if not ASKS.search(text) and ASKS.search(question):
        return Unusable("nothing_asked", text[-EVIDENCE_CHARACTERS:])
    if _words(text) == _words(question):
        return Unusable("unchanged", text[:EVIDENCE_CHARACTERS])
    return None


def not_a_statement(before: str, sentence: str, text: str, variable: str, gold: str) -> Unusable | None:
    """Why a text is not the statement of a last sentence and its answer; None if it is. `before` precedes the
    sentence.
    """
    if not text:
        return Unusable("reply_is_empty", "")
    if text.rstrip("\"'”’)$ ").endswith("?"):
        return Unusable("not_a_statement", text[:EVIDENCE_CHARACTERS])
    times = _letters(f"{before} {text}")[variable]
    if times != 1:
        return Unusable("variable_lost", f"{variable} stands {times} times: {text}"[:EVIDENCE_CHARACTERS])
    rest = _without_answer(text, gold)
    if rest is None:
        return Unusable("variable_lost", f"{gold!r} is not told: {text}"[:EVIDENCE_CHARACTERS])
    given = stated_numbers(sentence)
    if not given.as_in(rest):
        return Unusable("variable_lost", f"{given} became {rest}: {text}"[:EVIDENCE_CHARACTERS])
    return None


def _without_answer(text: str, gold: str) -> StatedNumbers | None:
    """The numbers of a statement without its answer; None if it does not state the answer."""
    written = re.search(rf"(?<![\w.]){re.escape(gold)}(?!\w|\.\d)", text)
    if written is not None:
        return stated_numbers(f"{text[: written.start()]} {text[written.end() :]}")
    stated = stated_numbers(text)
    for value in stated.values:
        if equal(gold, str(value)).equal:
            return StatedNumbers(stated.values - Counter([value]), stated.ones)
    if stated.ones and equal(gold, "1").equal:
        return StatedNumbers(stated.values, stated.ones - 1)
    return None


def _letters(text: str) -> Counter[str]:
    """How often each letter occurs alone."""
    return Counter(re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
