"""Equality of two final answers. Every verdict names the rule that gave it (`docs/evaluation.md` lists them).

`equal(gold, predicted)` is symmetric and reflexive. Plain answers cost microseconds, expressions tens of
them; only what our own grammar cannot read (integrals, sums, limits) goes to sympy in a worker process with a
hard time limit. A text that cannot be read, is undefined or too long, or takes too long, is 'different', each
by a rule of its own.
"""

import re
from collections.abc import Sequence as AbstractSequence

from jz3.answers.arrays import OTHERWISE
from jz3.answers.exact import UndefinedError
from jz3.answers.figures import dressed
from jz3.answers.forms import (
    Answer,
    Choice,
    Clock,
    Collection,
    Matrix,
    Numeral,
    Pieces,
    Ratio,
    Relation,
    Residue,
    Scalar,
    Sequence,
    Union,
    Words,
)
from jz3.answers.intervals import intervals_of
from jz3.answers.notation import clean, nesting, normal_form
from jz3.answers.numerals import ratio_parts, same_time
from jz3.answers.quantities import scalar
from jz3.answers.reading import read
from jz3.answers.relations import MIRROR, NAME, bare, difference_of, interval_of, is_label, is_name, is_number
from jz3.answers.scalars import plain_words, same_scalars, same_word
from jz3.answers.symbolic import AnswerVerdict, Symbolic, default_symbolic
from jz3.answers.tree import Node
from jz3.answers.values import Tolerance, proportion
from jz3.answers.vectors import components, same_components

MAX_CHARACTERS = 4000  # chosen: the longest gold of the eight benchmarks has 89
MAX_NESTING = 30  # chosen: the deepest gold of the eight benchmarks nests 4 brackets; recursion stays shallow
MAX_READINGS_DEEP = 8  # chosen: parts of parts of an answer; the golds of the benchmarks need 4
MAX_PARTS = 64  # chosen: parts of a set that are matched one to one
# Chosen: 1e-6 (released code: relative 1e-4), and never more than half a cent: 3244047.1 is not 3244048.1.
POLICY = Tolerance(absolute=1e-6, relative=1e-6, most=0.005)

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
IDENTICAL = AnswerVerdict(equal=True, rule="identical")


def equal(gold: str, predicted: str, tolerance: Tolerance = POLICY) -> AnswerVerdict:
    """Whether two answers are the same; uses the process-wide symbolic worker."""
    return equal_with(gold, predicted, tolerance, default_symbolic())


def equal_with(gold: str, predicted: str, tolerance: Tolerance, symbolic: Symbolic) -> AnswerVerdict:
    """Whether two answers are the same. Symmetric in gold and predicted."""
    if gold == predicted:
        return IDENTICAL
    if (
        gold.isdecimal()
        and predicted.isdecimal()
        and gold.isascii()
        and predicted.isascii()
        and len(gold) + len(predicted) <= MAX_CHARACTERS
    ):
        return AnswerVerdict(int(gold) == int(predicted), "number")
    if max(len(gold), len(predicted)) > MAX_CHARACTERS:
        return AnswerVerdict(equal=False, rule="too_long")
    if _CONTROL.search(gold) or _CONTROL.search(predicted):
        return AnswerVerdict(equal=False, rule="control_characters")
    if max(len(gold), len(predicted)) > MAX_NESTING and max(nesting(gold), nesting(predicted)) > MAX_NESTING:
        return AnswerVerdict(equal=False, rule="too_deep")
    comparison = _Comparison(tolerance, symbolic)
    return comparison.texts(gold, predicted, depth=0)


def equal_choices(gold: str, predicted: str) -> AnswerVerdict:
    """Whether two letters of choices are the same: `(b)`, `B.` and `B) 12` are B."""
    if gold == predicted:
        return IDENTICAL
    first, second = _letter(gold), _letter(predicted)
    return AnswerVerdict(first is not None and first == second, "choice")


_LETTER = re.compile(r"\W*(?:\\(?:text|textbf|mathrm)\{)?\W*([A-Ja-j])(?:\W*|\s*[).:].*)", re.DOTALL)


def _letter(text: str) -> str | None:
    match = _LETTER.fullmatch(clean(text[:MAX_CHARACTERS]))
    return None if match is None else match[1].upper()


