"""The words and tokens of many texts as 64-bit hashes, some 200,000 questions per second.

Promises: the hashes correspond to `words`, `tokens` and `letters` of `words.py` beside this, whatever the
text, and are the same on every machine and in every run. ASCII text and signs of mathematics go through
compiled loops (`word_scan.py`), the rest through `words.py` itself. Two different words have the same hash
once in 2^64 comparisons. Costs 8 bytes per word; the first call in a new clone compiles for some seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from jz3.core.compiled import compiled
from jz3.text.spell_scan import Table, name_hashes, spell
from jz3.text.spelling import commands, signs
from jz3.text.word_scan import I64, U8, U64, Bools, scan, scan_letters, scan_spaced, whole
from jz3.text.words import folded, letters, masked, spelt_letters, tokens, told_apart, words


@dataclass(frozen=True)
class Texts:
    """Several texts as one array of hashes: text i is `hashes[starts[i]:starts[i + 1]]`."""

    hashes: U64
    starts: I64

    @property
    def lengths(self) -> I64:
        """Words of each text."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Spelt:
    """Texts after their mathematics was put into one spelling."""

    words: Texts
    masked: Texts
    """The words with MASK for each number."""
    letters: U64
    """One hash of the letters and digits of each text, as given by `spelt_letters`."""


def hashed_words(texts: pl.Series) -> Spelt:
    """Words and numbers of each text."""
    others = _not_ascii(texts)
    data = spell(*_utf8(_with(texts, others, lambda text: signs(text).translate(_word_letters()))), _table())
    hashes, masks, counts = scan(*data, False, _NO_SIGNS)  # noqa: FBT003 (compiled loops take no names)
    left = _left(counts)
    sequences = [words(text) for text in texts.gather(left).to_list()]
    return Spelt(
        _completed(hashes, counts, left, sequences),
        _completed(masks, counts, left, [masked(sequence) for sequence in sequences]),
        _letter_hashes(texts, *scan_letters(*data), spelt_letters),
    )


def hashed_tokens(texts: pl.Series) -> Texts:
    """Words, numbers and signs of each text; for a text without any, the parts between its blanks."""
    data = _utf8(_with(texts, _not_ascii(texts), lambda text: text.translate(_token_letters())))
    hashes, _, counts = scan(*data, True, _signs())  # noqa: FBT003
    left = _left(counts)
    sequences = [tokens(text) or text.split() for text in texts.gather(left).to_list()]
    return _completed(hashes, counts, left, sequences)


def hashed_letters(texts: pl.Series) -> U64:
    """One hash of the letters and digits of each text, as given by `letters`."""
    data = _utf8(_with(texts, _not_ascii(texts), lambda text: text.translate(_plain_letters())))
    return _letter_hashes(texts, *scan_letters(*data), letters)


def _letter_hashes(texts: pl.Series, hashes: U64, left: np.ndarray, plain: Callable[[str], str]) -> U64:
    others = np.flatnonzero(left)
    if len(others):
        some = [plain(text) for text in texts.gather(others).to_list()]
        hashes[others] = whole(*_utf8(pl.Series(some, dtype=pl.String)))
    return hashes


def _not_ascii(texts: pl.Series) -> pl.Series:
    return (texts.str.len_bytes() != texts.str.len_chars()).arg_true()


def _with(texts: pl.Series, others: pl.Series, in_ascii: Callable[[str], str]) -> pl.Series:
    """The texts with `others` converted to ASCII, after which few are not ASCII."""
    if not len(others):
        return texts
    return texts.clone().scatter(others, [in_ascii(text) for text in texts.gather(others)])


@cache
def _table() -> Table:
    known = commands()
    names = name_hashes(*_utf8(pl.Series(list(known), dtype=pl.String)))
    order = np.argsort(names)
    said = [list(known.values())[number] for number in order.tolist()]
    data, firsts = _utf8(pl.Series([command.word for command in said], dtype=pl.String))
    arguments = np.array([command.arguments for command in said], dtype=np.int64)
    groups = np.array([command.groups for command in said], dtype=np.int64)
    return names[order], data, firsts, arguments, groups


@cache
def _plain_letters() -> dict[int, str]:
    """A table of characters that `letters` treats as ASCII or ignores, with their replacements: é as e, ² as
    2, ° as a blank. Folding a text folds its characters one by one.
    """
    table: dict[int, str] = {}
    for code in _COMMON:
        plain = folded(chr(code))
        if plain.isascii():
            table[code] = plain
        elif not any(map(str.isalnum, plain)):
            table[code] = " "
    return table


@cache
def _word_letters() -> dict[int, str]:
    """The same for `words`, for texts whose signs are spelt."""
    return _plain_letters() | {ord("’"): "'"}


@cache
def _token_letters() -> dict[int, str]:
    """The same for `tokens`, which keeps signs of mathematics: those of `_signs` stay as they are, or become
    what they are folded to.
    """
    known = _signs()
    table: dict[int, str] = {}
    for code in _COMMON:
        plain = folded(told_apart(chr(code)))
        if all(character.isascii() or _is_among(character, known) for character in plain):
            table[code] = plain
        elif not any(map(str.isalnum, plain)) and not tokens(chr(code)):
            table[code] = " "
    return table | {ord("’"): "'"}


@cache
def _signs() -> Bools:
    """Code points beyond ASCII that folding keeps and that are tokens of their own."""
    signs = np.zeros(_COMMON[-1] + 1, dtype=np.bool_)
    for code in _COMMON:
        sign = chr(code)
        signs[code] = folded(told_apart(sign)) == sign and tokens(sign) == [sign] and not sign.isalnum()
    return signs


def _is_among(character: str, signs: Bools) -> bool:
    return ord(character) < len(signs) and bool(signs[ord(character)])


_COMMON = (*range(0x80, 0x3000), *range(0xFE00, 0x10000), *range(0x1D400, 0x1D800))
"""Latin, Greek, Cyrillic and the other alphabets, marks and operators; wide forms; letters of mathematics."""

_NO_SIGNS: Bools = np.zeros(0, dtype=np.bool_)


def _left(counts: I64) -> I64:
    """The texts that the loops skip: those that are not ASCII (-1) and those without a word (0)."""
    return np.flatnonzero(counts <= 0)


def _completed(hashes: U64, counts: I64, left: I64, sequences: Sequence[list[str]]) -> Texts:
    """Add the words of the texts that were skipped."""
    if len(left):
        spaced = pl.Series([" ".join(sequence) for sequence in sequences], dtype=pl.String)
        hashes, counts = _filled(hashes, counts, left, *scan_spaced(*_utf8(spaced)))
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return Texts(hashes, starts)


def _utf8(texts: pl.Series) -> tuple[U8, I64]:
    """The bytes of all texts joined, and where each begins and the last one ends."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8), starts


@compiled
def _filled(hashes: U64, counts: I64, left: I64, more: U64, more_counts: I64) -> tuple[U64, I64]:
    """All texts, with those numbered `left` put in their places."""
    both = np.empty(len(hashes) + len(more), dtype=np.uint64)
    filled_counts = counts.copy()
    from_first, from_more, to, number = 0, 0, 0, 0
    for row in range(len(counts)):
        if number < len(left) and left[number] == row:
            count = more_counts[number]
            both[to : to + count] = more[from_more : from_more + count]
            from_more += count
            number += 1
        else:
            count = counts[row]
            both[to : to + count] = hashes[from_first : from_first + count]
            from_first += count
        filled_counts[row] = count
        to += count
    return both[:to], filled_counts
