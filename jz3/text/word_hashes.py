"""The words and tokens of many texts as 64-bit hashes, some 200,000 questions a second.

Promises: the hashes stand for those of `words`, `tokens` and `letters` of `words.py` beside this, whatever
the text, and are the same on every machine and in every run. Text in ASCII goes through compiled loops, the
rest through `words.py` itself. Two words that differ have one hash once in 2^64 comparisons. Costs: 8 bytes
a word; the first call in a new clone compiles for some seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from jz3.core.compiled import compiled
from jz3.text.words import MASK, folded, letters, masked, tokens, words

U8: TypeAlias = npt.NDArray[np.uint8]
U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]

_OFFSET = np.uint64(0xCBF29CE484222325)  # of FNV-1a in 64 bits, as the prime
_PRIME = np.uint64(0x100000001B3)
_DIGIT, _LETTER, _OPERATOR = 1, 2, 3


def _kinds() -> U8:
    kinds = np.zeros(256, dtype=np.uint8)
    for byte in range(128):
        if chr(byte).isdigit():
            kinds[byte] = _DIGIT
        elif chr(byte).isalpha():
            kinds[byte] = _LETTER
        elif chr(byte) in "+/=<>^%-*":
            kinds[byte] = _OPERATOR
    return kinds


_KINDS = _kinds()
_COMMA, _QUOTE, _STOP, _MINUS, _STAR, _BLANK = 44, 39, 46, 45, 42, 32  # in ASCII
_MASK = ord(MASK)


@dataclass(frozen=True)
class Texts:
    """Several texts as one array of hashes: text i is `hashes[starts[i]:starts[i + 1]]`."""

    hashes: U64
    starts: I64

    @property
    def lengths(self) -> I64:
        """Words of each text."""
        return np.diff(self.starts)


def hashed_words(texts: pl.Series) -> tuple[Texts, Texts]:
    """Words and numbers of each text, and the same with MASK for each number."""
    data = _utf8(_in_ascii(texts, _word_letters()))
    hashes, masks, counts = _scan(*data, False)  # noqa: FBT003 (compiled loops take no names)
    left = _left(counts)
    sequences = [words(text) for text in texts.gather(left).to_list()]
    return (
        _completed(hashes, counts, left, sequences),
        _completed(masks, counts, left, [masked(sequence) for sequence in sequences]),
    )


def hashed_tokens(texts: pl.Series) -> Texts:
    """Words, numbers and operators of each text; of a text without any, what stands between its blanks."""
    hashes, _, counts = _scan(*_utf8(_in_ascii(texts, _token_letters())), True)  # noqa: FBT003
    left = _left(counts)
    sequences = [tokens(text) or text.split() for text in texts.gather(left).to_list()]
    return _completed(hashes, counts, left, sequences)


def hashed_letters(texts: pl.Series) -> U64:
    """One hash for the letters and digits of each text, as `letters` has them."""
    hashes, left = _scan_letters(*_utf8(_in_ascii(texts, _word_letters())))
    others = np.flatnonzero(left)
    if len(others):
        folded = [letters(text) for text in texts.gather(others).to_list()]
        hashes[others] = _whole(*_utf8(pl.Series(folded, dtype=pl.String)))
    return hashes


def _in_ascii(texts: pl.Series, table: dict[int, str]) -> pl.Series:
    """The texts with what `table` has put in ASCII, which leaves few that are not."""
    others = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    if not len(others):
        return texts
    return texts.clone().scatter(others, [text.translate(table) for text in texts.gather(others)])


@cache
def _word_letters() -> dict[int, str]:
    """Characters that `words` and `letters` take for ASCII or for nothing, as that: é as e, ² as 2, ° as a
    blank. What a text is folded to is what its characters are, one by one.
    """
    table: dict[int, str] = {}
    for code in _COMMON:
        plain = folded(chr(code))
        if plain.isascii():
            table[code] = plain
        elif not any(map(str.isalnum, plain)):
            table[code] = " "
    return table | {ord("’"): "'"}


@cache
def _token_letters() -> dict[int, str]:
    """The same for `tokens`, which keeps operators."""
    table = {code: plain for code, plain in _word_letters().items() if plain != " " or not tokens(chr(code))}
    return table | {ord("−"): "-"}


_COMMON = (*range(0x80, 0x3000), *range(0xFE00, 0x10000), *range(0x1D400, 0x1D800))
"""Latin, Greek, Cyrillic and the other alphabets, marks and operators; wide forms; letters of mathematics."""


def _left(counts: I64) -> I64:
    """The texts that the loops leave alone: what is not ASCII (-1) and what has no word (0)."""
    return np.flatnonzero(counts <= 0)


def _completed(hashes: U64, counts: I64, left: I64, sequences: Sequence[list[str]]) -> Texts:
    """With the words of the texts that were left."""
    if len(left):
        spaced = pl.Series([" ".join(sequence) for sequence in sequences], dtype=pl.String)
        hashes, counts = _filled(hashes, counts, left, *_scan_spaced(*_utf8(spaced)))
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return Texts(hashes, starts)


def _utf8(texts: pl.Series) -> tuple[U8, I64]:
    """The bytes of all texts after one another, and where each begins and the last one ends."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8), starts