class _Comparison:
    """One comparison of two texts, with what its parts share."""

    def __init__(self, tolerance: Tolerance, symbolic: Symbolic) -> None:
        self.tolerance = tolerance
        self.symbolic = symbolic

    def texts(self, a: str, b: str, depth: int) -> AnswerVerdict:
        if a == b:
            return IDENTICAL
        if depth > MAX_READINGS_DEEP:
            return AnswerVerdict(equal=False, rule="too_deep")
        if "\\" in a or "\\" in b:
            a, b = dressed(clean(a), clean(b)), dressed(clean(b), clean(a))
        if normal_form(clean(a)) == normal_form(clean(b)):
            return AnswerVerdict(equal=True, rule="normal_form")
        verdict = AnswerVerdict(equal=False, rule="different_kinds")
        for first in read(a):
            for second in read(b):
                verdict = self.answers(first, second, depth)
                if verdict.equal:
                    return verdict
        first, second = bare(clean(a)), bare(clean(b))
        if (first, second) != (clean(a), clean(b)):
            return self.texts(first, second, depth + 1)
        return verdict

    def same(self, a: str, b: str, depth: int) -> bool:
        return self.texts(a, b, depth + 1).equal

    def answers(self, a: Answer, b: Answer, depth: int) -> AnswerVerdict:
        if depth > MAX_READINGS_DEEP:
            return AnswerVerdict(equal=False, rule="too_deep")
        verdict = self.same_kind(a, b, depth)
        if verdict.equal or not (isinstance(a, _SETS) and isinstance(b, _SETS)) or _has_names(a, b):
            return verdict
        first, second = intervals_of(a), intervals_of(b)
        if first is None or second is None or (isinstance(a, Sequence) and isinstance(b, Sequence)):
            return verdict
        return AnswerVerdict(first == second, "union") if first == second else verdict

    def same_kind(self, a: Answer, b: Answer, depth: int) -> AnswerVerdict:
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            return same_scalars(a, b, self.tolerance, self.symbolic)
        if isinstance(a, Words) and isinstance(b, Words):
            return AnswerVerdict(plain_words(a.text) == plain_words(b.text), "words")
        if isinstance(a, Choice) and isinstance(b, Choice):
            return AnswerVerdict(a.letter == b.letter, "choice")
        if isinstance(a, Clock) and isinstance(b, Clock):
            return AnswerVerdict(same_time(a, b), "clock")
        if isinstance(a, Numeral) and isinstance(b, Numeral):
            same = a.base == b.base and a.digits.lstrip("0") == b.digits.lstrip("0")
            return AnswerVerdict(same, "numeral")
        if isinstance(a, Matrix) and isinstance(b, Matrix):
            return AnswerVerdict(self.matrices(a, b, depth), "matrix")
        if isinstance(a, Sequence) and isinstance(b, Sequence):
            return AnswerVerdict(self.sequences(a, b, depth), "sequence")
        if isinstance(a, Collection) and isinstance(b, Collection):
            return AnswerVerdict(self.matched(a.parts, b.parts, depth), "set")
        if isinstance(a, Union) and isinstance(b, Union):
            return AnswerVerdict(self.matched(a.parts, b.parts, depth), "union")
        if isinstance(a, Relation) and isinstance(b, Relation):
            return self.relations(a, b, depth)
        if isinstance(a, Pieces) and isinstance(b, Pieces):
            return AnswerVerdict(self.pieces(a, b, depth), "pieces")
        if isinstance(a, Residue) and isinstance(b, Residue):
            same = self.same(a.modulus, b.modulus, depth) and self.same(
                f"({a.value}) \\bmod {a.modulus}", f"({b.value}) \\bmod {b.modulus}", depth
            )
            return AnswerVerdict(same, "residue")
        return self.kinds(a, b, depth)

    def kinds(self, a: Answer, b: Answer, depth: int) -> AnswerVerdict:
        """Compare two answers of different kinds, a few of which may be the same."""
        for first, second in ((a, b), (b, a)):
            match first, second:
                case Relation(operators=("!=",)), Union() if NAME.fullmatch(first.parts[0]):
                    bound = first.parts[1]
                    outside = (f"(-\\infty,{bound})", f"({bound},\\infty)")
                    return AnswerVerdict(self.matched(outside, second.parts, depth), "union")
                case Relation(), _ if not (isinstance(second, Collection) and len(second.parts) == 1):
                    return self.named(first, second, depth)
                case Ratio(), Ratio() | Clock():
                    return AnswerVerdict(self.ratios(first.parts, ratio_parts(second), depth), "ratio")
                case Collection(braces=False), Sequence() if (named := _by_name(first)) is not None:
                    same = len(named) == len(second.parts) and self.each(named, second.parts, depth)
                    return AnswerVerdict(same, "coordinates")
                case Collection(braces=False), Sequence():
                    same = len(first.parts) == len(second.parts) and self.each(
                        first.parts, second.parts, depth
                    )
                    return AnswerVerdict(same, "list_without_brackets")
                case Collection(), Union():
                    return AnswerVerdict(self.matched(first.parts, second.parts, depth), "union")
                case Collection(), _ if len(first.parts) == 1:
                    return self.answers(read(first.parts[0])[0], second, depth + 1)
                case Matrix(), Sequence(opening="(", closing=")") | Sequence(opening="[", closing="]"):
                    cells = _vector(first)
                    same = cells is not None and len(cells) == len(second.parts)
                    return AnswerVerdict(same and self.each(cells or (), second.parts, depth), "vector")
                case Scalar(), Sequence() | Matrix() if (
                    first.node is not None and (parts := components(first.node)) is not None
                ):
                    return AnswerVerdict(_same_vector(parts, second, self.tolerance), "vector")
                case Words(), Scalar():
                    return same_word(first, second, self.tolerance)
                case Choice(content=content), Scalar() if content:
                    return self.answers(read(content)[0], second, depth + 1)
                case Choice(content=""), Scalar():
                    return same_scalars(scalar(first.letter), second, self.tolerance, self.symbolic)
                case _:
                    pass
        return AnswerVerdict(equal=False, rule="different_kinds")

    def each(self, a: AbstractSequence[str], b: AbstractSequence[str], depth: int) -> bool:
        return all(self.same(first, second, depth) for first, second in zip(a, b, strict=True))

    def matched(self, a: AbstractSequence[str], b: AbstractSequence[str], depth: int) -> bool:
        """Whether the parts can be paired one to one."""
        if len(a) != len(b) or len(a) > MAX_PARTS:
            return False
        partner: dict[int, int] = {}
        fits: dict[tuple[int, int], bool] = {}

        def place(first: int, seen: set[int]) -> bool:
            for second in range(len(b)):
                if second in seen:
                    continue
                if (first, second) not in fits:
                    fits[first, second] = self.same(a[first], b[second], depth)
                if not fits[first, second]:
                    continue
                seen.add(second)
                if second not in partner or place(partner[second], seen):
                    partner[second] = first
                    return True
            return False

        return all(place(first, set()) for first in range(len(a)))

    def pieces(self, a: Pieces, b: Pieces, depth: int) -> bool:
        """Whether the values are the same under the same conditions, in any order; `otherwise` is the
        remaining case.
        """
        if len(a.values) != len(b.values) or len(a.values) > MAX_PARTS:
            return False

        def fits(first: int, second: int) -> bool:
            conditions = a.conditions[first], b.conditions[second]
            return self.same(a.values[first], b.values[second], depth) and (
                OTHERWISE in conditions or self.same(*conditions, depth)
            )

        left = set(range(len(b.values)))
        for first in sorted(range(len(a.values)), key=lambda place: a.conditions[place] == OTHERWISE):
            second = next((place for place in sorted(left) if fits(first, place)), None)
            if second is None:
                return False
            left.remove(second)
        return True

    def sequences(self, a: Sequence, b: Sequence, depth: int) -> bool:
        """Compare sequences; two parts in brackets may be an interval, and then the brackets count."""
        if len(a.parts) != len(b.parts) or len(a.parts) > MAX_PARTS:
            return False
        ends = (a.opening + a.closing, b.opening + b.closing)
        if ends[0] != ends[1] and (len(a.parts) == 2 or not set(ends) <= {"()", "[]"}):
            return False
        return self.each(a.parts, b.parts, depth)

    def matrices(self, a: Matrix, b: Matrix, depth: int) -> bool:
        if [len(row) for row in a.rows] != [len(row) for row in b.rows]:
            return False
        return all(self.each(first, second, depth) for first, second in zip(a.rows, b.rows, strict=True))

    def ratios(self, a: tuple[str, ...], b: tuple[str, ...], depth: int) -> bool:
        """1:2 equals 2:4, but never the number 1/2; a ratio with a part 0 (17:00) equals only itself."""
        if len(a) != len(b):
            return False
        if self.each(a, b, depth):
            return True
        if any(self.same(part, "0", depth) for part in (*a, *b)):
            return False
        crossed = [
            (f"({first})*({b[0]})", f"({second})*({a[0]})")
            for first, second in zip(a[1:], b[1:], strict=True)
        ]
        return all(self.same(first, second, depth) for first, second in crossed)

    def relations(self, a: Relation, b: Relation, depth: int) -> AnswerVerdict:
        for first, second in ((a, b), (b, a)):
            interval = interval_of(second)
            if first.operators == ("in",) and interval is not None and first.parts[0] == interval[0]:
                return self.named(first, interval[1], depth)
        if len(a.parts) != len(b.parts):
            return self.chains(a, b, depth) or self.intervals(a, b, depth)
        mirrored = Relation(b.parts[::-1], tuple(MIRROR[operator] for operator in b.operators[::-1]))
        for other in (b, mirrored):
            if a.operators == other.operators and self.each(a.parts, other.parts, depth):
                return AnswerVerdict(equal=True, rule="relation")
        chains = self.chains(a, b, depth)
        if chains is not None:
            return chains
        if len(a.parts) == 2 and "in" not in (*a.operators, *b.operators):
            return AnswerVerdict(self.proportional(a, b), "relation")
        return self.intervals(a, b, depth)

    def chains(self, a: Relation, b: Relation, depth: int) -> AnswerVerdict | None:
        """Compare `x = 5+6 = 11` and `x = 11` by their ends, if both give a value to the same name."""
        if max(len(a.parts), len(b.parts)) == 2 or not self.same(a.parts[0], b.parts[0], depth):
            return None
        first, second = _content(a, self, depth), _content(b, self, depth)
        if first is None or second is None:
            return None
        return AnswerVerdict(self.same(first, second, depth), "relation")

    def intervals(self, a: Relation, b: Relation, depth: int) -> AnswerVerdict:
        """`|x| < 2` equals `-2 < x < 2`."""
        first, second = interval_of(a), interval_of(b)
        if first is not None and second is not None and first[0] == second[0]:
            return AnswerVerdict(self.sequences(first[1], second[1], depth), "interval")
        return AnswerVerdict(equal=False, rule="relation")

    def proportional(self, a: Relation, b: Relation) -> bool:
        """2x = 10 equals x = 5; -x < -5 equals x > 5."""
        first, second = difference_of(a), difference_of(b)
        if first is None or second is None:
            return False
        try:
            sign = proportion(first, second)
            other_way = proportion(second, first)
        except UndefinedError:
            return False
        if sign is None or other_way is None:
            return False
        operator = a.operators[0] if sign > 0 else MIRROR[a.operators[0]]
        return operator == b.operators[0]

    def named(self, a: Relation, b: Answer, depth: int) -> AnswerVerdict:
        r"""Compare `x = 5` with 5, and `x \in [1,2]` or `1 <= x <= 2` with [1,2]."""
        content = _content(a, self, depth)
        if content is not None:
            readings = [self.answers(reading, b, depth + 1) for reading in read(content)]
            return next((verdict for verdict in readings if verdict.equal), readings[0])
        interval = interval_of(a)
        if interval is not None and isinstance(b, Sequence):
            return AnswerVerdict(self.sequences(interval[1], b, depth), "interval")
        return AnswerVerdict(equal=False, rule="different_kinds")


