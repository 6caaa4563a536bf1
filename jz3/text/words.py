r"""The words of a text, for comparing texts: what changes in case, spacing and punctuation does not change.

`words("What's 1,200 + 3.5?")` is `["whats", "1200", "3.5"]`. Accents fall away too. Operators are no words:
`tokens` keeps them, since two problems may differ in a sign alone. Costs some 10,000 questions a second.
"""

import re
import unicodedata
from collections.abc import Sequence

_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+"
_WORD = r"[^\W_]+(?:['’][^\W_]+)*"
# A hyphen between letters, and stars that mark bold words, are punctuation.
_OPERATOR = r"[+/=<>^%×÷·±≤≥≠√−]|(?<![^\W\d_])-|-(?![^\W\d_])|(?<!\*)\*(?!\*)"
_WORDS = re.compile(f"{_NUMBER}|{_WORD}")
_TOKENS = re.compile(f"{_NUMBER}|{_WORD}|{_OPERATOR}")
_JOINERS = str.maketrans("", "", ",'’")
_MINUS = str.maketrans({"−": "-"})
_NUMERAL = re.compile(r"[\d.]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

MASK = "#"
"""Stands for every number of a masked text."""


def words(text: str) -> list[str]:
    """Words and numbers, in order."""
    return [word.translate(_JOINERS) for word in _WORDS.findall(folded(text))]


def tokens(text: str) -> list[str]:
    """Words, numbers and operators, in order."""
    return [token.translate(_JOINERS) for token in _TOKENS.findall(folded(text).translate(_MINUS))]


def letters(text: str) -> str:
    """Letters and digits without anything between them: also equal where only the spacing inside words or
    numbers differs. A text that has none of them (marks and operators alone) is itself without its blanks.
    """
    plain = folded(text)
    return "".join(filter(str.isalnum, plain)) or "".join(plain.split()) or "".join(text.split())


def masked(sequence: Sequence[str]) -> list[str]:
    """The words with MASK for each number."""
    return [MASK if _NUMERAL.fullmatch(word) else word for word in sequence]


def folded(text: str) -> str:
    """Without case and accents. Upper case first: then `ı` and `ß` agree with their upper case."""
    if text.isascii():
        return text.lower()
    plain = _unmarked(unicodedata.normalize("NFKD", text))
    return _unmarked(unicodedata.normalize("NFKD", plain.upper().casefold()))


def _unmarked(text: str) -> str:
    return _NOT_ASCII.sub(_without_marks, text)


def _without_marks(found: re.Match[str]) -> str:
    return "".join(character for character in found[0] if not unicodedata.combining(character))
