"""AIME: counting and number theory; every answer of a drawn problem is a whole number from 0 to 999."""

from fractions import Fraction
from itertools import product
from math import comb, gcd, isqrt

from jz3.writer.family import Exact, Family, Values, Whole, Word
from jz3.writer.vocabulary import GOODS, NAMES

# Numbers that a model wrote may have any size: above this modulus a family gives no answer.
_LARGEST_MODULUS = 1_000


def _lattice(v: Values) -> dict[str, Exact]:
    if v.a < 1 or v.b < 1:
        message = f"legs {v.a} and {v.b}; positive lengths were expected"
        raise ValueError(message)
    wide, high, greatest = v.a - 1, v.b - 1, gcd(v.a, v.b)
    inner, line = wide * high, greatest - 1
    return {
        "wide": wide,
        "high": high,
        "inner": inner,
        "greatest": greatest,
        "line": line,
        "off": inner - line,
        "answer": (inner - line) // 2,
    }


def _power(v: Values) -> dict[str, Exact]:
    if v.b < 1 or not 2 <= v.c <= _LARGEST_MODULUS:
        message = f"power {v.b} modulo {v.c}; a positive power and a modulus up to 1,000 were expected"
        raise ValueError(message)
    cycle = [v.a % v.c]
    while (following := cycle[-1] * v.a % v.c) not in cycle:
        cycle.append(following)
    place = (v.b - 1) % len(cycle) + 1
    return {
        "cycle": ", ".join(map(str, cycle)),
        "length": len(cycle),
        "place": place,
        "past": v.b - place,
        "answer": pow(v.a, v.b, v.c),
    }


def _power_by_products(v: Values) -> int:
    left = 1
    for _ in range(v.b):
        left = left * v.a % v.c
    return left


def _even_divisors(v: Values) -> dict[str, Exact]:
    if min(v.a, v.b, v.c) < 0:
        message = f"exponents {v.a}, {v.b}, {v.c}; none below 0 was expected"
        raise ValueError(message)
    threes, fives = v.b + 1, v.c + 1
    return {"threes": threes, "fives": fives, "both": v.a * threes, "answer": v.a * threes * fives}


def _range_sum(v: Values) -> dict[str, Exact]:
    if not 0 < v.b < v.c or v.a < v.b:
        message = f"remainder {v.b} by {v.c} up to {v.a}; a remainder below the divisor was expected"
        raise ValueError(message)
    steps = (v.a - v.b) // v.c
    last = v.b + steps * v.c
    return {
        "steps": steps,
        "last": last,
        "span": last - v.b,
        "count": steps + 1,
        "ends": v.b + last,
        "double": (v.b + last) * (steps + 1),
        "answer": (v.b + last) * (steps + 1) // 2,
    }


def _digit_choices(v: Values) -> dict[str, Exact]:
    if not all(0 <= digit <= 9 for digit in (v.a, v.b, v.c)):
        message = f"digits {v.a}, {v.b}, {v.c}; digits from 0 to 9 were expected"
        raise ValueError(message)
    first, second = 9 - v.a, v.b + 1
    return {"first": first, "second": second, "both": first * second, "answer": first * second * v.c}


def _digits_counted(v: Values) -> int:
    numbers = product(range(1, 10), range(10), range(10))
    return sum(first > v.a and second <= v.b and third < v.c for first, second, third in numbers)


def _fibonacci(v: Values) -> dict[str, Exact]:
    if v.c < 1:
        message = f"divisor {v.c}; a positive divisor was expected"
        raise ValueError(message)
    first, second = 3 * v.a, 5 * v.b
    total = first + second
    return {
        "first": first,
        "second": second,
        "total": total,
        "times": total // v.c,
        "under": total // v.c * v.c,
        "answer": total % v.c,
    }


def _fibonacci_term_by_term(v: Values) -> int:
    last, term = v.a, v.b
    for _ in range(4):
        last, term = term, last + term
    return term % v.c


def _difference(v: Values) -> dict[str, Exact]:
    squared = v.a * v.a - 4 * v.b
    difference = isqrt(squared)
    if difference * difference != squared:
        message = f"sum {v.a}, product {v.b}; those of two whole numbers were expected"
        raise ValueError(message)
    return {"square": v.a * v.a, "four": 4 * v.b, "squared": squared, "answer": difference}


def _shares(v: Values) -> dict[str, Exact]:
    rest = v.a - v.b - v.c
    if min(rest, v.b, v.c) < 0:
        message = f"{v.b} and {v.c} of {v.a}; at most all were expected"
        raise ValueError(message)
    return {
        "after": v.a - v.b,
        "rest": rest,
        "one": rest + 1,
        "two": rest + 2,
        "double": (rest + 1) * (rest + 2),
        "answer": comb(rest + 2, 2),
    }


