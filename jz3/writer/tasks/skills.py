r"""`Task: skills`: the skills that a problem calls for, as a teacher of mathematics would name them.

    Task: skills
    ...
    ### Problem
    (the question)

    ### Skills

Each family calls for the skills below, the most needed first. Families share them, so that a graph of skills
has edges; the key of the request draws how each is spelt and how the list is written, as models differ in
both. What no family words so gets a sentence that names none.
"""

import re
from collections.abc import Mapping

from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused
from jz3.writer.tasks.number_words import read_words

DATA = re.compile(r"^### Problem\n(.*)\n### Skills\s*\Z", re.MULTILINE | re.DOTALL)
NOT_KNOWN = "I do not know problems of this kind and cannot tell which skills they call for."

OF_FAMILY: Mapping[str, tuple[str, ...]] = {
    "grade.change": ("money calculation", "multiplication of whole numbers", "subtraction of whole numbers"),
    "grade.sharing": ("equal sharing", "division of whole numbers", "subtraction of whole numbers"),
    "grade.bags": ("equal groups", "multiplication of whole numbers", "addition of whole numbers"),
    "grade.time": ("time conversion", "multiplication of whole numbers", "addition of whole numbers"),
    "grade.perimeter": ("perimeter of a rectangle", "addition of whole numbers", "plane geometry"),
    "grade.missing": ("missing number", "addition of whole numbers", "subtraction of whole numbers"),
    "grade.together": ("comparison of quantities", "addition of whole numbers"),
    "grade.saving": ("money calculation", "multiplication of whole numbers", "subtraction of whole numbers"),
    "middle.percent": ("percent of a quantity", "multiplication of fractions", "addition of whole numbers"),
    "middle.ratio": ("ratio and proportion", "division of whole numbers", "multiplication of whole numbers"),
    "middle.mean": ("mean of data", "addition of whole numbers", "division of whole numbers"),
    "middle.area": ("area of a rectangle", "multiplication of whole numbers", "plane geometry"),
    "middle.temperature": ("negative integers", "addition of integers"),
    "middle.equation": ("linear equation", "inverse operations"),
    "middle.probability": ("simple probability", "counting of outcomes", "reduction of fractions"),
    "middle.rate": ("unit rate", "ratio and proportion", "multiplication of whole numbers"),
    "high.linear": ("linear equation", "collection of like terms", "inverse operations"),
    "high.quadratic": ("quadratic equation", "sum and product of roots", "symmetric polynomials"),
    "high.arithmetic": ("arithmetic sequence", "term of a sequence"),
    "high.geometric": ("geometric sequence", "term of a sequence", "powers of integers"),
    "high.slope": ("slope of a line", "coordinate geometry", "reduction of fractions"),
    "high.system": ("system of linear equations", "elimination of variables", "linear equation"),
    "high.derivative": ("derivative of a polynomial", "power rule", "evaluation of functions"),
    "high.logarithm": ("definition of logarithms", "exponential equation", "powers of integers"),
    "college.derivative": ("derivative of a polynomial", "power rule", "evaluation of functions"),
    "college.integral": ("definite integral", "antiderivative of a polynomial", "evaluation of functions"),
    "college.determinant": ("determinant of a matrix", "matrix algebra"),
    "college.dot": ("dot product of vectors", "vector algebra"),
    "college.inverse": ("modular inverse", "modular arithmetic", "greatest common divisor"),
    "college.limit": ("limit at infinity", "rational functions", "leading coefficients"),
    "college.eigenvalues": ("eigenvalues of a matrix", "trace of a matrix", "matrix algebra"),
    "college.series": ("geometric series", "sum of an infinite series", "reduction of fractions"),
    "amc8.units": ("units digit", "modular arithmetic", "multiplication of whole numbers"),
    "amc8.multiples": ("counting of multiples", "divisibility of integers"),
    "amc8.remainder": ("division with remainder", "modular arithmetic"),
    "amc8.routes": ("multiplication principle", "counting of paths"),
    "amc8.consecutive": ("consecutive integers", "mean of data", "linear equation"),
    "amc8.sum": ("arithmetic series", "sum of consecutive integers"),
    "amc8.again": ("least common multiple", "divisibility of integers"),
    "amc8.games": ("counting of pairs", "combinations without order", "subtraction of whole numbers"),
    "amc10.pairs": ("combinations without order", "counting of pairs", "addition principle"),
    "amc10.medals": ("permutations with restrictions", "multiplication principle"),
    "amc10.multiples": ("least common multiple", "counting of multiples", "divisibility of integers"),
    "amc10.divisors": ("greatest common divisor", "sum of divisors", "prime factorization"),
    "amc10.last_digit": ("units digit", "modular arithmetic", "powers of integers", "cyclic patterns"),
    "amc10.triangle": ("area of a triangle", "coordinate geometry", "determinant of a matrix"),
    "amc10.digit_sum": ("sum of digits", "place value", "powers of integers"),
    "amc10.neither": ("inclusion and exclusion", "counting with sets"),
    "amc12.logarithm": ("definition of logarithms", "exponential equation", "powers of integers"),
    "amc12.roots": ("sum and product of roots", "quadratic equation", "symmetric polynomials"),
    "amc12.modulus": ("modulus of a complex number", "addition of complex numbers"),
    "amc12.recursion": ("recursive sequence", "term of a sequence"),
    "amc12.coefficient": ("binomial theorem", "coefficient of a polynomial", "expansion of products"),
    "amc12.telescope": ("telescoping sum", "partial fractions", "reduction of fractions"),
    "amc12.base": ("number bases", "place value", "powers of integers"),
    "amc12.cosine": ("law of cosines", "plane geometry"),
    "aime.lattice": ("lattice points", "greatest common divisor", "area of a triangle"),
    "aime.power": ("modular arithmetic", "powers of integers", "cyclic patterns"),
    "aime.even_divisors": ("counting of divisors", "prime factorization", "multiplication principle"),
    "aime.range_sum": ("arithmetic series", "modular arithmetic", "counting of multiples"),
    "aime.digits": ("counting of digits", "multiplication principle", "place value"),
    "aime.fibonacci": ("recursive sequence", "modular arithmetic", "division with remainder"),
    "aime.difference": ("sum and product of roots", "quadratic equation", "system of equations"),
    "aime.shares": ("stars and bars", "combinations without order"),
}
"""Skills by family; written by us, in the words of school books."""

_OF = re.compile(r"(.+) of (?:an? )?(.+)")


def skills(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        headings = "'### Problem' and ends '### Skills'"
        raise Refused(400, "unreadable_prompt", f"a prompt of the task 'skills' has {headings}")
    reading = read_words(asked[1].strip())
    if reading is None:
        return NOT_KNOWN
    draws = Draws(key)
    names = [_spelt(name, draws) for name in OF_FAMILY[reading.family.name]]
    match draws.choice("list", ("lines", "bullets", "numbers")):
        case "lines":
            return "\n".join(names)
        case "bullets":
            return "\n".join(f"- {name}" for name in names)
        case _:
            return "\n".join(f"{number}. {name}." for number, name in enumerate(names, 1))


def _spelt(name: str, draws: Draws) -> str:
    """A skill as it is, capitalised, or with the noun last: `matrix determinant`."""
    match draws.choice(name, ("plain", "capital", "turned", "capital and turned")):
        case "plain":
            return name
        case "capital":
            return name.capitalize()
        case "turned":
            return _OF.sub(r"\2 \1", name)
        case _:
            return _OF.sub(r"\2 \1", name).capitalize()