@compiled
def _scan(data: U8, starts: I64, operators: bool) -> tuple[U64, U64, I64]:  # noqa: FBT001
    """Hashes of the words of all texts that are ASCII, the same with MASK for numbers, and how many words
    each text has; -1 where it is not ASCII.
    """
    rows = len(starts) - 1
    hashes = np.empty(starts[rows] - starts[0], dtype=np.uint64)
    masks = np.empty(starts[rows] - starts[0], dtype=np.uint64)
    counts = np.empty(rows, dtype=np.int64)
    mask = _mixed((_OFFSET ^ np.uint64(_MASK)) * _PRIME)
    total = 0
    for row in range(rows):
        start, end = starts[row], starts[row + 1]
        if not _is_ascii(data, start, end):
            counts[row] = -1
            continue
        first = total
        at = start
        while at < end:
            kind = _KINDS[data[at]]
            stop = at
            if kind == _DIGIT:
                stop = _number_end(data, at, end)
            if stop == at and kind in (_DIGIT, _LETTER):
                stop = _word_end(data, at, end)
            if kind == _OPERATOR and operators and _stands_alone(data, at, start, end):
                stop = at + 1
            if stop == at:
                at += 1
                continue
            value, numeral = _word_hash(data, at, stop)
            hashes[total] = value
            masks[total] = mask if numeral else value
            total += 1
            at = stop
        counts[row] = total - first
    return hashes[:total].copy(), masks[:total].copy(), counts


@compiled
def _scan_spaced(data: U8, starts: I64) -> tuple[U64, I64]:
    """Hashes of what stands between blanks."""
    rows = len(starts) - 1
    hashes = np.empty(starts[rows] - starts[0], dtype=np.uint64)
    counts = np.zeros(rows, dtype=np.int64)
    total = 0
    for row in range(rows):
        at, end = starts[row], starts[row + 1]
        while at < end:
            stop = at
            while stop < end and data[stop] != _BLANK:
                stop += 1
            if stop > at:
                hashes[total] = _bytes_hash(data, at, stop)
                total += 1
                counts[row] += 1
            at = stop + 1
    return hashes[:total].copy(), counts


@compiled
def _scan_letters(data: U8, starts: I64) -> tuple[U64, npt.NDArray[np.bool_]]:
    """Hash of the letters and digits of each text; True where it has none or is not ASCII."""
    rows = len(starts) - 1
    hashes = np.empty(rows, dtype=np.uint64)
    left = np.zeros(rows, dtype=np.bool_)
    for row in range(rows):
        value, count = _OFFSET, 0
        for at in range(starts[row], starts[row + 1]):
            byte = data[at]
            if byte >= 128:
                count = 0
                break
            kind = _KINDS[byte]
            if kind in (_DIGIT, _LETTER):
                value = (value ^ np.uint64(_lower(byte))) * _PRIME
                count += 1
        left[row] = count == 0
        hashes[row] = _mixed(value)
    return hashes, left


