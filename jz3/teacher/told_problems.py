"""Whether a told problem says what its graph says, and no more (RV-Syn).

The rules:

- `reply_is_empty`
- `remark`: more than a problem, such as a hint or a solution
- `identifier`: it contains a name of the graph's code
- `questions`: it does not have exactly one question mark
- `value_missing`: a given value is not told, or not as often as it is given
- `answer_shown`: the result is told
- `leak`: an intermediate value is told
- `value_added`: another number is told, other than 1 and 2 in words
"""

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from jz3.teacher.decompositions import Function
from jz3.teacher.retellings import REMARK
from jz3.teacher.stated_numbers import stated_numbers
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

_SMALL = re.compile(r"\b(?:one|two|twice|pairs?)\b", re.IGNORECASE)


def not_told(
    text: str, functions: Sequence[Function], leaves: Sequence[Fraction], nodes: Sequence[Fraction]
) -> Unusable | None:
    """Why a text does not tell a graph with these values (given ones, and those of its calls with the result
    last); None if it does.
    """
    if not text:
        return Unusable("reply_is_empty", "")
    evidence = text[:EVIDENCE_CHARACTERS]
    if REMARK.search(text):
        return Unusable("remark", evidence)
    names = {one.name for one in functions} | {one.name for each in functions for one in each.parameters}
    shown = sorted(name for name in names if "_" in name and name in text)
    if shown:
        return Unusable("identifier", f"{', '.join(shown)}: {evidence}")
    if text.count("?") != 1:
        return Unusable("questions", f"{text.count('?')} question marks: {evidence}")
    stated = stated_numbers(text)
    given = Counter(leaves)
    if stated.values.items() == given.items():
        return None  # nearly always; the rest says what is wrong with any other text
    told = stated.values + Counter({Fraction(1): stated.ones})
    missing = given - told
    if missing:
        return Unusable("value_missing", f"{_shown(missing)}: {evidence}")
    added = stated.values - given
    if added[nodes[-1]]:
        return Unusable("answer_shown", f"{nodes[-1]}: {evidence}")
    leaked = Counter({value: added[value] for value in nodes if added[value]})
    if leaked:
        return Unusable("leak", f"{_shown(leaked)}: {evidence}")
    for word in _SMALL.findall(text):
        added -= stated_numbers(word).values
    return Unusable("value_added", f"{_shown(added)}: {evidence}") if added else None


def _shown(values: Counter[Fraction]) -> str:
    return ", ".join(map(str, sorted(values.elements())))
