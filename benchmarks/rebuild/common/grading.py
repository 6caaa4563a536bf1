"""Whether an answer is right."""

import re
from operator import add, mul, sub

from answers import same_number
from tally import tally

OPERATIONS = {"+": add, "*": mul, "-": sub}


def is_right(problem: str, answer: str) -> bool:
    """Whether the answer to a problem with one sum, such as `17 + 4`, is right."""
    tally("grade")
    left, sign, right = re.search(r"(\d+) ([-+*]) (\d+)", problem).groups()
    return same_number(answer, OPERATIONS[sign](int(left), int(right)))