@compiled
def _whole(data: U8, starts: I64) -> U64:
    """Hash of each text as it is."""
    rows = len(starts) - 1
    hashes = np.empty(rows, dtype=np.uint64)
    for row in range(rows):
        hashes[row] = _bytes_hash(data, starts[row], starts[row + 1])
    return hashes


@compiled
def _filled(hashes: U64, counts: I64, left: I64, more: U64, more_counts: I64) -> tuple[U64, I64]:
    """The texts with those numbered `left` put in their places."""
    filled = np.empty(len(hashes) + len(more), dtype=np.uint64)
    filled_counts = counts.copy()
    from_first, from_more, to, number = 0, 0, 0, 0
    for row in range(len(counts)):
        if number < len(left) and left[number] == row:
            count = more_counts[number]
            filled[to : to + count] = more[from_more : from_more + count]
            from_more += count
            number += 1
        else:
            count = counts[row]
            filled[to : to + count] = hashes[from_first : from_first + count]
            from_first += count
        filled_counts[row] = count
        to += count
    return filled[:to], filled_counts


@compiled
def _is_ascii(data: U8, start: int, end: int) -> bool:
    bits = np.uint8(0)
    for at in range(start, end):
        bits |= data[at]
    return bool(bits < 128)


@compiled
def _number_end(data: U8, at: int, end: int) -> int:
    r"""End of `\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+` at a digit; `at` where neither fits."""
    run = _digits_end(data, at, end)
    stop = run
    if run - at <= 3:
        while stop + 4 <= end and data[stop] == _COMMA and _digits_end(data, stop + 1, stop + 4) == stop + 4:
            stop += 4
        if stop > run and stop < end and _KINDS[data[stop]] == _DIGIT:
            stop -= 4
    fraction = _digits_end(data, stop + 1, end) if stop < end and data[stop] == _STOP else stop
    if fraction > stop + 1:
        return fraction
    return stop if stop > run else at


@compiled
def _digits_end(data: U8, at: int, end: int) -> int:
    while at < end and _KINDS[data[at]] == _DIGIT:
        at += 1
    return at


@compiled
def _word_end(data: U8, at: int, end: int) -> int:
    """End of letters and digits, with single quotes between them."""
    while at < end:
        kind = _KINDS[data[at]]
        inside = data[at] == _QUOTE and at + 1 < end and _KINDS[data[at + 1]] in (_DIGIT, _LETTER)
        if kind not in (_DIGIT, _LETTER) and not inside:
            break
        at += 1
    return at


@compiled
def _stands_alone(data: U8, at: int, start: int, end: int) -> bool:
    """Whether an operator is one: no hyphen between letters, no star beside a star."""
    before = data[at - 1] if at > start else _BLANK
    after = data[at + 1] if at + 1 < end else _BLANK
    if data[at] == _MINUS:
        return not (_KINDS[before] == _LETTER and _KINDS[after] == _LETTER)
    if data[at] == _STAR:
        return before != _STAR and after != _STAR
    return True


@compiled
def _word_hash(data: U8, at: int, stop: int) -> tuple[np.uint64, bool]:
    """Hash of a word in lower case and without joiners, and whether it is a number."""
    value, numeral = _OFFSET, True
    for place in range(at, stop):
        byte = data[place]
        if byte in (_COMMA, _QUOTE):
            continue
        numeral = numeral and (byte == _STOP or _KINDS[byte] == _DIGIT)
        value = (value ^ np.uint64(_lower(byte))) * _PRIME
    return _mixed(value), numeral


@compiled
def _bytes_hash(data: U8, at: int, stop: int) -> np.uint64:
    value = _OFFSET
    for place in range(at, stop):
        value = (value ^ np.uint64(data[place])) * _PRIME
    return _mixed(value)


@compiled
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@compiled
def _mixed(value: np.uint64) -> np.uint64:
    """Spreads each bit over all (the finalizer of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
