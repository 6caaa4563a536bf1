"""AMC 10: counting, divisibility, coordinates and digits, each solved by one known formula."""

from fractions import Fraction
from itertools import combinations, permutations
from math import comb, gcd, isqrt, lcm

from jz3.writer.family import Exact, Family, Values, Whole, Word
from jz3.writer.vocabulary import GOODS, NAMES

# Numbers that a model wrote may have any size: beyond these bounds a family gives no answer.
_LARGEST_TO_FACTOR = 10**6
_MOST_DIGITS = 1_000


def _divisors(number: int) -> list[int]:
    if not 1 <= number <= _LARGEST_TO_FACTOR:
        message = f"{number}; a whole number from 1 to {_LARGEST_TO_FACTOR} was expected"
        raise ValueError(message)
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def _pairs(v: Values) -> dict[str, Exact]:
    first, second = comb(v.a, 2), comb(v.b, 2)
    return {
        "before_a": v.a - 1,
        "before_b": v.b - 1,
        "twice_red": 2 * first,
        "twice_blue": 2 * second,
        "red": first,
        "blue": second,
        "answer": first + second,
    }


def _medals(v: Values) -> dict[str, Exact]:
    if not 0 <= v.b <= v.a:
        message = f"{v.b} of {v.a} runners; at most all runners were expected"
        raise ValueError(message)
    gold, silver = v.a - v.b, v.a - 1
    return {"gold": gold, "silver": silver, "answer": gold * silver}


def _multiples(v: Values) -> dict[str, Exact]:
    if v.a < 1 or v.b < 1 or v.c < 1:
        message = f"{v.a}, {v.b}, {v.c}; positive whole numbers were expected"
        raise ValueError(message)
    least = lcm(v.b, v.c)
    count = v.a // least
    return {
        "greatest": gcd(v.b, v.c),
        "product": v.b * v.c,
        "least": least,
        "under": count * least,
        "answer": count,
    }


def _common_divisors(v: Values) -> dict[str, Exact]:
    if v.a < 1 or v.b < 1:
        message = f"{v.a} and {v.b}; positive whole numbers were expected"
        raise ValueError(message)
    greatest = gcd(v.a, v.b)
    divisors = _divisors(greatest)
    return {"greatest": greatest, "terms": " + ".join(map(str, divisors)), "answer": sum(divisors)}


def _last_digit(v: Values) -> dict[str, Exact]:
    if v.a < 0 or v.b < 1:
        message = f"{v.a}^{v.b}; a whole base and a positive power were expected"
        raise ValueError(message)
    cycle = ", ".join(str(pow(v.a, n, 10)) for n in range(1, 5))
    place = (v.b - 1) % 4 + 1
    return {
        "unit": v.a % 10,
        "cycle": cycle,
        "place": place,
        "past": v.b - place,
        "answer": pow(v.a, v.b, 10),
    }


def _triangle(v: Values) -> dict[str, Exact]:
    first, second = v.a * v.d, v.b * v.c
    twice = abs(first - second)
    return {"first": first, "second": second, "twice": twice, "answer": Fraction(twice, 2)}


def _squared_double_area(v: Values) -> Fraction:
    """(2 * area)^2 from the three squared sides (Heron)."""
    p, q, r = v.a**2 + v.b**2, v.c**2 + v.d**2, (v.a - v.c) ** 2 + (v.b - v.d) ** 2
    return Fraction(4 * p * q - (p + q - r) ** 2, 4)


def _digits(v: Values) -> dict[str, Exact]:
    if not 0 <= v.a <= _MOST_DIGITS or 10**v.a < v.b:
        message = f"10^{v.a} - {v.b}; a positive number of at most {_MOST_DIGITS} digits was expected"
        raise ValueError(message)
    rest = 100 - v.b
    tens, units = divmod(rest, 10)
    return {
        "nines": v.a - 2,
        "rest": rest,
        "high": 9 * (v.a - 2),
        "tens": tens,
        "units": units,
        "low": tens + units,
        "answer": sum(int(digit) for digit in str(10**v.a - v.b)),
    }


def _digits_by_division(v: Values) -> int:
    left, total = 10**v.a - v.b, 0
    while left:
        left, digit = divmod(left, 10)
        total += digit
    return total


def _neither(v: Values) -> dict[str, Exact]:
    either = v.b + v.c - v.d
    if not 0 <= v.d <= min(v.b, v.c) or either > v.a:
        message = f"{v.b} and {v.c} of {v.a}, both {v.d}; counts that fit were expected"
        raise ValueError(message)
    return {"total": v.b + v.c, "either": either, "answer": v.a - either}


