"""First contests: digits, multiples, remainders, routes, consecutive numbers, sums, calendars, games."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, count, product
from math import comb, gcd

from jz3.writer.family import Exact, Family, Values, Whole, Word
from jz3.writer.vocabulary import NAMES, PLACES


def _units(v: Values) -> Mapping[str, Exact]:
    x, y, z = (abs(number) % 10 for number in (v.a, v.b, v.c))
    end = x * y % 10
    return {"x": x, "y": y, "z": z, "first": x * y, "end": end, "second": end * z, "answer": end * z % 10}


def _multiples(v: Values) -> Mapping[str, Exact]:
    _expect(0 < v.a <= v.b and v.c > 0, f"numbers from {v.a} to {v.b}, multiples of {v.c}")
    high, low = v.b // v.c, (v.a - 1) // v.c
    return {
        "high": high,
        "top": high * v.c,
        "low": low,
        "bottom": low * v.c,
        "answer": high - low,
    }


def _remainder(v: Values) -> Mapping[str, Exact]:
    _expect(0 <= v.c < v.a and v.d > 0, f"remainder {v.c} of a division by {v.a}, then a division by {v.d}")
    number = v.a * v.b + v.c
    times = number // v.d
    return {
        "product": v.a * v.b,
        "number": number,
        "times": times,
        "below": times * v.d,
        "answer": number - times * v.d,
    }


def _consecutive(v: Values) -> Mapping[str, Exact]:
    middle, half = Fraction(v.b, v.a), Fraction(v.a - 1, 2)
    _expect(v.a > 0 and (middle + half).denominator == 1, f"{v.a} consecutive numbers with the sum {v.b}")
    return {"middle": middle, "half": half, "answer": middle + half}


def _sum(v: Values) -> Mapping[str, Exact]:
    _expect(0 <= v.a <= v.b, f"whole numbers from {v.a} to {v.b}")
    size, pair = v.b - v.a + 1, v.a + v.b
    return {"size": size, "pairs": Fraction(size, 2), "pair": pair, "answer": Fraction(size * pair, 2)}


def _again(v: Values) -> Mapping[str, Exact]:
    _expect(v.a > 0 and v.b > 0, f"every {v.a} and every {v.b} days")
    common = gcd(v.a, v.b)
    return {"common": common, "part": v.a // common, "answer": v.a // common * v.b}


def _games(v: Values) -> Mapping[str, Exact]:
    _expect(v.a > 0, f"{v.a} teams")
    twice = v.a * (v.a - 1)
    _expect(0 <= v.b <= twice // 2, f"{v.b} of {twice // 2} games")
    return {"others": v.a - 1, "twice": twice, "games": twice // 2, "answer": twice // 2 - v.b}


def _expect(possible: bool, what: str) -> None:  # noqa: FBT001 - a condition, not a choice of behaviour
    if not possible:
        message = f"{what}; values with an answer were expected"
        raise ValueError(message)


def _different_places(v: Values) -> bool:
    return len({v.word("x"), v.word("y"), v.word("z")}) == 3


FAMILIES = (
    Family(
        name="amc8.units",
        words=("digit", "digits", "decimal", "last", "product", "multiplication", "precision"),
        fields={"name": Word(NAMES), "a": Whole(11, 60), "b": Whole(11, 60), "c": Whole(11, 60)},
        wordings=(
            "{name} multiplies {a}, {b} and {c}. What is the units digit of the product?",
            "In a contest {name} multiplies {a}, {b} and {c}. What is the units digit of the product?",
            "The numbers {a}, {b} and {c} are multiplied by {name}. What is the units digit of the product?",
        ),
        holds=lambda v: v.a % 10 != 0 and v.b % 10 != 0 and v.c % 10 != 0,
        solve=_units,
        solution="The units digits are {x}, {y} and {z}. First {x} * {y} = {first} ends in {end}. "
        "Then {end} * {z} = {second} ends in {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b * c % 10)",
        proves=lambda v, answer: str(v.a * v.b * v.c)[-1] == str(answer),
    ),
    Family(
        name="amc8.multiples",
        words=("multiple", "multiples", "divisible", "counting", "count", "integers", "sieve"),
        fields={"name": Word(NAMES), "a": Whole(5, 50), "b": Whole(55, 160), "c": Whole(3, 12)},
        wordings=(
            "{name} looks at the numbers from {a} to {b}. How many of them are multiples of {c}?",
            "On a list {name} has the numbers from {a} to {b}. How many of them are multiples of {c}?",
            "{name} counts the numbers from {a} to {b}. How many of them are multiples of {c}?",
        ),
        holds=lambda v: v.a > v.c,
        solve=_multiples,
        solution="Up to {b} there are {high} multiples, because {high} * {c} = {top}. "
        "Below {a} there are {low}, because {low} * {c} = {bottom}. There are {high} - {low} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(b // c - (a - 1) // c)",
        proves=lambda v, answer: sum(1 for n in range(v.a, v.b + 1) if n % v.c == 0) == answer,
    ),
    Family(
        name="amc8.remainder",
        words=("remainder", "remainders", "modulo", "mod", "modular", "congruence", "quotient", "residue"),
        fields={
            "name": Word(NAMES),
            "a": Whole(5, 15),
            "b": Whole(3, 15),
            "c": Whole(1, 14),
            "d": Whole(3, 9),
        },
        wordings=(
            "A number divided by {a} has quotient {b} and remainder {c}. "
            "{name} divides this number by {d}. What is the remainder?",
            "{name} divides a number by {a} with quotient {b} and remainder {c}. "
            "Then {name} divides this number by {d}. What is the remainder?",
            "Divided by {a}, a number of {name} has quotient {b} and remainder {c}. "
            "{name} divides this number by {d}. What is the remainder?",
        ),
        holds=lambda v: v.c < v.a and v.a % v.d != 0,
        solve=_remainder,
        solution="Here {a} * {b} = {product}, so the number is {product} + {c} = {number}. "
        "Since {times} * {d} = {below}, the remainder is {number} - {below} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint((a * b + c) % d)",
        proves=lambda v, answer: (
            0 <= Fraction(answer) < v.d and (v.a * v.b + v.c - Fraction(answer)) % v.d == 0
        ),
    ),
    Family(
        name="amc8.routes",
        words=("path", "paths", "route", "graph", "edge", "edges", "node", "nodes", "road"),
        fields={
            "x": Word(PLACES),
            "y": Word(PLACES),
            "z": Word(PLACES),
            "a": Whole(2, 12),
            "b": Whole(2, 12),
            "c": Whole(2, 12),
        },
        wordings=(
            "From the {x} {a} roads lead to the {y}, {b} roads lead from there to the {z}, "
            "and {c} roads go straight to the {z}. How many routes lead from the {x} to the {z}?",
            "There are {a} roads from the {x} to the {y}, {b} roads from there to the {z}, "
            "and {c} roads go straight to the {z}. How many routes lead from the {x} to the {z}?",
            "To go from the {x} to the {y} there are {a} roads, then {b} roads to the {z}, "
            "and {c} roads go straight to the {z}. How many routes lead from the {x} to the {z}?",
        ),
        holds=_different_places,
        solve=lambda v: {"through": v.a * v.b, "answer": v.a * v.b + v.c},
        solution="Through the {y} there are {a} * {b} = {through} routes. "
        "With the straight roads there are {through} + {c} = {answer} routes.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b + c)",
        proves=lambda v, answer: len(list(product(range(v.a), range(v.b)))) + v.c == answer,
    ),
    Family(
        name="amc8.consecutive",
        words=("consecutive", "successive", "adjacent", "next", "odd", "even", "parity", "largest"),
        fields={"name": Word(NAMES), "a": Whole(3, 11), "b": Whole(18, 480)},
        wordings=(
            "{name} adds {a} consecutive numbers and the sum is {b}. What is the largest of the numbers?",
            "The sum of {a} consecutive numbers of {name} is {b}. What is the largest of the numbers?",
            "For {a} consecutive numbers {name} finds the sum {b}. What is the largest of the numbers?",
        ),
        holds=lambda v: v.a % 2 == 1 and v.b % v.a == 0 and v.b > v.a * v.a,
        solve=_consecutive,
        solution="The middle number is {b} / {a} = {middle}. Above it are ({a} - 1) / 2 = {half} numbers. "
        "The largest is {middle} + {half} = {answer}.",
        program="a = {a}\nb = {b}\nprint(b // a + (a - 1) // 2)",
        proves=lambda v, answer: sum(Fraction(answer) - step for step in range(v.a)) == v.b,
    ),
    Family(
        name="amc8.sum",
        words=("sum", "sums", "summation", "series", "total", "accumulate", "add"),
        fields={"name": Word(NAMES), "a": Whole(2, 60), "b": Whole(7, 75)},
        wordings=(
            "{name} finds the sum of all whole numbers from {a} to {b}. What is the sum?",
            "The sum of all whole numbers from {a} to {b} is wanted by {name}. What is the sum?",
            "On the board {name} writes the sum of all whole numbers from {a} to {b}. What is the sum?",
        ),
        holds=lambda v: 4 <= v.b - v.a + 1 <= 20 and (v.b - v.a) % 2 == 1 and sum(range(v.a, v.b + 1)) <= 700,
        solve=_sum,
        solution="There are {b} - {a} + 1 = {size} numbers, so {size} / 2 = {pairs} pairs. "
        "Each pair makes {a} + {b} = {pair}. The sum is {pairs} * {pair} = {answer}.",
        program="a = {a}\nb = {b}\nprint((b - a + 1) * (a + b) // 2)",
        proves=lambda v, answer: comb(v.b + 1, 2) - comb(v.a, 2) == answer,
    ),
    Family(
        name="amc8.again",
        words=("lcm", "gcd", "common", "divisor", "divisors", "cycle", "period", "periodic"),
        fields={
            "name": Word(NAMES),
            "x": Word(PLACES),
            "y": Word(PLACES),
            "a": Whole(3, 36),
            "b": Whole(3, 36),
        },
        wordings=(
            "The {x} opens every {a} days and the {y} every {b} days. Both open today. "
            "After how many days does {name} find both open again?",
            "Every {a} days the {x} opens, and every {b} days the {y} opens. Both open today. "
            "After how many days does {name} find both open again?",
            "{name} goes to the {x}, open every {a} days, and to the {y}, open every {b} days. "
            "Both open today. After how many days does {name} find both open again?",
        ),
        holds=lambda v: v.word("x") != v.word("y") and v.a != v.b and v.a // gcd(v.a, v.b) * v.b <= 400,
        solve=_again,
        solution="The greatest common divisor of {a} and {b} is {common}. First {a} / {common} = {part}. "
        "Both open again after {part} * {b} = {answer} days.",
        program="from math import gcd\na = {a}\nb = {b}\nprint(a // gcd(a, b) * b)",
        proves=lambda v, answer: next(day for day in count(1) if day % v.a == 0 and day % v.b == 0) == answer,
    ),
    Family(
        name="amc8.games",
        words=("game", "games", "team", "pairs", "pair", "combination", "combinations", "complete"),
        fields={"name": Word(NAMES), "a": Whole(4, 20), "b": Whole(2, 60)},
        wordings=(
            "Each of {a} teams plays one game against each other team, and {name} sees {b} games. "
            "How many games are left?",
            "With {a} teams each team plays one game against each other team, and {name} sees {b} games. "
            "How many games are left?",
            "There are {a} teams. Each team plays one game against each other team, "
            "and {name} sees {b} games. How many games are left?",
        ),
        holds=lambda v: v.b < comb(v.a, 2),
        solve=_games,
        solution="Each team plays {a} - 1 = {others} games, "
        "and {a} * {others} = {twice} counts each game twice. "
        "There are {twice} / 2 = {games} games. So {games} - {b} = {answer} games are left.",
        program="a = {a}\nb = {b}\nprint(a * (a - 1) // 2 - b)",
        proves=lambda v, answer: len(list(combinations(range(v.a), 2))) - v.b == answer,
    ),
)
