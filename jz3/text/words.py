r"""The words of a text, for comparing texts: they do not depend on case, spacing and punctuation.

`words("What's 1,200 + 3.5?")` is `["whats", "1200", "3.5"]`. Accents are ignored, too, and so is the spelling
of mathematics (`spelling.py` beside this). Operators are no words: `tokens` keeps them and all other signs of
mathematics, because two problems may differ only in a sign. Costs a second for some 10,000 questions.
"""

import re
import unicodedata
from collections.abc import Sequence

from jz3.notation.spellings import RAISED
from jz3.text.spelling import signs, spelt

_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+|(?<![\w.])\.\d+"
_ALNUM, _LETTER, _QUOTE = r"[^\W_]", r"[^\W\d_]", r"['’]"
_WORD = rf"{_ALNUM}+(?:{_QUOTE}{_ALNUM}+)*"
_WORDS = re.compile(rf"{_NUMBER}|\d+(?={_LETTER})|{_WORD}")

# A prime after a letter or digit (f', y''), a bracket, or points (A'B'C'); not quotes around a letter.
_ALONE = rf"(?<!{_ALNUM})(?<!{_QUOTE}){_ALNUM}"
_PRIME = (
    rf"(?:(?<=[)\]}}])|(?<={_ALONE})|(?<={_ALONE}{_QUOTE})|(?<={_ALONE}{_QUOTE}{{2}})|(?<={_ALNUM}{_QUOTE}{_LETTER}))"
    rf"{_QUOTE}(?!{_ALNUM})"
    rf"|(?:(?<={_ALONE})|(?<={_ALNUM}{_QUOTE}{_LETTER})){_QUOTE}(?={_LETTER}{_QUOTE})"
)
# A factorial of a number, a bracket or a letter, once or twice; and in `!=`.
_FACTORIAL = (
    rf"(?:(?<=[\d)\]}}])|(?<=[\d)\]}}]!)|(?<=(?<!{_ALNUM}){_LETTER})|(?<=(?<!{_ALNUM}){_LETTER}!))!|!(?==)"
)
# A hyphen between letters is punctuation (well-known, x-axis), but not in x-y, ab-c, a-bc.
_MINUS = (
    rf"(?<!{_LETTER})-|-(?!{_LETTER})"
    rf"|(?<=(?<!{_LETTER}){_LETTER})-(?={_LETTER}{{1,2}}(?!{_LETTER}))"
    rf"|(?<=(?<!{_LETTER}){_LETTER}{{2}})-(?={_LETTER}(?!{_LETTER}))"
)
# Stars that mark bold words are punctuation; two of them between letters or digits are a power.
_STAR = rf"(?<!\*)\*(?!\*)|(?<={_ALNUM})\*(?=\*{_ALNUM})|(?<={_ALNUM}\*)\*(?={_ALNUM})"
_BRACKET = r"(?<!\\)[()\[\]]|(?<=\\)[{}]|[⌊⌋⌈⌉⟨⟩]"
_SYMBOLS = "".join(
    re.escape(chr(code))
    for code in (*range(0x80, 0x3300), *range(0xA000, 0x10000), *range(0x1D000, 0x1FB00))
    if unicodedata.category(chr(code)) in ("Sm", "So", "Sc")
)
# Each tests its first character before the surroundings, which makes this fast.
_OPERATOR = (
    rf"[+/=<>^%|·{_SYMBOLS}]|(?=-)(?:{_MINUS})|(?=\*)(?:{_STAR})|(?=[()\[\]{{}}⌊⌋⌈⌉⟨⟩])(?:{_BRACKET})"
    rf"|(?=!)(?:{_FACTORIAL})|(?={_QUOTE})(?:{_PRIME})|(?=:)(?<={_ALNUM}):(?={_ALNUM})"
)
_TOKENS = re.compile(
    rf"(?=[^\s,;?_$&\\])(?:{_NUMBER}|{_ALNUM}+(?:(?={_QUOTE})(?!{_PRIME}){_QUOTE}{_ALNUM}+)*|{_OPERATOR})"
)
_JOINED = str.maketrans("", "", ",'’")
_COMMAND_MINUS = re.compile(rf"(\\[a-z]+)-(?={_LETTER})")
# A group with an operator ends at its brace: `2^{n+1}` is not `2^n+1`.
_GROUP = re.compile(rf"\{{([^{{}}]*(?:[+*/=<>]|(?=-)(?:{_MINUS}))[^{{}}]*)\}}")
_NUMERAL = re.compile(r"[\d.]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

MASK = "#"
"""Replaces every number of a masked text."""


def words(text: str) -> list[str]:
    """Words and numbers, in order, with mathematics in one spelling."""
    return [_joined(word) for word in _WORDS.findall(spelt(folded(signs(text))))]


def tokens(text: str) -> list[str]:
    """Words, numbers and signs of mathematics, in order, as they are written."""
    plain = _COMMAND_MINUS.sub(r"\1 -", folded(told_apart(text)))
    if "{" in plain:
        plain = _GROUP.sub(r"{\1\}", plain)
    return [token if len(token) == 1 else _joined(token) for token in _TOKENS.findall(plain)]


def letters(text: str) -> str:
    """Letters and digits without anything between them, so also equal if only the spacing inside words or
    numbers differs. A text without any (only marks and operators) is itself without its blanks.
    """
    plain = folded(text)
    return "".join(filter(str.isalnum, plain)) or "".join(plain.split()) or "".join(text.split())


def spelt_letters(text: str) -> str:
    """`letters` with mathematics in one spelling."""
    return letters(spelt(folded(signs(text)))) or letters(text)


def masked(sequence: Sequence[str]) -> list[str]:
    """The words with MASK for each number."""
    return [MASK if _NUMERAL.fullmatch(word) else word for word in sequence]


def folded(text: str) -> str:
    """Remove case and accents. Upper case comes first: then `ı` and `ß` agree with their capitals."""
    if text.isascii():
        return text.lower()
    plain = _unmarked(unicodedata.normalize("NFKD", text))
    return _unmarked(unicodedata.normalize("NFKD", plain.upper().casefold()))


def told_apart(text: str) -> str:
    """Keep signs apart that folding would merge: 3² is `3^2`, not 32; 3½ is `3 1/2`; ≠ is `!=`, ∉ is `¬∈`."""
    return text if text.isascii() else text.translate(_APART)


def _joined(word: str) -> str:
    """Remove commas and quotes; `.5` becomes `0.5`."""
    if word.isalnum():  # nearly always
        return word
    word = word.translate(_JOINED)
    return f"0{word}" if word.startswith(".") else word


def _apart() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in range(0x80, 0x3000):
        parts = unicodedata.normalize("NFKD", chr(code))
        if "\u0338" in parts:  # a stroke through the preceding character
            table[code] = "!=" if parts == "=\u0338" else "¬" + parts.replace("\u0338", "")
        elif "\u2044" in parts:  # the bar of a fraction
            table[code] = " " + parts.replace("\u2044", "/")
    return (
        table
        | {ord(raised): f"^{plain}" for raised, plain in RAISED.items()}
        | dict.fromkeys(map(ord, "−–‐‑‒"), "-")
        | {
            ord("’"): "'",
            ord("′"): "'",
            ord("″"): "''",
            ord("∣"): "|",
            ord("‖"): "||",
            ord("∶"): ":",
            ord("⁄"): "/",
        }
    )


_APART = _apart()


def _unmarked(text: str) -> str:
    return _NOT_ASCII.sub(_without_marks, text)


def _without_marks(found: re.Match[str]) -> str:
    return "".join(character for character in found[0] if not unicodedata.combining(character))
