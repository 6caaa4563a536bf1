"""Which values of a masked number give the answer that the question has: exact, where answers can be
computed.

Computed are the questions that a family of the built-in writer words: every whole number of the range from
which the family draws the masked one is tried. The result is None for any other text, and where the number is
part of the wording or stands for two fields at once: nothing is known then, and draws of a teacher must tell.

Costs some 2 microseconds a value and 100 a question (measured on all families).
"""

from jz3.answers.equality import equal
from jz3.teacher.number_masks import MaskedQuestion
from jz3.writer.catalogue import Reading, read
from jz3.writer.family import plain
from jz3.writer.other_values import Fitting, other_values

_PROBE = 987_654_321
"""A number that no family draws: the field that reads it is the masked one."""


def known_reading(question: str, gold: str) -> Reading | None:
    """The reading of a question whose answer is computed and is the gold one."""
    reading = read(question)
    if reading is None or reading.answer is None or not equal(gold, plain(reading.answer)).equal:
        return None
    return reading


def fitting(masked: MaskedQuestion, reading: Reading) -> Fitting | None:
    """What the other values of the masked number give; None where the family has no such field."""
    family, values = reading.family, reading.values
    place = masked.start + len(masked.variable)
    probed = family.read(f"{masked.text[: masked.start]}{_PROBE}{masked.text[place:]}")
    if probed is None:
        return None
    changed = [name for name, value in values.drawn.items() if probed.drawn[name] != value]
    if len(changed) != 1 or str(values.drawn[changed[0]]) != masked.label:
        return None
    return other_values(reading, changed[0])
