"""Numbers that give one quantity in two units: 5 kN and 5,000 N, 20 % and 0.2, 90 minutes and 1.5 hours."""

from fractions import Fraction

FACTORS = (60, 3600, 1440, *(10**power for power in (2, 3, 4, 6, 9)))
"""Factors of seconds, minutes, hours and days; percent, kilo-, square centimetres, mega-, giga-. Smaller
factors (12, 3) are just as often a plain error.
"""


def is_conversion(one: Fraction, other: Fraction) -> bool:
    """Whether two numbers differ by a common factor between units."""
    return bool(one and other) and any(one == other * factor or other == one * factor for factor in FACTORS)
