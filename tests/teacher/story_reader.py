"""A reader of told problems for tests, by cue words and the order of quantities.

It shares nothing with the teller's sentences or the solver's grammar, and computes exactly. A sentence with
two cues, or none, is unclear.
"""

import re
from fractions import Fraction

CUES = {
    "buys": ("things dollars", lambda a, b: a * b),
    "a shop sells": ("things dollars", lambda a, b: a * b),
    "gets the difference back": ("dollars dollars", lambda a, b: b - a),
    "gets back what is over": ("dollars dollars", lambda a, b: a - b),
    "owns": ("dollars dollars", lambda a, b: a - b),
    "what is not spent": ("dollars dollars", lambda a, b: a - b),
    "saves": ("dollars weeks", lambda a, b: a * b),
    "puts aside": ("weeks dollars", lambda a, b: a * b),
    "gives away": ("things things", lambda a, b: a - b),
    "loses": ("things things", lambda a, b: a - b),
    "shares": ("things friends", lambda a, b: a / b),
    "divided evenly": ("friends things", lambda a, b: b / a),
    "in each bag": ("bags things", lambda a, b: a * b),
    "each bag holds": ("bags things", lambda a, b: a * b),
    "finds": ("things things", lambda a, b: a + b),
    "put together": ("things things", lambda a, b: a + b),
    "percent of": ("percent things", lambda a, b: b * a / 100),
    "percent are sold": ("things percent", lambda a, b: a * b / 100),
    "counted in minutes": ("hours", lambda a: a * 60),
    "busy": ("minutes minutes", lambda a, b: a + b),
    "followed by another": ("minutes minutes", lambda a, b: a + b),
    "rests": ("minutes minutes", lambda a, b: a - b),
    "a break": ("minutes minutes", lambda a, b: b - a),
    "fence all around": ("meters meters", lambda a, b: 2 * a + 2 * b),
    "rectangular floor": ("meters meters", lambda a, b: a * b),
    "paints": ("square square", lambda a, b: b - a),
    "are painted": ("square square", lambda a, b: a - b),
    "are added": ("bare bare", lambda a, b: a + b),
    "adds": ("bare bare", lambda a, b: a + b),
    "subtracted from": ("bare bare", lambda a, b: b - a),
    "away from": ("bare bare", lambda a, b: b - a),
    "multiplied": ("bare bare", lambda a, b: a * b),
    "multiplies": ("bare bare", lambda a, b: a * b),
    "divided by": ("bare bare", lambda a, b: a / b),
    "divides": ("bare bare", lambda a, b: a / b),
    "to the power": ("bare bare", lambda a, b: a ** int(b)),
    "only what remains": ("bare bare", lambda a, b: a % b),
}
GIVES = {
    "dollars": ("buys", "a shop sells", "gets", "owns", "not spent", "saves", "puts aside"),
    "minutes": ("counted in minutes", "busy", "followed", "rests", "a break"),
    "meters": ("fence",),
    "square": ("floor", "paint"),
    "bare": (
        "added",
        "adds",
        "subtracted",
        "away from",
        "multipl",
        "divided by",
        "divides",
        "power",
        "remains",
    ),
}
UNITS = ("dollars", "weeks", "friends", "bags", "percent", "hours", "minutes", "meters", "square")


def answer_of(story):
    """The exact answer; None if the story is unclear, incomplete, or asks for something that it does not
    have.
    """
    joined = story.replace(". Call this", "; this is")
    *told, asked = [part.strip() for part in re.split(r"(?<=[.?])\s", joined)]
    known, used = {}, set()
    for sentence in told:
        parts = re.fullmatch(r"(.*); this is the ([a-z ]+)\.", sentence)
        if parts is None or parts[2] in known:
            return None
        found = computed(parts[1][0].lower() + parts[1][1:], known, used)
        if found is None:
            return None
        known[parts[2]] = found
    wanted = [name for name in known if re.search(rf"\bthe {name}\b", asked)]
    if not asked.endswith("?") or len(wanted) != 1 or set(known) - used != set(wanted):
        return None
    value, unit = known[wanted[0]]
    bare = "How many" not in asked and "counted" not in asked
    return value if (unit == "bare" if bare else f" {unit}" in asked) else None


def computed(sentence, known, used):
    """Value and unit of a sentence; what it refers to is added to `used`."""
    names = sorted(known, key=len, reverse=True)
    reference = "|".join(rf"the {re.escape(name)}\b" for name in names) or "(?!)"
    rest = re.sub(rf"{reference}|\d+", "#", sentence)
    cues = [cue for cue in CUES if cue in rest]
    cues = ["only what remains"] if "only what remains" in cues else cues  # of an integer division
    if len(cues) != 1:
        return None
    kinds, operation = CUES[cues[0]][0].split(), CUES[cues[0]][1]
    quantities = []
    for name, number, word in re.findall(rf"({reference})|(-?\d+)(?: (\w+))?", sentence):
        held = name.removeprefix("the ")
        if held in used or len(quantities) == len(kinds):
            return None
        of_things = kinds[len(quantities)] == "things" and word
        quantities.append(
            known[held] if name else (Fraction(number), word if of_things or word in UNITS else "bare")
        )
        used |= {held} - {""}
    if len(quantities) != len(kinds):
        return None
    units = [unit for _, unit in quantities]
    things = {unit for unit, kind in zip(units, kinds, strict=True) if kind == "things"}
    fit = all(unit == kind or kind == "things" for unit, kind in zip(units, kinds, strict=True))
    if not fit or len(things) > 1 or things & {*UNITS, "bare"}:
        return None
    try:
        value = operation(*(value for value, _ in quantities))
    except ZeroDivisionError:
        return None
    unit = next((unit for unit, words in GIVES.items() if any(word in cues[0] for word in words)), None)
    return value, unit or things.pop()
