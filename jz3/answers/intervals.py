"""Sets of real numbers as disjoint intervals: `(1,2) or [2,3)` is `(1,3)`, `|x| > 2` is two half-lines.

Only ends that are rational or infinite are joined and compared here, exactly. Everything else is compared
part by part.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from jz3.answers.exact import UndefinedError, exact_value
from jz3.answers.expressions import parse
from jz3.answers.forms import Answer, Collection, Relation, Sequence, Union
from jz3.answers.reading import read
from jz3.answers.relations import interval_of
from jz3.answers.tokens import UnreadableError

End = Fraction | float  # a float is infinite


@dataclass(frozen=True, slots=True)
class Interval:
    low: End
    low_in: bool
    high: End
    high_in: bool

    @classmethod
    def below(cls, end: End, *, closed: bool) -> "Interval":
        return cls(-inf, low_in=False, high=end, high_in=closed)

    @classmethod
    def above(cls, end: End, *, closed: bool) -> "Interval":
        return cls(end, low_in=closed, high=inf, high_in=False)


_BETWEEN_BARS = re.compile(r"\|\s*[A-Za-z]\s*\|")
MAX_INTERVALS = 64  # chosen: members of a union that are joined


def intervals_of(answer: Answer) -> list[Interval] | None:
    """The disjoint intervals of a set, in order; None if an end is not rational or it is no such set."""
    members = _members(answer)
    if members is None or len(members) > MAX_INTERVALS:
        return None
    found: list[Interval] = []
    for member in members:
        interval = _interval(member)
        if interval is None:
            return None
        found.extend(interval)
    return _joined(found)


def _members(answer: Answer) -> list[Answer] | None:
    match answer:
        case Union():
            return [read(part)[0] for part in answer.parts]
        case Collection(braces=False) if answer.parts:
            parts = [read(part)[0] for part in answer.parts]
            return parts if all(isinstance(part, Relation) for part in parts) else None
        case Sequence() | Relation():
            return [answer]
        case _:
            return None


def _interval(member: Answer) -> list[Interval] | None:
    match member:
        case Relation(operators=(">",) | (">=",), parts=(left, right)) if left.startswith("|"):
            inner = interval_of(Relation(member.parts, ("<" if member.operators == (">",) else "<=",)))
            ends = (None, None) if inner is None else tuple(map(_end, inner[1].parts))
            if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
                return None
            closed = member.operators == (">=",)
            return [Interval.below(ends[0], closed=closed), Interval.above(ends[1], closed=closed)]
        case Relation(parts=(low, middle, high), operators=(first, second)) if _BETWEEN_BARS.fullmatch(
            middle
        ):
            if first[0] != "<" or second[0] != "<":
                return None
            outer, inner = _end(high), _end(low)
            if outer is None or inner is None or inner < 0:
                return None
            ends = first == "<=", second == "<="
            return [
                Interval(-outer, low_in=ends[1], high=-inner, high_in=ends[0]),
                Interval(inner, low_in=ends[0], high=outer, high_in=ends[1]),
            ]
        case Relation(operators=("!=",), parts=(_, right)):
            bound = _end(right)
            if bound is None:
                return None
            return [Interval.below(bound, closed=False), Interval.above(bound, closed=False)]
        case Relation(operators=("in",), parts=(_, right)):
            inner = read(right)[0]
            return None if isinstance(inner, Relation) else intervals_of(inner)
        case Relation():
            named = interval_of(member)
            return None if named is None else _interval(named[1])
        case Sequence(parts=(low, high)):
            ends = _end(low), _end(high)
            if ends[0] is None or ends[1] is None:
                return None
            return [Interval(ends[0], member.opening == "[", ends[1], member.closing == "]")]
        case Collection(braces=True):
            points = [_end(part) for part in member.parts]
            return (
                None
                if None in points
                else [
                    Interval(point, low_in=True, high=point, high_in=True)
                    for point in points
                    if point is not None
                ]
            )
        case _:
            return None


def _end(text: str) -> End | None:
    bare = text.replace(" ", "").lstrip("+")
    if bare in ("\\infty", "-\\infty"):
        return -inf if bare[0] == "-" else inf
    try:
        return exact_value(parse(text))
    except (UnreadableError, UndefinedError):
        return None


def _joined(intervals: list[Interval]) -> list[Interval]:
    kept: list[Interval] = []
    ordered = sorted(intervals, key=lambda interval: (interval.low, not interval.low_in))
    for interval in ordered:
        if interval.low > interval.high:
            continue
        if kept and _touches(kept[-1], interval):
            last = kept[-1]
            high, high_in = max((last.high, last.high_in), (interval.high, interval.high_in))
            kept[-1] = Interval(last.low, last.low_in, high, high_in)
        else:
            kept.append(interval)
    return kept


def _touches(first: Interval, second: Interval) -> bool:
    return second.low < first.high or (second.low == first.high and (second.low_in or first.high_in))
