r"""The compiled loop that puts mathematics into one spelling: what `spelt` of `spelling.py` does for one
text, for the bytes of many, except for the case of letters.

Costs a few nanoseconds per byte, and memory for a copy of the texts.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jz3.core.compiled import compiled

U8: TypeAlias = npt.NDArray[np.uint8]
U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]
Table: TypeAlias = tuple[U64, U8, I64, I64, I64]
"""A table of commands: hashes of their names, ascending; the bytes of their words joined; where each one's
begin, and the last one's end; arguments; groups.
"""

_OFFSET = np.uint64(0xCBF29CE484222325)  # of FNV-1a in 64 bits, like the prime
_PRIME = np.uint64(0x100000001B3)
# In ASCII:
_BLANK, _BANG, _STAR, _COMMA, _MINUS, _STOP, _COLON = 32, 33, 42, 44, 45, 46, 58
_BACKSLASH, _LOW_LINE, _LEFT, _BAR, _RIGHT, _C, _L, _R = 92, 95, 123, 124, 125, 99, 108, 114
_LONGEST_GROUP = 40
_MOST_GROWTH = 32
"""The most bytes that a command's word and its blanks take."""


@compiled
def name_hashes(data: U8, starts: I64) -> U64:
    """Hashes of command names, ignoring case."""
    found = np.empty(len(starts) - 1, dtype=np.uint64)
    for row in range(len(starts) - 1):
        found[row] = _name_hash(data, starts[row], starts[row + 1])
    return found


@compiled
def spell(data: U8, starts: I64, table: Table) -> tuple[U8, I64]:
    """The texts as by `spelt`, except for the case of everything but commands; bytes beyond ASCII stay."""
    names, said, firsts, arguments, groups = table
    out, ends = np.empty(len(data) + 1024, dtype=np.uint8), np.zeros(len(starts), dtype=np.int64)
    total = 0
    for row in range(len(starts) - 1):
        at, start, end = starts[row], starts[row], starts[row + 1]
        while at < end:
            if total + _MOST_GROWTH + (end - at) > len(out):
                out = np.concatenate((out, np.empty_like(out)))
            byte = data[at]
            gap = _gap(data, at, start, end) if byte in (_LEFT, _COMMA, _BACKSLASH) else 0
            if gap:
                out[total] = _COMMA
                total, at = total + 1, at + gap
                continue
            if byte != _BACKSLASH:
                out[total] = byte
                total, at = total + 1, at + 1
                continue
            first = at
            while first < end and data[first] == _BACKSLASH:
                first += 1
            last = first
            while last < end and _is_letter(data[last]):
                last += 1
            name = _name_hash(data, first, last)
            number = np.searchsorted(names, name)
            known = number < len(names) and names[number] == name and last > first
            out[total] = _BLANK
            total += 1
            word = said[firsts[number] : firsts[number + 1]] if known else data[first:last]
            out[total : total + len(word)] = word
            total += len(word)
            out[total] = _BLANK
            total, at = total + 1, last
            if not known:
                continue
            for place in range(groups[number]):
                at = _group_end(data, at, end, place == 1)
            for _ in range(arguments[number]):
                argument = at
                while argument < end and data[argument] == _BLANK:
                    argument += 1
                if argument == end or not _is_alnum(data[argument]):
                    break
                out[total], out[total + 1] = data[argument], _BLANK
                total, at = total + 2, argument + 1
        ends[row + 1] = total
    return out[:total].copy(), ends


@compiled
def _gap(data: U8, at: int, start: int, end: int) -> int:
    r"""Length of `{,}`, `,\!` or `\,` if it separates thousands; otherwise 0."""
    length = 2 if data[at] == _BACKSLASH else 3
    if at == start or at + length + 3 > end or not _is_digit(data[at - 1]):
        return 0
    if data[at] == _LEFT and not (data[at + 1] == _COMMA and data[at + 2] == _RIGHT):
        return 0
    if data[at] == _COMMA and not (data[at + 1] == _BACKSLASH and data[at + 2] == _BANG):
        return 0
    if data[at] == _BACKSLASH and data[at + 1] != _COMMA:
        return 0
    at += length
    digits = _is_digit(data[at]) and _is_digit(data[at + 1]) and _is_digit(data[at + 2])
    return length if digits and not (at + 3 < end and _is_digit(data[at + 3])) else 0


@compiled
def _group_end(data: U8, at: int, end: int, columns: bool) -> int:  # noqa: FBT001
    """End of the braces that open at a place and contain no text; the place itself if there are none."""
    if at >= end or data[at] != _LEFT:
        return at
    stop = at + 1
    while stop < end and stop - at <= _LONGEST_GROUP + 1:
        byte = data[stop]
        if byte == _RIGHT:
            return stop + 1 if not columns or stop > at + 1 else at
        if columns and _lower(byte) not in (_C, _L, _R, _BAR, _BLANK):
            return at
        if not _is_alnum(byte) and byte not in (_STAR, _BAR, _BANG, _COLON, _STOP, _LOW_LINE, _BLANK, _MINUS):
            return at
        stop += 1
    return at


@compiled
def _name_hash(data: U8, at: int, stop: int) -> np.uint64:
    value = _OFFSET
    for place in range(at, stop):
        value = (value ^ np.uint64(_lower(data[place]))) * _PRIME
    return value


@compiled
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@compiled
def _is_letter(byte: int) -> bool:
    return 97 <= _lower(byte) <= 122


@compiled
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


@compiled
def _is_alnum(byte: int) -> bool:
    return _is_letter(byte) or _is_digit(byte)
