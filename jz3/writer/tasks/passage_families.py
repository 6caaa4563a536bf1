"""The families that fit a text, by its words; and the writer's names for concepts and levels of school."""

import re

from jz3.writer.catalogue import FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.family import Family
from jz3.writer.splits import draw_of_part

Fitting = list[tuple[Family, tuple[str, ...]]]
"""Families, each with the words or concepts for which it was chosen."""
UNSUITABLE = "UNSUITABLE"
"""The reply that the prompts ask for if a text is of no use."""
SCHOOLS = {
    "grade": "grade school",
    "middle": "middle school",
    "amc8": "middle school",
    "high": "high school",
    "amc10": "high school",
    "amc12": "high school",
    "aime": "high school",
    "college": "college",
}
"""Names of schools by a family's level."""


def in_text(text: str) -> Fitting:
    """The families with words in a text, and these words; those with most words come first."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    found = [(family, tuple(word for word in family.words if word in words)) for family in FAMILIES]
    return _by_number([(family, some) for family, some in found if some])


def of_concepts(names: tuple[str, ...]) -> Fitting:
    """The families of which at least two of these concepts are topic or words, and these concepts."""
    once = {stem(name): name for name in reversed(names)}
    found = [
        (family, tuple(once[one] for one in sorted(once) if one in _OWN_STEMS[family.name]))
        for family in FAMILIES
    ]
    return _by_number([(family, some) for family, some in found if len(some) > 1])


def stem(name: str) -> str:
    """A form that is the same for `root` and `Roots`."""
    return name.lower().removesuffix("s")


def topic_of(family: Family) -> str:
    """`last digit` of `amc10.last_digit`."""
    return family.name.partition(".")[2].replace("_", " ")


def drawn(fitting: Fitting, count: int, draws: Draws) -> Fitting:
    """`count` different families, or all; families with more words are more likely."""
    left = list(fitting)
    found: Fitting = []
    for number in range(min(count, len(fitting))):
        weights = tuple(len(words) for _, words in left)
        found.append(left.pop(draws.weighted(f"family {number}", tuple(range(len(left))), weights)))
    return found


def question_of(family: Family, key: str) -> str:
    """A question of a family with new values."""
    values = draw_of_part(family, "teacher", f"{key}\x00{family.name}")
    return Draws(f"{key}\x00{family.name}").choice("wording", family.wordings).format(**values.drawn)


def _by_number(found: Fitting) -> Fitting:
    return sorted(found, key=lambda one: (-len(one[1]), one[0].name))


_OWN_STEMS = {
    family.name: frozenset((stem(topic_of(family)), *map(stem, family.words))) for family in FAMILIES
}
"""Stems of each family's topic and words."""
