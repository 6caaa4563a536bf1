r"""Whether the LaTeX of texts closes what it opens: dollars, braces, `\(`, `\[`, environments, `\left`.

The check is cautious: a text with an odd number of dollars passes if one may be a price. Costs a few passes
of numpy over the bytes of the texts, and more for the few marks in them.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

# $5, $.50, $-5; 300$, 300 $; a bare sign: ($), $/kg, in $.
_PRICE = (
    r"\$\s?[-−]?\.?\d[\d,.]*(?:[^\d$]|$)"
    r"|(?:^|[\s(~≈=+*/×–-])[\d,.]*\d\s?\$(?:[\s.,;:!?)/-]|$)"
    r"|\(\$\)|\$/|\b(?:in|of|the|US|A|C|NZ|HK)\s?\$(?:[\s.,;:!?)]|$)|\b(?:US|AU?|CA?|NZ|HK)\$\s?\d"
)
_LEFT, _RIGHT = r"\\left(?:[^a-zA-Z]|$)", r"\\right(?:[^a-zA-Z]|$)"
_BACKSLASH, _DOLLAR = ord("\\"), ord("$")


def unbalanced(texts: pl.Series) -> pl.Series:
    """What each text does not close, or closes without having opened it; null if nothing."""
    marks = _Marks(texts)
    odd = marks.count(_DOLLAR, escaped=False) % 2 == 1
    if odd.any():
        odd &= ~texts.str.contains(_PRICE).to_numpy()
    found: list[tuple[str | pl.Series, NDArray[np.bool_]]] = [
        ("$", odd),
        ("{", marks.unmatched_braces()),
        (r"\(", marks.count(ord("("), escaped=True) != marks.count(ord(")"), escaped=True)),
        (r"\[", marks.count(ord("["), escaped=True) != marks.count(ord("]"), escaped=True)),
        (r"\left", (texts.str.count_matches(_LEFT) != texts.str.count_matches(_RIGHT)).to_numpy()),
    ]
    evidence = np.full(texts.len(), None, dtype=object)
    for place, name in _environments(texts):
        evidence[place] = name
    for name, rows in reversed(found):
        evidence[rows] = name
    return pl.Series(texts.name, evidence.tolist(), dtype=pl.String)


class _Marks:
    """Positions of the marks in the bytes of many texts, and whether a backslash escapes them."""

    def __init__(self, texts: pl.Series) -> None:
        self._count = texts.len()
        self._starts = np.concatenate([[0], np.cumsum(texts.str.len_bytes().to_numpy())]).astype(np.int64)
        self._bytes = np.frombuffer("".join(texts.to_list()).encode(), dtype=np.uint8)
        self._escaped = np.zeros(len(self._bytes) + 1, dtype=bool)
        self._escaped[self._escapes() + 1] = True

    def count(self, mark: int, *, escaped: bool) -> I64:
        """How often each text has the byte after a backslash (`escaped`) or without one."""
        places = self._places(mark)
        return self._by_text(places[self._escaped[places] == escaped])

    def unmatched_braces(self) -> NDArray[np.bool_]:
        r"""Whether each text has a brace that is never closed, or closed before it was opened; `\{` does not
        count.
        """
        places = np.sort(np.concatenate([self._places(ord("{")), self._places(ord("}"))]))
        places = places[~self._escaped[places]]
        steps = np.where(self._bytes[places] == ord("{"), 1, -1)
        depth = np.concatenate([[0], np.cumsum(steps)])
        firsts = np.searchsorted(places, self._starts)
        wrong = depth[firsts[1:]] != depth[firsts[:-1]]
        owners = np.searchsorted(self._starts, places, side="right") - 1
        below = depth[1:] < depth[firsts[owners]]
        wrong[owners[below]] = True
        return wrong

    def _escapes(self) -> I64:
        """Backslashes that escape the next character: the first, third ... of a run within a text."""
        places = self._places(_BACKSLASH)
        if not len(places):
            return places
        opens = np.concatenate([[True], np.diff(places) != 1]) | np.isin(places, self._starts)
        index = np.arange(len(places))
        in_run = index - np.maximum.accumulate(np.where(opens, index, 0))
        chosen = places[in_run % 2 == 0]
        return chosen[~np.isin(chosen + 1, self._starts)]

    def _places(self, mark: int) -> I64:
        return np.flatnonzero(self._bytes == mark)

    def _by_text(self, places: I64) -> I64:
        owners = np.searchsorted(self._starts, places, side="right") - 1
        return np.bincount(owners, minlength=self._count)


def _environments(texts: pl.Series) -> list[tuple[int, str]]:
    """Texts with environments that are not closed, each with the name of one."""
    having = texts.str.contains(r"\\(?:begin|end)\{").arg_true()
    few = texts.gather(having)
    opened, closed = (
        few.str.extract_all(rf"\\{mark}\{{[^{{}}]*\}}").list.eval(
            pl.element().str.extract(r"\{(.*)\}").sort()
        )
        for mark in ("begin", "end")
    )
    differ = (opened != closed).arg_true()
    return [(having[place], _odd_one(opened[place].to_list(), closed[place].to_list())) for place in differ]


def _odd_one(opened: list[str], closed: list[str]) -> str:
    return min({*opened} ^ {*closed}, default=(opened or closed)[0])
