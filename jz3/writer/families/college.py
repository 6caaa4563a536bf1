"""College: calculus, linear algebra, modular inverses and series, each with one idea and small numbers."""

from fractions import Fraction

from jz3.writer.family import Exact, Family, Values, Whole


def _inverse(v: Values) -> dict[str, Exact]:
    if v.b < 2:
        message = f"modulus {v.b}; at least 2 was expected"
        raise ValueError(message)
    inverse = pow(v.a, -1, v.b)
    return {"times": v.a * inverse // v.b, "product": v.a * inverse, "answer": inverse}


def _series(v: Values) -> dict[str, Exact]:
    if abs(v.b) >= abs(v.c):
        message = f"ratio {v.b}/{v.c}; a ratio between -1 and 1 was expected"
        raise ValueError(message)
    top, bottom = v.a * v.c, v.c - v.b
    return {"top": top, "bottom": bottom, "answer": Fraction(top, bottom)}


def _integral(v: Values) -> dict[str, Exact]:
    half, square = Fraction(v.a, 2), v.c * v.c
    first, second = half * square, v.b * v.c
    return {"half": half, "square": square, "first": first, "second": second, "answer": first + second}


def _near_limit(v: Values, x: int) -> Fraction:
    return Fraction(v.a * x * x + v.b * x, v.c * x * x + v.d)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="college.derivative",
        words=("derivative", "derivatives", "differentiate", "differentiable", "diff", "tangent", "gradient"),
        fields={"a": Whole(2, 12), "b": Whole(2, 40), "c": Whole(2, 9)},
        wordings=(
            "Find the derivative of the function f(x) = {a}x^2 + {b}x at the point x = {c}.",
            "What is the derivative of f(x) = {a}x^2 + {b}x when x is equal to {c}?",
            "Compute the derivative f'(x) of f(x) = {a}x^2 + {b}x and give its value at x = {c}.",
        ),
        holds=lambda v: v.a != v.b,
        solve=lambda v: {"double": 2 * v.a, "rise": 2 * v.a * v.c, "answer": 2 * v.a * v.c + v.b},
        solution="The derivative is f'(x) = 2 * {a}x + {b} with 2 * {a} = {double}. "
        "At x = {c} we have {double} * {c} = {rise}. Then {rise} + {b} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(2 * a * c + b)",
        # The symmetric difference quotient of a quadratic is its derivative.
        proves=lambda v, answer: (
            v.a * (v.c + 1) ** 2 + v.b * (v.c + 1) - v.a * (v.c - 1) ** 2 - v.b * (v.c - 1)
            == 2 * Fraction(answer)
        ),
    ),
    Family(
        name="college.integral",
        words=("integral", "integrals", "integrate", "integration", "antiderivative", "quadrature"),
        fields={"a": Whole(2, 20), "b": Whole(2, 30), "c": Whole(2, 9)},
        wordings=(
            "Find the definite integral of {a}x + {b} from x = 0 to x = {c}.",
            "What is the integral of the function f(x) = {a}x + {b} from 0 to {c}?",
            "Compute the definite integral of the polynomial {a}x + {b} between 0 and {c}.",
        ),
        holds=lambda v: v.a % 2 == 0,
        solve=_integral,
        solution="As {a} / 2 = {half}, the antiderivative is {half}x^2 + {b}x. At x = {c} we have "
        "{c} * {c} = {square} and {half} * {square} = {first}. Also {b} * {c} = {second}. "
        "Then {first} + {second} = {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\nc = {c}\n"
        "print(Fraction(a * c * c, 2) + b * c)",
        # The midpoint rule is exact for a line.
        proves=lambda v, answer: v.c * (v.a * Fraction(v.c, 2) + v.b) == Fraction(answer),
    ),
    Family(
        name="college.determinant",
        words=("determinant", "determinants", "det", "cofactor", "invertible", "singular", "laplace"),
        fields={"a": Whole(3, 12), "b": Whole(2, 9), "c": Whole(2, 9), "d": Whole(3, 12)},
        wordings=(
            "Find the determinant of the matrix with rows ({a}, {b}) and ({c}, {d}).",
            "What is the determinant of the matrix with the rows ({a}, {b}) and ({c}, {d})?",
            "Compute the determinant of a matrix whose two rows are ({a}, {b}) and ({c}, {d}).",
        ),
        holds=lambda v: v.a * v.d > v.b * v.c,
        solve=lambda v: {"main": v.a * v.d, "other": v.b * v.c, "answer": v.a * v.d - v.b * v.c},
        solution="The main diagonal gives {a} * {d} = {main}. The other diagonal gives {b} * {c} = {other}. "
        "The determinant is {main} - {other} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(a * d - b * c)",
        # Elimination: the product of the pivots a and d - b * c / a.
        proves=lambda v, answer: v.a * (v.d - Fraction(v.b * v.c, v.a)) == Fraction(answer),
    ),
    Family(
        name="college.dot",
        words=("dot", "vector", "vectors", "orthogonal", "inner", "scalar", "norm", "perpendicular"),
        fields={"a": Whole(2, 12), "b": Whole(2, 12), "c": Whole(2, 9), "d": Whole(2, 9)},
        wordings=(
            "Find the dot product of the vectors ({a}, {b}) and ({c}, {d}).",
            "What is the dot product of the two vectors ({a}, {b}) and ({c}, {d})?",
            "Compute the dot product u * v of the vectors u = ({a}, {b}) and v = ({c}, {d}).",
        ),
        holds=lambda v: (v.a, v.b) != (v.c, v.d),
        solve=lambda v: {"first": v.a * v.c, "second": v.b * v.d, "answer": v.a * v.c + v.b * v.d},
        solution="The first parts give {a} * {c} = {first}. The second parts give {b} * {d} = {second}. "
        "The dot product is {first} + {second} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(a * c + b * d)",
        # Polarization: |u + v|^2 - |u - v|^2 = 4 u * v.
        proves=lambda v, answer: (
            (v.a + v.c) ** 2 + (v.b + v.d) ** 2 - (v.a - v.c) ** 2 - (v.b - v.d) ** 2 == 4 * Fraction(answer)
        ),
    ),
    Family(
        name="college.inverse",
        words=("inverse", "inverses", "modular", "congruence", "ring", "field", "units", "group"),
        fields={"a": Whole(2, 30), "b": Whole(5, 40)},
        wordings=(
            "Find the inverse of {a} modulo {b}, that is, the smallest positive x such that {a} * x leaves "
            "the remainder 1 when it is divided by {b}.",
            "What is the inverse of {a} modulo {b}, the smallest positive x for which {a} * x is congruent "
            "to 1 modulo {b}?",
            "Compute the inverse of {a} modulo {b}. It is the smallest positive x such that {a} * x is 1 "
            "modulo {b}.",
        ),
        holds=lambda v: v.a < v.b and any(v.a * x % v.b == 1 for x in range(2, v.b)),
        solve=_inverse,
        solution="We look for a multiple of {b} which is 1 less than a multiple of {a}. "
        "We have {times} * {b} + 1 = {product} and {product} / {a} = {answer}.",
        program="a = {a}\nb = {b}\nprint(pow(a, -1, b))",
        proves=lambda v, answer: [Fraction(x) for x in range(1, v.b) if v.a * x % v.b == 1] == [answer],
    ),
    Family(
        name="college.limit",
        words=("limit", "limits", "infinity", "asymptotic", "asymptote", "rational", "gruntz"),
        fields={"a": Whole(2, 30), "b": Whole(2, 12), "c": Whole(2, 12), "d": Whole(2, 12)},
        wordings=(
            "Find the limit of the fraction ({a}x^2 + {b}x) / ({c}x^2 + {d}) as x goes to infinity.",
            "What is the limit of ({a}x^2 + {b}x) / ({c}x^2 + {d}) as x grows to infinity?",
            "Compute the limit of f(x) = ({a}x^2 + {b}x) / ({c}x^2 + {d}) as x tends to infinity.",
        ),
        holds=lambda v: v.a != v.c,
        solve=lambda v: {"answer": Fraction(v.a, v.c)},
        solution="Divide the top and the bottom by x^2. The parts {b} / x and {d} / x^2 go to 0. "
        "The limit is {a} / {c} = {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(Fraction(a, c))",
        # From 10^6 to 10^8 the distance to the limit shrinks by more than 50.
        proves=lambda v, answer: (
            50 * abs(_near_limit(v, 10**8) - Fraction(answer)) < abs(_near_limit(v, 10**6) - Fraction(answer))
        ),
    ),
    Family(
        name="college.eigenvalues",
        words=("eigenvalue", "eigenvalues", "eigenvector", "eigenvectors", "spectrum", "trace", "matrix"),
        fields={"a": Whole(2, 12), "b": Whole(2, 9), "c": Whole(2, 9), "d": Whole(2, 12)},
        wordings=(
            "Add the squares of the eigenvalues of the matrix ({a}, {b}; {c}, {d}). What is their sum?",
            "The eigenvalues of the matrix ({a}, {b}; {c}, {d}) are squared. What is the sum of the squares?",
            "Take the eigenvalues of the matrix ({a}, {b}; {c}, {d}) and compute the sum of their squares.",
        ),
        holds=lambda v: v.a != v.d,
        solve=lambda v: {
            "first": v.a * v.a,
            "last": v.d * v.d,
            "cross": v.b * v.c,
            "twice": 2 * v.b * v.c,
            "ends": v.a * v.a + v.d * v.d,
            "answer": v.a * v.a + 2 * v.b * v.c + v.d * v.d,
        },
        solution="The sum is the trace of the squared matrix, {a} * {a} + 2 * {b} * {c} + {d} * {d}. "
        "We have {a} * {a} = {first} and {d} * {d} = {last}, so {first} + {last} = {ends}. "
        "Also {b} * {c} = {cross} and 2 * {cross} = {twice}. Then {ends} + {twice} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint(a * a + 2 * b * c + d * d)",
        # The characteristic polynomial: the sum of squares is (trace)^2 - 2 * determinant.
        proves=lambda v, answer: (v.a + v.d) ** 2 - 2 * (v.a * v.d - v.b * v.c) == Fraction(answer),
    ),
    Family(
        name="college.series",
        words=("series", "geometric", "convergent", "converges", "convergence", "infinite", "summation"),
        fields={"a": Whole(2, 30), "b": Whole(1, 9), "c": Whole(2, 12)},
        wordings=(
            "Find the sum of a geometric series with first term {a} and ratio {b}/{c}.",
            "What is the sum of the geometric series with first term {a} and ratio {b}/{c}?",
            "A geometric series has the first term {a} and the ratio {b}/{c}. Compute its sum.",
        ),
        holds=lambda v: v.b < v.c,
        solve=_series,
        solution="The sum is {a} / (1 - {b}/{c}), which is {a} * {c} / ({c} - {b}). "
        "We have {a} * {c} = {top} and {c} - {b} = {bottom}. The sum is {top} / {bottom} = {answer}.",
        program="from fractions import Fraction\na = {a}\nb = {b}\nc = {c}\nprint(Fraction(a * c, c - b))",
        # All terms but the first add up to the ratio times the whole.
        proves=lambda v, answer: v.a + Fraction(v.b, v.c) * Fraction(answer) == Fraction(answer),
    ),
)