FAMILIES: tuple[Family, ...] = (
    Family(
        name="amc10.pairs",
        words=("combinations", "combination", "choose", "subsets", "subset", "pairs", "color"),
        fields={"name": Word(NAMES), "goods": Word(GOODS), "a": Whole(3, 25), "b": Whole(3, 25)},
        wordings=(
            "In how many ways can {name} choose two {goods} of the same color from {a} red {goods} "
            "and {b} blue {goods}?",
            "{name} has {a} red {goods} and {b} blue {goods}. In how many ways can {name} choose two {goods} "
            "of the same color?",
            "There are {a} red {goods} and {b} blue {goods}. In how many ways can {name} choose two of them "
            "with the same color?",
        ),
        holds=lambda v: v.a != v.b,
        solve=_pairs,
        solution="Two red {goods} can be chosen in {a} * {before_a} / 2 = {twice_red} / 2 = {red} ways. "
        "Two blue {goods} can be chosen in {b} * {before_b} / 2 = {twice_blue} / 2 = {blue} ways. "
        "Together there are {red} + {blue} = {answer} ways.",
        program="from math import comb\na = {a}\nb = {b}\nprint(comb(a, 2) + comb(b, 2))",
        proves=lambda v, answer: (
            sum((i < v.a) == (j < v.a) for i, j in combinations(range(v.a + v.b), 2)) == answer
        ),
    ),
    Family(
        name="amc10.medals",
        words=("permutations", "permutation", "arrangements", "arrangement", "ordered", "ordering", "rank"),
        fields={"name": Word(NAMES), "a": Whole(5, 30), "b": Whole(2, 28)},
        wordings=(
            "In a race with {a} runners, {b} of them may not win gold. In how many ways can {name} give "
            "the gold and the silver medal?",
            "A race has {a} runners and {b} of them may not win gold. {name} gives the gold and the silver "
            "medal. In how many ways?",
            "There are {a} runners in a race, and {b} of them may not win gold. How can {name} give the gold "
            "and the silver medal, in how many ways?",
        ),
        holds=lambda v: v.b <= v.a - 2,
        solve=_medals,
        solution="Gold can go to {a} - {b} = {gold} runners. Silver can go to {a} - 1 = {silver} runners. "
        "There are {gold} * {silver} = {answer} ways.",
        program="a = {a}\nb = {b}\nprint((a - b) * (a - 1))",
        proves=lambda v, answer: sum(gold >= v.b for gold, _ in permutations(range(v.a), 2)) == answer,
    ),
    Family(
        name="amc10.multiples",
        words=("lcm", "gcd", "multiples", "multiple", "common", "divisible", "coprime"),
        fields={"a": Whole(60, 400), "b": Whole(3, 16), "c": Whole(3, 16)},
        wordings=(
            "How many whole numbers from 1 to {a} are multiples of both {b} and {c}?",
            "How many of the whole numbers up to {a} are multiples of {b} and also multiples of {c}?",
            "Count the whole numbers from 1 to {a} that are multiples of {b} as well as multiples of {c}.",
        ),
        holds=lambda v: v.b != v.c and 2 * lcm(v.b, v.c) <= v.a,
        solve=_multiples,
        solution="The greatest common divisor of {b} and {c} is {greatest}. "
        "The least common multiple is {b} * {c} / {greatest} = {product} / {greatest} = {least}. "
        "Up to {a} its last multiple is {least} * {answer} = {under}, so there are {answer} of them.",
        program="from math import lcm\na = {a}\nb = {b}\nc = {c}\nprint(a // lcm(b, c))",
        proves=lambda v, answer: sum(n % v.b == n % v.c == 0 for n in range(1, v.a + 1)) == answer,
    ),
    Family(
        name="amc10.divisors",
        words=("divisor", "divisors", "sigma", "aliquot", "factor", "factors", "divides"),
        fields={"a": Whole(12, 90), "b": Whole(12, 90)},
        wordings=(
            "What is the sum of the positive common divisors of {a} and {b}?",
            "Find the sum of all positive common divisors that {a} and {b} have.",
            "Add all positive common divisors of the two numbers {a} and {b}. What is the sum?",
        ),
        holds=lambda v: v.a != v.b and gcd(v.a, v.b) >= 6,
        solve=_common_divisors,
        solution="The greatest common divisor of {a} and {b} is {greatest}. "
        "The common divisors are the divisors of {greatest}. Their sum is {terms} = {answer}.",
        program="a = {a}\nb = {b}\nprint(sum(d for d in range(1, a + 1) if a % d == 0 and b % d == 0))",
        proves=lambda v, answer: sum({*_divisors(v.a)} & {*_divisors(v.b)}) == answer,
    ),
    Family(
        name="amc10.last_digit",
        words=("power", "powers", "exponent", "exponents", "digit", "decimal", "cycle", "periodic"),
        fields={"a": Whole(2, 60), "b": Whole(5, 60)},
        wordings=(
            "What is the last digit of the number {a}^{b} when it is written out?",
            "Find the last digit of the power {a}^{b}, written as a decimal number.",
            "Which last digit does the big number {a}^{b} have when it is written out?",
        ),
        holds=lambda v: v.a % 10 > 1,
        solve=_last_digit,
        solution="The number {a} ends in {unit}. The powers of {unit} end in {cycle} and then repeat. "
        "As {b} = {past} + {place} and {past} is a multiple of 4, we take place {place}. "
        "The last digit is {answer}.",
        program="a = {a}\nb = {b}\nprint(pow(a, b, 10))",
        proves=lambda v, answer: v.a**v.b - 10 * (v.a**v.b // 10) == answer,
    ),
    Family(
        name="amc10.triangle",
        words=("triangle", "triangles", "area", "polygon", "coordinates", "vertices", "plane"),
        fields={"a": Whole(4, 12), "b": Whole(1, 9), "c": Whole(1, 9), "d": Whole(4, 12)},
        wordings=(
            "What is the area of the triangle with corners (0, 0), ({a}, {b}) and ({c}, {d})?",
            "A triangle has the corners (0, 0), ({a}, {b}) and ({c}, {d}). What is its area?",
            "Find the area of the triangle with corners (0, 0), ({a}, {b}) and ({c}, {d}).",
        ),
        holds=lambda v: v.a * v.d > v.b * v.c,
        solve=_triangle,
        solution="We have {a} * {d} = {first} and {b} * {c} = {second}. "
        "Twice the area is {first} - {second} = {twice}. The area is {twice} / 2 = {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\nc = {c}\nd = {d}\n"
        "print(Fraction(abs(a * d - b * c), 2))",
        proves=lambda v, answer: (2 * Fraction(answer)) ** 2 == _squared_double_area(v),
    ),
    Family(
        name="amc10.digit_sum",
        words=("digits", "notation", "string", "representation", "precision", "places", "printed"),
        fields={"a": Whole(3, 40), "b": Whole(11, 89)},
        wordings=(
            "What is the sum of the digits of the number 10^{a} - {b} when it is written out?",
            "Find the sum of the digits of 10^{a} - {b}, written as a decimal number.",
            "The number 10^{a} - {b} is written out. What is the sum of its digits?",
        ),
        holds=lambda v: v.b % 10 != 0,
        solve=_digits,
        solution="The number has {a} - 2 = {nines} digits 9 and then the digits of 100 - {b} = {rest}. "
        "The nines give {nines} * 9 = {high}. The others give {tens} + {units} = {low}. "
        "The sum is {high} + {low} = {answer}.",
        program="a = {a}\nb = {b}\nprint(sum(int(d) for d in str(10**a - b)))",
        proves=lambda v, answer: _digits_by_division(v) == answer,
    ),
    Family(
        name="amc10.neither",
        words=("union", "intersection", "inclusion", "exclusion", "overlap", "disjoint", "complement"),
        fields={"a": Whole(20, 60), "b": Whole(8, 35), "c": Whole(8, 35), "d": Whole(2, 20)},
        wordings=(
            "In a class of {a} pupils, {b} play chess, {c} play tennis and {d} play both. "
            "How many play neither?",
            "Of {a} pupils, {b} play chess, {c} play tennis and {d} play both games. "
            "How many pupils play neither game?",
            "A school has {a} pupils; {b} play chess, {c} play tennis and {d} play both. "
            "How many pupils play neither of the two?",
        ),
        holds=lambda v: v.d < min(v.b, v.c) and v.b + v.c - v.d < v.a,
        solve=_neither,
        solution="Chess and tennis have {b} + {c} = {total} players, but {d} are counted twice. "
        "So {total} - {d} = {either} pupils play a game. "
        "Neither is played by {a} - {either} = {answer} pupils.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(a - (b + c - d))",
        proves=lambda v, answer: (
            len({*range(v.a)} - {*range(v.b)} - {*range(v.b - v.d, v.b - v.d + v.c)}) == answer
        ),
    ),
)
