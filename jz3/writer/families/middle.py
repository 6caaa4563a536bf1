"""Middle school: percent, ratio, mean, area, numbers below zero, first equations and chances.

Whole results but for the chances; division comes out even, so that each step is one small operation.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import gcd

from jz3.writer.family import Exact, Family, Values, Whole, Word
from jz3.writer.vocabulary import GOODS, NAMES, PLACES


def _area(v: Values) -> Mapping[str, Exact]:
    if not 0 < v.c <= min(v.a, v.b):
        message = f"square with side {v.c} in a sheet of {v.a} by {v.b}; one that fits was expected"
        raise ValueError(message)
    return {"sheet": v.a * v.b, "square": v.c * v.c, "answer": v.a * v.b - v.c * v.c}


FAMILIES = (
    Family(
        name="middle.percent",
        words=("percent", "percentage", "hundred", "decimal", "portion", "part", "relative"),
        fields={
            "place": Word(PLACES),
            "goods": Word(GOODS),
            "a": Whole(10, 200),
            "b": Whole(10, 90),
            "c": Whole(2, 30),
        },
        wordings=(
            "The {place} has {a} {goods}. It sells {b} percent of them, and later it sells {c} more. "
            "How many {goods} are sold altogether?",
            "From {a} {goods} the {place} sells {b} percent, and later it sells {c} more. "
            "How many {goods} are sold altogether?",
            "There are {a} {goods} at the {place}. First {b} percent of them are sold, then {c} more. "
            "How many {goods} are sold altogether?",
        ),
        holds=lambda v: v.a % 10 == 0 and v.b % 10 == 0 and v.a * v.b // 100 + v.c <= v.a,
        solve=lambda v: {
            "tenth": Fraction(v.a, 10),
            "tens": Fraction(v.b, 10),
            "part": Fraction(v.a * v.b, 100),
            "answer": Fraction(v.a * v.b, 100) + v.c,
        },
        solution="10 percent of {a} is {a} / 10 = {tenth}. So {b} percent is {tens} * {tenth} = {part}. "
        "Altogether {part} + {c} = {answer} {goods} are sold.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b // 100 + c)",
        proves=lambda v, answer: (Fraction(answer) - v.c) / v.a == Fraction(v.b, 100),
    ),
    Family(
        name="middle.ratio",
        words=("ratio", "ratios", "proportion", "proportional", "scale", "parts", "fraction"),
        fields={
            "name": Word(NAMES),
            "friend": Word(NAMES),
            "goods": Word(GOODS),
            "a": Whole(10, 120),
            "b": Whole(2, 9),
            "c": Whole(2, 9),
        },
        wordings=(
            "{name} and {friend} share {a} {goods} in the ratio {b} to {c}. "
            "How many {goods} does {name} get?",
            "The {a} {goods} of {name} and {friend} are shared in the ratio {b} to {c}. "
            "How many {goods} does {name} get?",
            "There are {a} {goods}. {name} and {friend} share them in the ratio {b} to {c}. "
            "How many {goods} does {name} get?",
        ),
        holds=lambda v: v.word("name") != v.word("friend") and v.b != v.c and v.a % (v.b + v.c) == 0,
        solve=lambda v: {
            "parts": v.b + v.c,
            "one": Fraction(v.a, v.b + v.c),
            "answer": Fraction(v.a, v.b + v.c) * v.b,
        },
        solution="There are {b} + {c} = {parts} parts. One part is {a} / {parts} = {one} {goods}. "
        "{name} gets {b} * {one} = {answer} {goods}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a // (b + c) * b)",
        proves=lambda v, answer: Fraction(answer) * v.c == (v.a - Fraction(answer)) * v.b,
    ),
    Family(
        name="middle.mean",
        words=("mean", "average", "median", "statistics", "data", "sample", "variance", "deviation"),
        fields={"name": Word(NAMES), "a": Whole(2, 60), "b": Whole(2, 60), "c": Whole(2, 60)},
        wordings=(
            "The three scores of {name} are {a}, {b} and {c}. What is the mean of the three scores?",
            "{name} has the scores {a}, {b} and {c} in three games. What is the mean of the three scores?",
            "In three games {name} gets the scores {a}, {b} and {c}. What is the mean of the three scores?",
        ),
        holds=lambda v: (v.a + v.b + v.c) % 3 == 0,
        solve=lambda v: {
            "two": v.a + v.b,
            "total": v.a + v.b + v.c,
            "answer": Fraction(v.a + v.b + v.c, 3),
        },
        solution="The sum is {a} + {b} = {two} and {two} + {c} = {total}. "
        "The mean is {total} / 3 = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((a + b + c) // 3)",
        proves=lambda v, answer: sum(score - Fraction(answer) for score in (v.a, v.b, v.c)) == 0,
    ),
    Family(
        name="middle.area",
        words=("area", "square", "region", "surface", "polygon", "plane", "geometry"),
        fields={"name": Word(NAMES), "a": Whole(5, 25), "b": Whole(4, 20), "c": Whole(2, 9)},
        wordings=(
            "From a sheet {a} cm long and {b} cm wide {name} cuts out a square with side {c} cm. "
            "What area is left in square cm?",
            "{name} has a sheet {a} cm long and {b} cm wide and cuts out a square with side {c} cm. "
            "What area is left in square cm?",
            "A sheet is {a} cm long and {b} cm wide. {name} cuts out a square with side {c} cm. "
            "What area is left in square cm?",
        ),
        holds=lambda v: v.a > v.b > v.c,
        solve=_area,
        solution="The sheet has the area {a} * {b} = {sheet}. The square has the area {c} * {c} = {square}. "
        "There are {sheet} - {square} = {answer} square cm left.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b - c * c)",
        proves=lambda v, answer: (
            sum(1 for x in range(v.a) for y in range(v.b) if x >= v.c or y >= v.c) == answer
        ),
    ),
    Family(
        name="middle.temperature",
        words=("temperature", "degrees", "negative", "integer", "integers", "sign", "signed", "zero"),
        fields={"place": Word(PLACES), "a": Whole(2, 20), "b": Whole(2, 40), "c": Whole(2, 20)},
        wordings=(
            "The temperature at the {place} is {a} degrees below zero. It rises by {b} degrees and falls by "
            "{c} degrees. What is the temperature in the end?",
            "At the {place} the temperature is {a} degrees below zero. First it rises by {b} degrees, "
            "then it falls by {c} degrees. What is the temperature in the end?",
            "At night the temperature at the {place} is {a} degrees below zero. Later it rises by "
            "{b} degrees and falls by {c} degrees. What is the temperature in the end?",
        ),
        holds=lambda v: v.b != v.a and v.b != v.c,
        solve=lambda v: {"risen": -v.a + v.b, "answer": -v.a + v.b - v.c},
        solution="The temperature is -{a} degrees. It rises to -{a} + {b} = {risen} degrees. "
        "It falls to {risen} - {c} = {answer} degrees.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(-a + b - c)",
        proves=lambda v, answer: Fraction(answer) + v.c - v.b == 0 - v.a,
    ),
    Family(
        name="middle.equation",
        words=("equation", "equations", "solve", "unknown", "variable", "expression", "symbol"),
        fields={"name": Word(NAMES), "a": Whole(2, 12), "b": Whole(2, 40), "c": Whole(6, 150)},
        wordings=(
            "{name} solves the equation {a} * x + {b} = {c} by hand. What is x?",
            "The equation {a} * x + {b} = {c} is on the paper of {name}. What is x?",
            "In the book of {name} stands the equation {a} * x + {b} = {c}. What is x?",
        ),
        holds=lambda v: v.c > v.b and (v.c - v.b) % v.a == 0,
        solve=lambda v: {"rest": v.c - v.b, "answer": Fraction(v.c - v.b, v.a)},
        solution="Take {b} from both sides: {c} - {b} = {rest}, so {a} * x = {rest}. "
        "Then x = {rest} / {a} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((c - b) // a)",
        proves=lambda v, answer: v.a * Fraction(answer) + v.b == v.c,
    ),
    Family(
        name="middle.probability",
        words=("probability", "probabilities", "random", "chance", "distribution", "event", "outcomes"),
        fields={"name": Word(NAMES), "a": Whole(2, 15), "b": Whole(2, 15), "c": Whole(2, 15)},
        wordings=(
            "There are {a} red, {b} blue and {c} green balls in a bag. "
            "What is the probability that {name} takes a red ball at random?",
            "A bag holds {a} red, {b} blue and {c} green balls. "
            "What is the probability that {name} takes a red ball at random?",
            "In a bag are {a} red, {b} blue and {c} green balls. "
            "What is the probability that {name} takes a red ball at random?",
        ),
        holds=lambda v: v.a + v.b + v.c <= 40,
        solve=lambda v: {
            "two": v.a + v.b,
            "total": v.a + v.b + v.c,
            "common": gcd(v.a, v.a + v.b + v.c),
            "answer": Fraction(v.a, v.a + v.b + v.c),
        },
        solution="The bag holds {a} + {b} = {two} and {two} + {c} = {total} balls, and {a} of them are red. "
        "The greatest common divisor of {a} and {total} is {common}. "
        "The probability {a} / {total} is {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\nc = {c}\nprint(Fraction(a, a + b + c))",
        proves=lambda v, answer: Fraction(answer) + Fraction(v.b + v.c, v.a + v.b + v.c) == 1,
    ),
    Family(
        name="middle.rate",
        words=("rate", "unit", "units", "price", "cost", "speed", "constant"),
        fields={
            "place": Word(PLACES),
            "goods": Word(GOODS),
            "a": Whole(2, 12),
            "b": Whole(4, 96),
            "c": Whole(2, 20),
        },
        wordings=(
            "At the {place} the price of {a} {goods} is {b} dollars. "
            "How many dollars do {c} {goods} cost at the same price?",
            "The price of {a} {goods} at the {place} is {b} dollars. "
            "How many dollars do {c} {goods} cost at the same price?",
            "If the price of {a} {goods} at the {place} is {b} dollars, "
            "how many dollars do {c} {goods} cost at the same price?",
        ),
        holds=lambda v: v.b % v.a == 0 and 2 <= v.b // v.a <= 12 and v.c != v.a,
        solve=lambda v: {"one": Fraction(v.b, v.a), "answer": Fraction(v.b, v.a) * v.c},
        solution="The price of one is {b} / {a} = {one} dollars. "
        "For {c} {goods} it is {c} * {one} = {answer} dollars.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(b // a * c)",
        proves=lambda v, answer: Fraction(answer) / v.c == Fraction(v.b, v.a),
    ),
)