def _content(relation: Relation, comparison: _Comparison, depth: int) -> str | None:
    """The value of a name, such as 5 in `x = 5`; or the result of a computation, such as 8 in `5+3 = 8`."""
    operators = set(relation.operators)
    if operators == {"in"} and len(relation.parts) == 2 and NAME.fullmatch(relation.parts[0]):
        return relation.parts[1]
    if operators != {"="}:
        return None
    first, last = relation.parts[0], relation.parts[-1]
    if is_label(first) and (len(relation.parts) > 2 or not is_label(last) or is_name(first)):
        return last
    if len(relation.parts) == 2 and is_label(last) and not is_label(first):
        return first
    if not is_number(scalar(last).text):
        return None
    if all(comparison.same(part, last, depth) for part in relation.parts[:-1]):
        return last
    return None


def _by_name(answer: Collection) -> tuple[str, ...] | None:
    """The values of `y = 2, x = 1` in the order of their names, as in a point."""
    named: dict[str, str] = {}
    for part in answer.parts:
        relation = read(part)[0]
        if not isinstance(relation, Relation) or relation.operators != ("=",):
            return None
        if not NAME.fullmatch(relation.parts[0]) or relation.parts[0] in named:
            return None
        named[relation.parts[0]] = relation.parts[1]
    return tuple(value for _, value in sorted(named.items())) if len(named) > 1 else None


_SETS = (Union, Sequence, Relation, Collection)


def _has_names(a: Answer, b: Answer) -> bool:
    """Whether two relations are about different letters."""
    if not (isinstance(a, Relation) and isinstance(b, Relation)):
        return False
    return {part for part in a.parts if NAME.fullmatch(part)} != {
        part for part in b.parts if NAME.fullmatch(part)
    }


def _same_vector(parts: tuple[Node, ...], other: Sequence | Matrix, tolerance: Tolerance) -> bool:
    r"""Whether a vector such as `3\mathbf{i} - \mathbf{j}` equals coordinates such as (3, -1)."""
    cells = other.parts if isinstance(other, Sequence) else _vector(other)
    return cells is not None and same_components(parts, [scalar(cell).node for cell in cells], tolerance)


def _vector(matrix: Matrix) -> tuple[str, ...] | None:
    if all(len(row) == 1 for row in matrix.rows):
        return tuple(row[0] for row in matrix.rows)
    return matrix.rows[0] if len(matrix.rows) == 1 else None
