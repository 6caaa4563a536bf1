"""Units of measure and of counting, in one spelling: `sq. cm`, `square centimeters` and `cm^2` are `cm^2`.

Units are never converted into one another: by the policy, 100 cm and 1 m are different answers
(`docs/evaluation.md`). A number may also be followed by what is counted (`18 apples`); words that change the
number (`3 fifths`, `5 squared`, `5 degrees below zero`) are not units.
"""

import re
from fractions import Fraction

_SPELLINGS = {
    "m": "meter meters metre metres",
    "cm": "centimeter centimeters centimetre centimetres",
    "mm": "millimeter millimeters millimetre millimetres",
    "km": "kilometer kilometers kilometre kilometres",
    "dm": "decimeter decimeters decimetre decimetres",
    "nm": "nanometer nanometers",
    "inch": "in inches",
    "foot": "ft feet",
    "yard": "yd yds yards",
    "mile": "mi miles",
    "g": "gram grams gm gms",
    "kg": "kilogram kilograms kgs kilo kilos",
    "mg": "milligram milligrams",
    "pound": "lb lbs pounds",
    "ounce": "oz ounces",
    "ton": "tons tonne tonnes",
    "s": "sec secs second seconds",
    "minute": "min mins minutes",
    "hour": "h hr hrs hours",
    "day": "days",
    "week": "weeks wk wks",
    "month": "months",
    "year": "yr yrs years",
    "liter": "l litre litres liters",
    "ml": "milliliter milliliters millilitre millilitres",
    "gallon": "gal gallons",
    "dollar": "$ dollars usd us$ buck bucks",
    "cent": "cents ¢",
    "euro": "€ euros eur",
    "pound sterling": "£ gbp",
    "degree": "deg degs degrees °",
    "radian": "rad rads radians",
    "n": "newton newtons",
    "j": "joule joules",
    "w": "watt watts",
    "v": "volt volts",
    "hz": "hertz",
    "k": "kelvin kelvins",
    "mol": "mole moles",
    "ohm": "ohms",
    "ampere": "amperes amp amps",
    "pascal": "pascals pa",
    "coulomb": "coulombs",
    "farad": "farads",
    "tesla": "teslas",
    "weber": "webers wb",
    "ev": "electronvolt electronvolts",
    "cal": "calorie calories",
    "kcal": "kilocalorie kilocalories",
    "atm": "atmosphere atmospheres",
    "byte": "bytes",
    "bit": "bits",
    "acre": "acres",
    "hectare": "hectares ha",
    "quart": "quarts qt",
    "pint": "pints pt",
    "cup": "cups",
    "tablespoon": "tablespoons tbsp",
    "teaspoon": "teaspoons tsp",
    "angstrom": "angstroms",
    "knot": "knots",
    "celsius": "°c",
    "yen": "¥ jpy 円",
    "yuan": "cny rmb 元",
    "rupee": "₹ inr rs rupees",
    "won": "₩ krw 원",
    "ruble": "₽ rub rubles rouble roubles",
    "unit": "units",
    "person": "people persons",
    "child": "children",
    "man": "men",
    "woman": "women",
}
SPELT = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()} | {
    unit: unit for unit in _SPELLINGS
}
MULTIPLIERS = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FRACTION_NAMES = (
    "half third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
SCALES = (
    {word: Fraction(value) for word, value in MULTIPLIERS.items()}
    | {word: Fraction(1, place) for place, word in enumerate(_FRACTION_NAMES.split(), 2)}
    | {"halve": Fraction(1, 2), "quarter": Fraction(1, 4)}
    | {f"{word}th": Fraction(1, value) for word, value in MULTIPLIERS.items()}
)
"""Words after a number that multiply it, in the singular: `5 million`, `3 fifths`."""
_CHANGING_WORDS = (
    "squared cubed factorial times plus minus less more fewer than below above under over negative "
    "divided point or and to not no choose mod base dozen dozens score"
)
_CHANGES = frozenset(_CHANGING_WORDS.split())
_BEGINNINGS_ONLY = frozenset(("squared", "cubed"))
"""Words that change the number before them, and so are not units."""
PERCENT = frozenset(("percent", "per cent", "%", "pct", "percentage", "percents"))
_MEGA = frozenset(("m", "g", "s", "w", "j", "hz", "n", "v", "a", "pa", "ev"))
"""Units before which a capital M is mega; `mm` is no `Mm`. Otherwise case is ignored."""
_ABBREVIATIONS = {"mph": "mile/hour", "kmh": "km/hour", "kph": "km/hour", "mps": "m/s", "sqft": "foot^2"}
_ABBREVIATED = re.compile(r"(?i)\b(?:mph|kmh|kph|mps|sqft)\b")
_LONG_TABLE = frozenset(_ABBREVIATIONS) | frozenset(
    word for word in SPELT if len(word) >= 2 and word.isalpha()
)
_WORD = re.compile(r"[A-Za-z$€£¢°¥₹₩₽]+|[^\W\d_]+|\^\s*\{?\s*-?\d+\s*\}?|/")
_POWER = re.compile(r"-?\d+")
_POWER_WORDS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


def is_known_unit(word: str) -> bool:
    """Whether a bare word of at least two letters after a number is a unit (`cm`) rather than letters
    (`xy`).
    """
    bare = word.lower().rstrip(".")
    return bare in _LONG_TABLE or bare in _POWER_WORDS


def changes_number(words: list[str]) -> bool:
    """Whether words after a number are something other than what is counted: `5 squared`, `5 less than x`."""
    lowered = [word.lower() for word in words]
    return lowered[0] in _BEGINNINGS_ONLY or any(word in _CHANGES - _BEGINNINGS_ONLY for word in lowered)


def canonical_unit(text: str) -> str:
    """The one spelling of a unit; empty if there is none. `m s^-1` is `m / s`."""
    powers: dict[str, int] = {}
    last, sign, ahead = "", 1, 1
    for match in _WORD.finditer(
        _ABBREVIATED.sub(lambda found: _ABBREVIATIONS[found[0].lower()], text.replace(".", ""))
    ):
        word = match[0]
        lowered = word.lower()
        if word[0] == "^" or lowered in ("squared", "cubed"):
            found = _POWER.search(word)
            power = int(found[0][:3]) if found is not None else (2 if lowered == "squared" else 3)
            if last:
                powers[last] += (power - 1) * sign
        elif lowered in _POWER_WORDS:
            ahead = _POWER_WORDS[lowered]
        elif lowered in ("per", "/"):
            sign = -1
        elif lowered not in ("of", "the", "a", "an", "text"):
            last = _mega(word) or _singular(lowered)
            powers[last] = powers.get(last, 0) + ahead * sign
            ahead = 1
    return _written(powers)


def _written(powers: dict[str, int]) -> str:
    top = [unit if power == 1 else f"{unit}^{power}" for unit, power in powers.items() if power > 0]
    bottom = [unit if power == -1 else f"{unit}^{-power}" for unit, power in powers.items() if power < 0]
    return " ".join([*top, *(part for unit in bottom for part in ("/", unit))])


def _mega(word: str) -> str:
    """`Mm` and `MHz` as megametre and megahertz; `MM` in a text of capitals has no prefix."""
    rest = word[1:]
    if word[0] != "M" or rest.lower() not in _MEGA:
        return ""
    capital = rest.lower() in ("w", "j", "n", "v")  # symbols of units named after people are capitals
    return "mega" + rest.lower() if rest[0].isupper() is capital or len(rest) > 1 else ""


def _singular(word: str) -> str:
    if word in SPELT:
        return SPELT[word]
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
