"""An answer in words, or in bold, at the end of a response without box or phrase."""

import re

from jz3.answers.number_words import number_in_words
from jz3.answers.sentences import Masked, leading
from jz3.answers.units import is_known_unit

MAX_WHOLE = 400  # chosen: characters of a response that may be nothing but the answer

_BOLD = re.compile(r"\*\*([^*\n]{1,60})\*\*")
_BOLD_AT_END = re.compile(r"\*\*([^*\n]{1,60})\*\*[.!\s]*\Z")
_SAYS = re.compile(
    r"(?i)(?:\A|[.!?\n,]\s*|\b(?:so|thus|hence|therefore)\s)(?:it|this|that|this one|the [a-z\d' -]{1,60}?)\s"
    r"(?:is|was|will be|must be|falls on|lands on)\s(?:an?\s|on an?\s|on\s)?"
    r"([a-z][a-z'-]*(?:\s[a-z][a-z'-]*){0,2})[.!\s]*\Z"
)
_ONLY_FOR_WHAT = re.compile(
    r"(?:(?!\b(?:is|are|was|were|be|so|then|and|but|there|minus|plus|leaves?|left|gives?|gets?)\b)[^,;:=.])*[.!]?"
)
_CONNECTIVE = re.compile(
    r"(?i)\A(?:so|thus|hence|therefore),?\s+(?=the\s[a-z ]{3,30}\s(?:does not exist|diverges)\b)"
)


def last_words(text: str) -> str | None:
    """The answer in `The statement is **true**.` and in `The day of the week is Monday.`"""
    end = text[-MAX_WHOLE:]
    found = _BOLD_AT_END.search(end) or _SAYS.search(end)
    if found is not None:
        return found[1].strip()
    last = end.strip().rpartition("\n")[2]
    said = _CONNECTIVE.sub("", last)
    return said if said != last else None


def bold_quantity(text: str) -> str | None:
    """The only quantity in bold in the last line: `She pays **$64** for the 16 glasses.`"""
    line = text[-MAX_WHOLE:].rstrip().rpartition("\n")[2]
    bold = list(_BOLD.finditer(line)) if "**" in line else []
    if len(bold) != 1 or not line[: bold[0].start()].strip():
        return None
    quantity = bold[0][1].strip()
    if quantity[-1:] in ".:)" or _ONLY_FOR_WHAT.fullmatch(line, bold[0].end()) is None:
        return None
    return quantity if leading(Masked.of(quantity)) == quantity else None


def number_at_end(text: str) -> str | None:
    """The number in `The sum is thirteen.`; not `one`, which is just as often a pronoun."""
    words = re.findall(r"[A-Za-z]+(?:-[A-Za-z]+)?", text[-MAX_WHOLE:])
    for count in (4, 3, 2, 1):
        said = " ".join(words[-count:])
        number = number_in_words(said)
        measured = number is not None and (not number.unit or is_known_unit(words[-1]))
        if measured and said.lower() != "one":
            return said
    return None
