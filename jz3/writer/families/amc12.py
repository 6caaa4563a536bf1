"""AMC 12: logarithms, roots, complex numbers, recursions, binomials, telescoping, bases and cosines."""

from fractions import Fraction
from math import comb

from jz3.writer.family import Exact, Family, Values, Whole

# Powers that a model wrote may have any size: above this exponent a family gives no answer.
_LARGEST_EXPONENT = 1_000


def _logarithm(v: Values) -> dict[str, Exact]:
    if v.a < 2 or abs(v.c) > _LARGEST_EXPONENT:
        message = f"base {v.a}, value {v.c}; a base of at least 2 and a value up to 1,000 were expected"
        raise ValueError(message)
    power = Fraction(v.a) ** v.c
    return {"factors": " * ".join([str(v.a)] * v.c), "power": power, "answer": power - v.b}


def _logarithm_by_division(v: Values, answer: Exact) -> bool:
    left = Fraction(answer) + v.b
    for _ in range(v.c):
        left /= v.a
    return left == 1


def _roots(v: Values) -> dict[str, Exact]:
    return {"square": v.a * v.a, "twice": 2 * v.b, "answer": v.a * v.a - 2 * v.b}


def _modulus(v: Values) -> dict[str, Exact]:
    real, imaginary = v.a + v.c, v.b + v.d
    first, second = real * real, imaginary * imaginary
    return {"real": real, "imag": imaginary, "first": first, "second": second, "answer": first + second}


def _recursion(v: Values) -> dict[str, Exact]:
    first = v.b * v.a
    second = v.b * (first + v.c)
    third = v.b * (second + v.c)
    return {
        "first": first,
        "x2": first + v.c,
        "second": second,
        "x3": second + v.c,
        "third": third,
        "answer": third + v.c,
    }


def _coefficient(v: Values) -> dict[str, Exact]:
    pairs, cross = comb(v.a, 2), v.a * v.b
    return {
        "before": v.a - 1,
        "twice": 2 * pairs,
        "pairs": pairs,
        "cross": cross,
        "both": pairs + cross,
        "answer": pairs + cross + v.c,
    }


def _coefficient_by_products(v: Values) -> int:
    """The polynomial 1 + bx + cx^2 times (1 + x), `a` times over; terms above x^2 are dropped."""
    constant, linear, square = 1, v.b, v.c
    for _ in range(v.a):
        constant, linear, square = constant, linear + constant, square + linear
    return square


def _telescope(v: Values) -> dict[str, Exact]:
    if not 1 <= v.a <= v.b:
        message = f"from {v.a} to {v.b}; a rising range of positive numbers was expected"
        raise ValueError(message)
    after, bottom = v.b + 1, v.a * (v.b + 1)
    return {"after": after, "top": after - v.a, "bottom": bottom, "answer": Fraction(after - v.a, bottom)}


def _base(v: Values) -> dict[str, Exact]:
    if not all(0 <= digit < v.a for digit in (v.b, v.c, v.d)):
        message = f"digits {v.b}, {v.c}, {v.d} in base {v.a}; digits below the base were expected"
        raise ValueError(message)
    square = v.a * v.a
    first, second = v.b * square, v.c * v.a
    return {
        "square": square,
        "first": first,
        "second": second,
        "both": first + second,
        "answer": first + second + v.d,
    }


def _base_by_division(v: Values, answer: Exact) -> bool:
    left, last = divmod(Fraction(answer), v.a)
    first, middle = divmod(left, v.a)
    return (first, middle, last) == (v.b, v.c, v.d)


def _cosine(v: Values) -> dict[str, Exact]:
    if v.a < 1 or v.b < 1:
        message = f"sides {v.a} and {v.b}; positive lengths were expected"
        raise ValueError(message)
    first, second, cross = v.a * v.a, v.b * v.b, v.a * v.b
    return {
        "first": first,
        "second": second,
        "cross": cross,
        "both": first + second,
        "answer": first + second - cross,
    }


