"""Which values of a masked number give the question's answer: exact, if answers can be computed.

Answers can be computed for questions worded by a family of the built-in writer: every integer is tried in the
range from which the family draws the masked number. The result is None for any other text, and if the number
is part of the wording or fills two fields at once: then nothing is known, and draws of a teacher must decide.

Costs some 2 microseconds per value and 100 per question (measured on all families).
"""

from jz3.answers.equality import equal
from jz3.teacher.number_masks import MaskedQuestion
from jz3.writer.catalogue import Reading, read
from jz3.writer.family import plain
from jz3.writer.other_values import Fitting, other_values

_PROBE = 987_654_321
"""A number that no family draws: the field that contains it is the masked one."""


def known_reading(question: str, gold: str) -> Reading | None:
    """The reading of a question whose answer can be computed and equals the gold one."""
    reading = read(question)
    if reading is None or reading.answer is None or not equal(gold, plain(reading.answer)).equal:
        return None
    return reading


def fitting(masked: MaskedQuestion, reading: Reading) -> Fitting | None:
    """The answers for other values of the masked number; None if the family has no such field."""
    family, values = reading.family, reading.values
    place = masked.start + len(masked.variable)
    probed = family.read(f"{masked.text[: masked.start]}{_PROBE}{masked.text[place:]}")
    if probed is None:
        return None
    changed = [name for name, value in values.drawn.items() if probed.drawn[name] != value]
    if len(changed) != 1 or str(values.drawn[changed[0]]) != masked.label:
        return None
    return other_values(reading, changed[0])
