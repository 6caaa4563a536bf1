"""Units of measure and of counting, in one spelling: `sq. cm`, `square centimeters` and `cm^2` are `cm^2`.

Units are never converted into one another: 100 cm against 1 m is a different answer by the policy
(`docs/evaluation.md`). Any word may be a unit (`18 apples`); the table holds other spellings only.
"""

import re

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
    "dollar": "$ dollars usd buck bucks",
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
    "celsius": "°c",
    "person": "people persons",
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot^2": "sqft",
    "mile / hour": "mph",
    "km / hour": "kmh kph",
    "m / s": "mps",
}
SPELT = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()} | {
    unit: unit for unit in _SPELLINGS
}
MULTIPLIERS = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_LONG_TABLE = frozenset(word for word in SPELT if len(word) >= 2 and word.isalpha())
_WORD = re.compile(r"[A-Za-z$€£¢°]+|\^\s*\{?\s*-?\d+\s*\}?|/")
_POWER = re.compile(r"-?\d+")


def is_known_unit(word: str) -> bool:
    """Whether a bare word of two letters or more after a number is a unit (`cm`) and not letters (`xy`)."""
    return word.lower().rstrip(".") in _LONG_TABLE


def canonical_unit(text: str) -> str:
    """The one spelling of a unit; the empty text for none."""
    words: list[str] = []
    power_ahead = ""
    for match in _WORD.finditer(text.replace(".", "")):
        word = match[0].lower()
        if word in ("square", "sq"):
            power_ahead = "^2"
        elif word in ("cubic", "cu"):
            power_ahead = "^3"
        elif word == "squared":
            words.append("^2")
        elif word == "cubed":
            words.append("^3")
        elif word[0] == "^":
            found = _POWER.search(word)
            assert found is not None
            words.append("^" + found[0])
        elif word in ("per", "/"):
            words.append("/")
        elif word not in ("of", "the", "a", "an", "text"):
            words.append(_singular(word) + power_ahead)
            power_ahead = ""
    return " ".join(words).replace(" ^", "^") + power_ahead


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