FAMILIES: tuple[Family, ...] = (
    Family(
        name="amc12.logarithm",
        words=("log", "logarithm", "logarithms", "exponential", "exp", "ln", "logarithmic"),
        fields={"a": Whole(2, 10), "b": Whole(2, 60), "c": Whole(2, 8)},
        wordings=(
            "The logarithm to base {a} of x + {b} is equal to {c}. What is the number x?",
            "If the logarithm to base {a} of the number x + {b} is {c}, what is x?",
            "Find the number x for which the logarithm to base {a} of x + {b} is {c}.",
        ),
        holds=lambda v: v.b < v.a**v.c <= 260,
        solve=_logarithm,
        solution="The equation says x + {b} = {a}^{c}. We have {factors} = {power}. "
        "Then {power} - {b} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a**c - b)",
        proves=_logarithm_by_division,
    ),
    Family(
        name="amc12.roots",
        words=("root", "roots", "quadratic", "polynomial", "polynomials", "vieta", "discriminant"),
        fields={"a": Whole(4, 20), "b": Whole(2, 60)},
        wordings=(
            "The roots of x^2 - {a}x + {b} = 0 are r and s. What is r^2 + s^2?",
            "The equation x^2 - {a}x + {b} = 0 has roots r and s. Find r^2 + s^2.",
            "Let r and s be the roots of x^2 - {a}x + {b} = 0. What is r^2 + s^2?",
        ),
        holds=lambda v: v.a * v.a >= 4 * v.b,
        solve=_roots,
        solution="The roots have the sum {a} and the product {b}. We have {a} * {a} = {square} "
        "and 2 * {b} = {twice}. Then r^2 + s^2 = {square} - {twice} = {answer}.",
        program="a = {a}\nb = {b}\nprint(a * a - 2 * b)",
        # With D = a^2 - 4b the roots are (a + sqrt(D)) / 2 and (a - sqrt(D)) / 2.
        proves=lambda v, answer: Fraction(v.a * v.a + (v.a * v.a - 4 * v.b), 2) == answer,
    ),
    Family(
        name="amc12.modulus",
        words=("complex", "modulus", "imaginary", "conjugate", "real", "abs", "argument"),
        fields={"a": Whole(2, 9), "b": Whole(2, 9), "c": Whole(2, 9), "d": Whole(2, 9)},
        wordings=(
            "The complex numbers z = {a} + {b}i and w = {c} + {d}i are added. What is |z + w|^2?",
            "Find |z + w|^2 for the complex numbers z = {a} + {b}i and w = {c} + {d}i.",
            "Let z = {a} + {b}i and w = {c} + {d}i be complex numbers. What is |z + w|^2?",
        ),
        holds=lambda v: (v.a, v.b) != (v.c, v.d),
        solve=_modulus,
        solution="The real part is {a} + {c} = {real}. The imaginary part is {b} + {d} = {imag}. "
        "We have {real} * {real} = {first} and {imag} * {imag} = {second}. "
        "Then {first} + {second} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint((a + c) ** 2 + (b + d) ** 2)",
        # |z|^2 + |w|^2 + 2 Re(z * conjugate of w).
        proves=lambda v, answer: (
            v.a**2 + v.b**2 + v.c**2 + v.d**2 + 2 * (v.a * v.c + v.b * v.d) == Fraction(answer)
        ),
    ),
    Family(
        name="amc12.recursion",
        words=("recursion", "recursive", "recurrence", "recursively", "iteration", "iterates", "rsolve"),
        fields={"a": Whole(1, 12), "b": Whole(2, 4), "c": Whole(1, 20)},
        wordings=(
            "A sequence starts with {a}. Each next term is {b} times the last term plus {c}. "
            "What is the fourth term?",
            "The first term of a sequence is {a}. Each next term is {b} times the last term plus {c}. "
            "Find the fourth term.",
            "In a sequence with first term {a}, each next term is {b} times the last term plus {c}. "
            "What is the fourth term?",
        ),
        holds=lambda v: v.a != v.c,
        solve=_recursion,
        solution="The second term is {b} * {a} + {c} = {first} + {c} = {x2}. "
        "The third term is {b} * {x2} + {c} = {second} + {c} = {x3}. "
        "The fourth term is {b} * {x3} + {c} = {third} + {c} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(b * (b * (b * a + c) + c) + c)",
        # Three steps back lead to the first term.
        proves=lambda v, answer: (((Fraction(answer) - v.c) / v.b - v.c) / v.b - v.c) / v.b == v.a,
    ),
    Family(
        name="amc12.coefficient",
        words=("binomial", "binomials", "coefficient", "coefficients", "expand", "expansion", "pascal"),
        fields={"a": Whole(3, 15), "b": Whole(2, 20), "c": Whole(2, 30)},
        wordings=(
            "What is the coefficient of x^2 in (1 + x)^{a} * (1 + {b}x + {c}x^2)?",
            "Find the coefficient of x^2 in (1 + x)^{a} * (1 + {b}x + {c}x^2).",
            "The product (1 + x)^{a} * (1 + {b}x + {c}x^2) is expanded. What is the coefficient of x^2?",
        ),
        holds=lambda v: v.b != v.c,
        solve=_coefficient,
        solution="We have {a} * {before} / 2 = {twice} / 2 = {pairs}. "
        "So the first factor starts 1 + {a}x + {pairs}x^2. Also {a} * {b} = {cross}. "
        "Then {pairs} + {cross} = {both} and {both} + {c} = {answer}.",
        program="from math import comb\na = {a}\nb = {b}\nc = {c}\nprint(comb(a, 2) + a * b + c)",
        proves=lambda v, answer: _coefficient_by_products(v) == answer,
    ),
    Family(
        name="amc12.telescope",
        words=("telescoping", "sum", "sums", "fraction", "fractions", "partial", "apart", "harmonic"),
        fields={"a": Whole(2, 12), "b": Whole(5, 40)},
        wordings=(
            "Find the sum of 1/(n(n+1)) for n from {a} to {b}.",
            "What is the sum of 1/(n(n+1)) for n = {a} to {b}?",
            "The fractions 1/(n(n+1)) are added for n from {a} to {b}. What is their sum?",
        ),
        holds=lambda v: v.a + 2 <= v.b,
        solve=_telescope,
        solution="Each fraction is 1/n - 1/(n+1), so the sum is 1/{a} - 1/{after}. "
        "We have {after} - {a} = {top} and {a} * {after} = {bottom}. The sum is {top} / {bottom} = {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\n"
        "print(Fraction(1, a) - Fraction(1, b + 1))",
        proves=lambda v, answer: sum(Fraction(1, n * (n + 1)) for n in range(v.a, v.b + 1)) == answer,
    ),
    Family(
        name="amc12.base",
        words=("base", "bases", "radix", "binary", "octal", "conversion", "bits", "positional"),
        fields={"a": Whole(4, 9), "b": Whole(1, 8), "c": Whole(0, 8), "d": Whole(0, 8)},
        wordings=(
            "In base {a} a number has the digits {b}, {c}, {d} in this order. What is it in base ten?",
            "A number in base {a} has the digits {b}, {c}, {d} in this order. Write it in base ten.",
            "Convert to base ten: the number in base {a} with the digits {b}, {c}, {d} in this order.",
        ),
        holds=lambda v: max(v.b, v.c, v.d) < v.a,
        solve=_base,
        solution="We have {a} * {a} = {square}. The digits give {b} * {square} = {first}, "
        "{c} * {a} = {second} and {d}. Then {first} + {second} = {both} and {both} + {d} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(b * a * a + c * a + d)",
        proves=_base_by_division,
    ),
    Family(
        name="amc12.cosine",
        words=("cosine", "cos", "angle", "angles", "trigonometric", "degrees", "sine", "sides"),
        fields={"a": Whole(2, 25), "b": Whole(2, 25)},
        wordings=(
            "A triangle has an angle of 60 degrees between sides {a} and {b}. "
            "What is the square of the third side?",
            "In a triangle an angle of 60 degrees lies between sides {a} and {b}. "
            "Find the square of the third side.",
            "An angle of 60 degrees lies between the sides {a} and {b} of a triangle. "
            "What is the square of the third side?",
        ),
        holds=lambda v: v.a != v.b,
        solve=_cosine,
        solution="The law of cosines with cos 60 = 1/2 gives {a}^2 + {b}^2 - {a} * {b}. "
        "We have {a} * {a} = {first}, {b} * {b} = {second} and {a} * {b} = {cross}. "
        "Then {first} + {second} = {both} and {both} - {cross} = {answer}.",
        program="a = {a}\nb = {b}\nprint(a * a + b * b - a * b)",
        # Corners (0, 0), (a, 0) and (b / 2, b * sqrt(3) / 2).
        proves=lambda v, answer: (v.a - Fraction(v.b, 2)) ** 2 + Fraction(3 * v.b**2, 4) == answer,
    ),
)
