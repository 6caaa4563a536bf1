"""The compiled loops behind `word_hashes.py`: words, tokens and letters of ASCII texts, as hashes.

Between them there may be signs of mathematics outside ASCII. The loops do for bytes what `words.py` does for
a text. Costs some nanoseconds per byte.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jz3.core.compiled import compiled

U8: TypeAlias = npt.NDArray[np.uint8]
U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

_OFFSET = np.uint64(0xCBF29CE484222325)  # of FNV-1a in 64 bits, like the prime
_PRIME = np.uint64(0x100000001B3)
_DIGIT, _LETTER, _OPERATOR, _MAYBE = 1, 2, 3, 4


def _kinds() -> U8:
    kinds = np.zeros(256, dtype=np.uint8)
    for byte in range(128):
        if chr(byte).isdigit():
            kinds[byte] = _DIGIT
        elif chr(byte).isalpha():
            kinds[byte] = _LETTER
        elif chr(byte) in "+/=<>^%|":
            kinds[byte] = _OPERATOR
        elif chr(byte) in "-*()[]{}!':":
            kinds[byte] = _MAYBE
    return kinds


_KINDS = _kinds()
_IS_ALNUM = (_KINDS == _DIGIT) | (_KINDS == _LETTER)
_LOWER = np.array([ord(chr(byte).lower()) if byte < 128 else byte for byte in range(256)], dtype=np.uint64)
"""For each byte its letter in lower case; a byte beyond ASCII is itself."""
# In ASCII:
_COMMA, _QUOTE, _STOP, _MINUS, _STAR, _BLANK = 44, 39, 46, 45, 42, 32
_BACKSLASH, _LEFT, _RIGHT, _BANG, _COLON, _EQUALS, _ZERO, _LOW_LINE = 92, 123, 125, 33, 58, 61, 48, 95
_ROUND_LEFT, _ROUND_RIGHT, _SQUARE_LEFT, _SQUARE_RIGHT = 40, 41, 91, 93
_MASK, _NOT_ASCII = 35, 128
_IN_GROUPS = (43, 42, 47, 61, 60, 62)
"""Plus, star, slash, equals, less and more."""


def _signs() -> U64:
    """The hash of each single byte, as by `_bytes_hash`: there are as many signs as words."""
    bits = 2**64 - 1
    signs = np.zeros(256, dtype=np.uint64)
    for byte in range(256):
        value = ((int(_OFFSET) ^ byte) * int(_PRIME)) & bits
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & bits
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & bits
        signs[byte] = value ^ (value >> 31)
    return signs


_SIGNS = _signs()


@compiled
def scan(data: U8, starts: I64, operators: bool, signs: Bools) -> tuple[U64, U64, I64]:  # noqa: FBT001
    """Hashes of the words of all texts that are ASCII, the same with MASK for numbers, and how many words
    each text has; -1 if it is not ASCII. `signs` gives code points beyond ASCII that are read, too: each is
    an operator.
    """
    rows = len(starts) - 1
    hashes = np.empty(starts[rows] - starts[0], dtype=np.uint64)
    masks = np.empty(0 if operators else starts[rows] - starts[0], dtype=np.uint64)
    counts = np.empty(rows, dtype=np.int64)
    mask = _mixed((_OFFSET ^ np.uint64(_MASK)) * _PRIME)
    total = 0
    for row in range(rows):
        start, end = starts[row], starts[row + 1]
        if not (_is_ascii(data, start, end) or _are_signs(data, start, end, signs)):
            counts[row] = -1
            continue
        first = total
        at = start
        while at < end:
            byte = data[at]
            kind = _KINDS[byte]
            if kind == _LETTER:  # the common case, without a call
                value, stop = _OFFSET, at
                while stop < end and _IS_ALNUM[data[stop]]:
                    value = (value ^ np.uint64(_LOWER[data[stop]])) * _PRIME
                    stop += 1
                if stop == end or data[stop] != _QUOTE:
                    value = _mixed(value)
                    hashes[total] = value
                    if not operators:
                        masks[total] = value
                    total += 1
                    at = stop
                    continue
            elif kind == 0 and byte != _STOP and byte < _NOT_ASCII:
                at += 1
                continue
            if byte >= _NOT_ASCII:
                stop = at + _length(byte)
                hashes[total] = _bytes_hash(data, at, stop)
                total += 1
                at = stop
                continue
            if kind >= _OPERATOR:
                if operators and (kind == _OPERATOR or _is_sign(data, at, start, end)):
                    hashes[total] = _SIGNS[byte]
                    total += 1
                at += 1
                continue
            stop = _token_end(data, at, start, end, operators)
            if stop == at:
                at += 1
                continue
            value, numeral = _word_hash(data, at, stop)
            hashes[total] = value
            if not operators:
                masks[total] = mask if numeral else value
            total += 1
            at = stop
        counts[row] = total - first
    return hashes[:total].copy(), masks[: 0 if operators else total].copy(), counts


@compiled
def scan_spaced(data: U8, starts: I64) -> tuple[U64, I64]:
    """Hashes of the parts between blanks."""
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
def scan_letters(data: U8, starts: I64) -> tuple[U64, npt.NDArray[np.bool_]]:
    """Hash of the letters and digits of each text; True if it has none or is not ASCII."""
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
                value = (value ^ np.uint64(_LOWER[byte])) * _PRIME
                count += 1
        left[row] = count == 0
        hashes[row] = _mixed(value)
    return hashes, left


@compiled
def whole(data: U8, starts: I64) -> U64:
    """Hash of each text as it is."""
    rows = len(starts) - 1
    hashes = np.empty(rows, dtype=np.uint64)
    for row in range(rows):
        hashes[row] = _bytes_hash(data, starts[row], starts[row + 1])
    return hashes


@compiled
def _is_ascii(data: U8, start: int, end: int) -> bool:
    bits = np.uint8(0)
    for at in range(start, end):
        bits |= data[at]
    return bool(bits < 128)


@compiled
def _are_signs(data: U8, start: int, end: int, signs: Bools) -> bool:
    """Whether all characters beyond ASCII are signs."""
    at = start
    while at < end:
        byte = data[at]
        if byte < _NOT_ASCII:
            at += 1
            continue
        length = _length(byte)
        code = np.int64(byte) & (0x7F >> length)
        for place in range(at + 1, at + length):
            code = (code << 6) | (np.int64(data[place]) & 0x3F)
        if code >= len(signs) or not signs[code]:
            return False
        at += length
    return True


@compiled
def _length(byte: int) -> int:
    """The number of bytes of the UTF-8 character that begins with this byte."""
    return 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4


@compiled
def _number_end(data: U8, at: int, end: int) -> int:
    r"""End of `\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+` at a digit; `at` if neither matches."""
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
def _token_end(data: U8, at: int, start: int, end: int, operators: bool) -> int:  # noqa: FBT001
    """End of the number or word at a place; the place itself if none begins there."""
    byte = data[at]
    kind = _KINDS[byte]
    if byte == _STOP:
        before = data[at - 1] if at > start else _BLANK
        if _is_alnum(before) or before in (_STOP, _LOW_LINE):
            return at
        stop = _digits_end(data, at + 1, end)
        return stop if stop > at + 1 else at
    if kind == _DIGIT:
        stop = _number_end(data, at, end)
        if stop > at:
            return stop
        run = _digits_end(data, at, end)
        if not operators and run < end and _KINDS[data[run]] == _LETTER:
            return run
    return _word_end(data, at, start, end, operators) if kind in (_DIGIT, _LETTER) else at


@compiled
def _word_end(data: U8, at: int, start: int, end: int, operators: bool) -> int:  # noqa: FBT001
    """End of letters and digits, with single quotes between them; a prime among operators ends them."""
    while at < end:
        if not _IS_ALNUM[data[at]]:
            inside = data[at] == _QUOTE and at + 1 < end and _is_alnum(data[at + 1])
            if not inside or (operators and _is_prime(data, at, start, end)):
                break
        at += 1
    return at


@compiled
def _is_alnum(byte: int) -> bool:
    return bool(_IS_ALNUM[byte])


@compiled
def _byte(data: U8, at: int, start: int, end: int) -> int:
    """A byte; a blank outside the text."""
    return int(data[at]) if start <= at < end else _BLANK


@compiled
def _is_sign(data: U8, at: int, start: int, end: int) -> bool:
    """Whether a mark that may be punctuation is a sign of mathematics, as in `tokens`."""
    byte = data[at]
    before, after = _byte(data, at - 1, start, end), _byte(data, at + 1, start, end)
    if byte in (_ROUND_LEFT, _ROUND_RIGHT, _SQUARE_LEFT, _SQUARE_RIGHT):
        return before != _BACKSLASH
    if byte in (_LEFT, _RIGHT):
        return before == _BACKSLASH or (byte == _RIGHT and _ends_group(data, at, start, end))
    if byte == _COLON:
        return _is_alnum(before) and _is_alnum(after)
    if byte == _MINUS:
        return _is_minus(data, at, start, end)
    if byte == _STAR:
        if before != _STAR and after != _STAR:
            return True
        first = after == _STAR and _is_alnum(before) and _is_alnum(_byte(data, at + 2, start, end))
        return first or (before == _STAR and _is_alnum(after) and _is_alnum(_byte(data, at - 2, start, end)))
    if byte == _BANG:
        if after == _EQUALS or _takes_factorial(data, at - 1, start, end):
            return True
        return before == _BANG and _takes_factorial(data, at - 2, start, end)
    return _is_prime(data, at, start, end)


@compiled
def _ends_group(data: U8, at: int, start: int, end: int) -> bool:
    """Whether the TeX group that ends here contains an operator, but no group."""
    found = False
    for place in range(at - 1, start - 1, -1):
        byte = data[place]
        if byte == _LEFT:
            return found
        if byte == _RIGHT:
            return False
        found = found or byte in _IN_GROUPS or (byte == _MINUS and _is_minus(data, place, start, end))
    return False


@compiled
def _is_minus(data: U8, at: int, start: int, end: int) -> bool:
    """Whether it is no hyphen: not between letters, between few (variables), or after a command."""
    first, last = at, at + 1
    while first > start and _KINDS[data[first - 1]] == _LETTER:
        first -= 1
    while last < end and _KINDS[data[last]] == _LETTER:
        last += 1
    before, after = at - first, last - at - 1
    if before == 0 or after == 0 or before + after == 2 or before + after == 3:
        return True
    return _byte(data, first - 1, start, end) == _BACKSLASH


@compiled
def _takes_factorial(data: U8, at: int, start: int, end: int) -> bool:
    """Whether a factorial may follow: a digit, a closing bracket, or a single letter."""
    byte = _byte(data, at, start, end)
    if _KINDS[byte] == _DIGIT or byte in (_ROUND_RIGHT, _SQUARE_RIGHT, _RIGHT):
        return True
    return bool(_KINDS[byte] == _LETTER) and not _is_alnum(_byte(data, at - 1, start, end))


@compiled
def _is_prime(data: U8, at: int, start: int, end: int) -> bool:
    one, two, three = (
        _byte(data, at - 1, start, end),
        _byte(data, at - 2, start, end),
        _byte(data, at - 3, start, end),
    )
    after = _byte(data, at + 1, start, end)
    alone = _is_alone(data, at - 1, start, end)
    point = bool(_KINDS[one] == _LETTER) and two == _QUOTE and _is_alnum(three)
    if _is_alnum(after):
        quoted = bool(_KINDS[after] == _LETTER) and _byte(data, at + 2, start, end) == _QUOTE
        return quoted and (alone or point)
    if alone or point or one in (_ROUND_RIGHT, _SQUARE_RIGHT, _RIGHT):
        return True
    if one != _QUOTE:
        return False
    return _is_alone(data, at - 2, start, end) or (two == _QUOTE and _is_alone(data, at - 3, start, end))


@compiled
def _is_alone(data: U8, at: int, start: int, end: int) -> bool:
    """Whether neither a letter or digit nor a quote precedes a letter or digit."""
    before = _byte(data, at - 1, start, end)
    return _is_alnum(_byte(data, at, start, end)) and not _is_alnum(before) and before != _QUOTE


@compiled
def _word_hash(data: U8, at: int, stop: int) -> tuple[np.uint64, bool]:
    """Hash of a word in lower case without joiners, and whether it is a number."""
    value, numeral = _OFFSET, True
    if data[at] == _STOP:
        value = (value ^ np.uint64(_ZERO)) * _PRIME
    for place in range(at, stop):
        byte = data[place]
        if byte in (_COMMA, _QUOTE):
            continue
        numeral = numeral and (byte == _STOP or _KINDS[byte] == _DIGIT)
        value = (value ^ np.uint64(_LOWER[byte])) * _PRIME
    return _mixed(value), numeral


@compiled
def _bytes_hash(data: U8, at: int, stop: int) -> np.uint64:
    value = _OFFSET
    for place in range(at, stop):
        value = (value ^ np.uint64(data[place])) * _PRIME
    return _mixed(value)


@compiled
def _mixed(value: np.uint64) -> np.uint64:
    """Spread each bit over all bits (the finalizer of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