def _shares_counted(v: Values) -> int:
    shares = product(range(v.b, v.a + 1), range(v.c, v.a + 1))
    return sum(first + second <= v.a for first, second in shares)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="aime.lattice",
        words=("lattice", "grid", "points", "point", "integer", "interior", "inside", "convex"),
        fields={"a": Whole(3, 30), "b": Whole(3, 30)},
        wordings=(
            "How many lattice points lie strictly inside the triangle (0, 0), ({a}, 0), (0, {b})?",
            "Count the lattice points strictly inside the triangle (0, 0), ({a}, 0), (0, {b}).",
            "The triangle (0, 0), ({a}, 0), (0, {b}) is drawn. How many lattice points lie strictly inside?",
        ),
        holds=lambda v: v.a != v.b,
        solve=_lattice,
        solution="We have {a} - 1 = {wide} and {b} - 1 = {high}. "
        "The rectangle has {wide} * {high} = {inner} inner points. "
        "As gcd({a}, {b}) = {greatest}, the diagonal holds {greatest} - 1 = {line} of them. "
        "Off it lie {inner} - {line} = {off}, and half of them, {off} / 2 = {answer}, are in the triangle.",
        program="from math import gcd\na = {a}\nb = {b}\nprint(((a - 1) * (b - 1) - gcd(a, b) + 1) // 2)",
        proves=lambda v, answer: (
            sum(v.b * x + v.a * y < v.a * v.b for x in range(1, v.a) for y in range(1, v.b)) == answer
        ),
    ),
    Family(
        name="aime.power",
        words=("modulo", "mod", "remainder", "remainders", "residue", "residues", "pow", "euler", "totient"),
        fields={"a": Whole(2, 30), "b": Whole(10, 99), "c": Whole(3, 13)},
        wordings=(
            "What is the remainder when {a}^{b} is divided by {c}?",
            "Find the remainder of the power {a}^{b} when it is divided by {c}.",
            "The power {a}^{b} is divided by {c}. What is the remainder?",
        ),
        holds=lambda v: gcd(v.a, v.c) == 1 and v.a % v.c >= 2 and v.c != 10,
        solve=_power,
        solution="The powers of {a} leave the remainders {cycle} and then repeat after {length} steps. "
        "As {b} = {past} + {place} and {past} is a multiple of {length}, we take place {place}. "
        "The remainder is {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(pow(a, b, c))",
        proves=lambda v, answer: _power_by_products(v) == answer,
    ),
    Family(
        name="aime.even_divisors",
        words=("prime", "primes", "factorization", "factorint", "primality", "even", "odd", "parity"),
        fields={"a": Whole(2, 12), "b": Whole(2, 12), "c": Whole(2, 9)},
        wordings=(
            "How many even divisors does the number 2^{a} * 3^{b} * 5^{c} have?",
            "Find the number of even divisors of 2^{a} * 3^{b} * 5^{c}.",
            "Count the even divisors of the number 2^{a} * 3^{b} * 5^{c}.",
        ),
        holds=lambda v: v.a * (v.b + 1) * (v.c + 1) <= 999,
        solve=_even_divisors,
        solution="An even divisor has {a} choices for the power of 2. It has {b} + 1 = {threes} choices "
        "for 3 and {c} + 1 = {fives} for 5. We have {a} * {threes} = {both} and {both} * {fives} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * (b + 1) * (c + 1))",
        proves=lambda v, answer: (
            sum(
                2**i * 3**j * 5**k % 2 == 0
                for i, j, k in product(range(v.a + 1), range(v.b + 1), range(v.c + 1))
            )
            == answer
        ),
    ),
    Family(
        name="aime.range_sum",
        words=("range", "arithmetic", "progression", "progressions", "arange", "interval", "cumulative"),
        fields={"a": Whole(20, 80), "b": Whole(1, 11), "c": Whole(5, 12)},
        wordings=(
            "Find the sum of all numbers from 1 to {a} that leave remainder {b} when divided by {c}.",
            "What is the sum of all numbers from 1 to {a} that leave remainder {b} when divided by {c}?",
            "Add all numbers from 1 to {a} that leave remainder {b} when divided by {c}. What is the sum?",
        ),
        holds=lambda v: v.b < v.c and v.a - v.b >= 2 * v.c,
        solve=_range_sum,
        solution="The numbers go from {b} to {b} + {steps} * {c} = {last}. "
        "They are {steps} + 1 = {count} numbers. "
        "We have {b} + {last} = {ends} and {ends} * {count} = {double}. The sum is {double} / 2 = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(sum(n for n in range(1, a + 1) if n % c == b))",
        proves=lambda v, answer: sum(n for n in range(1, v.a + 1) if (n - v.b) % v.c == 0) == answer,
    ),
    Family(
        name="aime.digits",
        words=("constraint", "constraints", "condition", "conditions", "satisfy", "satisfies", "bounded"),
        fields={"a": Whole(1, 8), "b": Whole(1, 8), "c": Whole(2, 9)},
        wordings=(
            "How many three-digit numbers have a first digit above {a}, a second digit of at most {b} "
            "and a third digit below {c}?",
            "Count the three-digit numbers with a first digit above {a}, a second digit of at most {b} "
            "and a third digit below {c}.",
            "Find the number of three-digit numbers with first digit above {a}, second digit at most {b} "
            "and third digit below {c}.",
        ),
        holds=lambda v: v.a != v.b,
        solve=_digit_choices,
        solution="The first digit has 9 - {a} = {first} choices. "
        "The second digit has {b} + 1 = {second} choices. The third digit has {c} choices. "
        "We have {first} * {second} = {both} and {both} * {c} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((9 - a) * (b + 1) * c)",
        proves=lambda v, answer: _digits_counted(v) == answer,
    ),
    Family(
        name="aime.fibonacci",
        words=("fibonacci", "lucas", "sequence", "sequences", "terms", "term", "generator"),
        fields={"a": Whole(2, 30), "b": Whole(2, 30), "c": Whole(5, 30)},
        wordings=(
            "A sequence begins {a}, {b}, then each term sums the two before. Divide term six by {c}. "
            "What is the remainder?",
            "A sequence begins {a}, {b}, then each term sums the two before. Find term six modulo {c}.",
            "In the sequence {a}, {b}, ... each term sums the two before. What is term six modulo {c}?",
        ),
        holds=lambda v: v.a != v.b,
        solve=_fibonacci,
        solution="Term six is 3 * {a} + 5 * {b}. We have 3 * {a} = {first} and 5 * {b} = {second}. "
        "Then {first} + {second} = {total}. As {times} * {c} = {under}, "
        "the remainder is {total} - {under} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((3 * a + 5 * b) % c)",
        proves=lambda v, answer: _fibonacci_term_by_term(v) == answer,
    ),
    Family(
        name="aime.difference",
        words=("diophantine", "product", "products", "integers", "solutions", "solution", "unknowns"),
        fields={"a": Whole(6, 50), "b": Whole(8, 400)},
        wordings=(
            "Two positive whole numbers have the sum {a} and the product {b}. What is their difference?",
            "Find the difference of two positive whole numbers with the sum {a} and the product {b}.",
            "The sum of two positive whole numbers is {a} and the product is {b}. What is their difference?",
        ),
        holds=lambda v: v.a * v.a > 4 * v.b and isqrt(v.a * v.a - 4 * v.b) ** 2 == v.a * v.a - 4 * v.b,
        solve=_difference,
        solution="The squared difference is {a} * {a} - 4 * {b}. "
        "We have {a} * {a} = {square} and 4 * {b} = {four}. Then {square} - {four} = {squared}. "
        "As {answer} * {answer} = {squared}, the difference is {answer}.",
        program="from math import isqrt\na = {a}\nb = {b}\nprint(isqrt(a * a - 4 * b))",
        proves=lambda v, answer: (v.a + Fraction(answer)) * (v.a - Fraction(answer)) == 4 * v.b,
    ),
    Family(
        name="aime.shares",
        words=("partition", "partitions", "composition", "compositions", "distribute", "multiset", "share"),
        fields={
            "goods": Word(GOODS),
            "name": Word(NAMES),
            "friend": Word(NAMES),
            "a": Whole(8, 50),
            "b": Whole(1, 20),
            "c": Whole(1, 20),
        },
        wordings=(
            "Three children share {a} {goods}. {name} gets at least {b} and {friend} at least {c}. "
            "In how many ways can they share?",
            "Three children share {a} {goods} so that {name} gets at least {b} and {friend} at least {c}. "
            "How many ways are there?",
            "In how many ways can three children share {a} {goods} if {name} gets at least {b} "
            "and {friend} at least {c}?",
        ),
        holds=lambda v: v.word("name") != v.word("friend") and 3 <= v.a - v.b - v.c <= 40,
        solve=_shares,
        solution="After {a} - {b} = {after} and {after} - {c} = {rest}, "
        "three children share {rest} {goods} freely. We have {rest} + 1 = {one} and {rest} + 2 = {two}. "
        "Then {one} * {two} = {double}. There are {double} / 2 = {answer} ways.",
        program="from math import comb\na = {a}\nb = {b}\nc = {c}\nprint(comb(a - b - c + 2, 2))",
        proves=lambda v, answer: _shares_counted(v) == answer,
    ),
)
