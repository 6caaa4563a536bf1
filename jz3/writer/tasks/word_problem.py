r"""`Task: word_problem`: the solution of a told problem, from its text alone.

    Task: word_problem
    ...
    ### Problem
    (the problem)

    ### Solution

Written apart from `tell.py`, and without any of its data: the sentences stand here as this reader has them,
and what they mean is decided here. Each must be read whole, values must be of fitting units, each result is
used or asked for once, and nothing is left over; so a story that can be read in two ways gets no box.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from jz3.writer.family import latex
from jz3.writer.refusal import Refused
from jz3.writer.tasks.manner import UNKNOWN, told

DATA = re.compile(r"^### Problem\n(.*)\n### Solution\s*\Z", re.MULTILINE | re.DOTALL)

_WHO = r"[A-Z][a-z]+"
_VALUE = r"-?\d+(?: square meters| [a-z]+)?|the (?!power (?:-?\d|the ))[a-z]+(?: [a-z]+)*?"
"""A number with its unit, or the name of an earlier result."""
_NAMED = re.compile(r"(?P<says>[^.;?]+)(?:; this is the |\. Call this the )(?P<name>[a-z]+(?: [a-z]+)*)\. ?")
_ASKED = re.compile(
    r"(?:How many (?P<unit>[a-z ]+?) does the (?P<name>[a-z ]+) come to"
    r"|What is the (?P<name2>[a-z ]+), counted in (?P<unit2>[a-z ]+)"
    r"|(?:What is|Which number is) the (?P<name3>[a-z ]+))\?"
)
_NOT_THINGS = {"", "dollars", "minutes", "meters", "square meters"}


@dataclass(frozen=True)
class _Quantity:
    amount: Fraction
    unit: str
    """Empty for a bare number."""

    def __str__(self) -> str:
        return latex(self.amount)


class _UnreadError(Exception):
    """The text says something that this grammar does not cover."""


_Step = tuple[_Quantity, str]
"""The result, and the calculation."""


def word_problem(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'word_problem' has '### Problem' and ends '### Solution'",
        )
    try:
        steps, answer = _solved(" ".join(asked[1].split()))
    except _UnreadError:
        return UNKNOWN
    return told(steps, latex(answer), key)


def _solved(text: str) -> tuple[list[str], Fraction]:
    """Sentences with the calculations, and the answer."""
    known: dict[str, _Quantity] = {}
    free: set[str] = set()
    steps: list[str] = []
    place = 0
    while sentence := _NAMED.match(text, place):
        place = sentence.end()
        name = sentence["name"]
        if name in known:
            raise _UnreadError
        reading = _Reading(known, free)
        said = sentence["says"].strip()
        said = f"the{said[3:]}" if said.startswith("The ") and said[4:].partition(" ")[0] != "work" else said
        found, calculation = _said(said, reading)
        known[name] = found
        free.add(name)
        steps.append(f"The {name} is {calculation} = {found}.")
    asked = _ASKED.fullmatch(text, place)
    if asked is None:
        raise _UnreadError
    name, unit = asked["name"] or asked["name2"] or asked["name3"], asked["unit"] or asked["unit2"] or ""
    if free != {name} or known[name].unit != unit:
        raise _UnreadError
    return steps, known[name].amount


@dataclass
class _Reading:
    """The results of earlier sentences, and which of them have not been used."""

    known: dict[str, _Quantity]
    free: set[str]

    def value(self, text: str) -> _Quantity:
        """A quantity in a sentence; a result is used up."""
        if text.startswith("the "):
            name = text.removeprefix("the ")
            if name not in self.free:
                raise _UnreadError
            self.free.remove(name)
            return self.known[name]
        number, _, unit = text.partition(" ")
        return _Quantity(Fraction(number), unit)

    def things(self, text: str) -> _Quantity:
        """Countable things."""
        found = self.value(text)
        if found.unit in _NOT_THINGS:
            raise _UnreadError
        return found

    def measured(self, text: str, unit: str) -> _Quantity:
        """A quantity of this unit."""
        found = self.value(text)
        if found.unit != unit:
            raise _UnreadError
        return found


def _said(sentence: str, reading: _Reading) -> _Step:
    for pattern, meaning in _GRAMMAR:
        found = pattern.fullmatch(sentence)
        if found is not None:
            return meaning(reading, found.groupdict())
    raise _UnreadError


_Groups = dict[str, str]
_Meaning = Callable[[_Reading, _Groups], _Step]


def _more(one: _Quantity, other: _Quantity) -> _Step:
    if one.unit != other.unit:
        raise _UnreadError
    return _Quantity(one.amount + other.amount, one.unit), f"{one} + {_in_brackets(other)}"


def _less(one: _Quantity, other: _Quantity) -> _Step:
    if one.unit != other.unit:
        raise _UnreadError
    return _Quantity(one.amount - other.amount, one.unit), f"{one} - {_in_brackets(other)}"


def _times(one: _Quantity, other: _Quantity, unit: str) -> _Step:
    return _Quantity(one.amount * other.amount, unit), f"{_in_brackets(one)} * {_in_brackets(other)}"


def _over(one: _Quantity, other: _Quantity, unit: str) -> _Step:
    if other.amount == 0:
        raise _UnreadError
    return _Quantity(one.amount / other.amount, unit), f"{_in_brackets(one)} / {_in_brackets(other)}"


def _in_brackets(one: _Quantity) -> str:
    return f"({one})" if one.amount < 0 or one.amount.denominator != 1 else str(one)


def _counted(text: str) -> _Quantity:
    """A number with its unit in the same sentence."""
    return _Quantity(Fraction(text), "")


def _bought(reading: _Reading, said: _Groups) -> _Step:
    return _times(reading.things(said["what"]), _counted(said["price"]), "dollars")


def _paid(reading: _Reading, said: _Groups) -> _Step:
    return _less(reading.measured(said["from"], "dollars"), reading.measured(said["off"], "dollars"))


def _put_aside(_: _Reading, said: _Groups) -> _Step:
    return _times(_counted(said["rate"]), _counted(said["times"]), "dollars")


def _things_off(reading: _Reading, said: _Groups) -> _Step:
    return _less(reading.things(said["from"]), reading.things(said["off"]))


def _shared(reading: _Reading, said: _Groups) -> _Step:
    whole = reading.things(said["what"])
    return _over(whole, _counted(said["by"]), whole.unit)


def _in_bags(reading: _Reading, said: _Groups) -> _Step:
    each = reading.things(said["what"])
    return _times(_counted(said["times"]), each, each.unit)


def _things_more(reading: _Reading, said: _Groups) -> _Step:
    return _more(reading.things(said["one"]), reading.things(said["other"]))


def _per_cent(reading: _Reading, said: _Groups) -> _Step:
    whole, rate = reading.things(said["what"]), _counted(said["rate"])
    return _Quantity(whole.amount * rate.amount / 100, whole.unit), f"{whole} * {rate} / 100"


def _hours(_: _Reading, said: _Groups) -> _Step:
    return _times(_counted(said["hours"]), _counted("60"), "minutes")


def _minutes_more(reading: _Reading, said: _Groups) -> _Step:
    return _more(reading.measured(said["one"], "minutes"), reading.measured(said["other"], "minutes"))


def _minutes_off(reading: _Reading, said: _Groups) -> _Step:
    return _less(reading.measured(said["from"], "minutes"), reading.measured(said["off"], "minutes"))


def _around(reading: _Reading, said: _Groups) -> _Step:
    long, wide = reading.measured(said["long"], "meters"), reading.measured(said["wide"], "meters")
    return _Quantity(2 * (long.amount + wide.amount), "meters"), f"2 * ({long} + {wide})"


def _covered(reading: _Reading, said: _Groups) -> _Step:
    sides = reading.measured(said["long"], "meters"), reading.measured(said["wide"], "meters")
    return _times(*sides, "square meters")


def _surface_off(reading: _Reading, said: _Groups) -> _Step:
    whole = reading.measured(said["from"], "square meters")
    return _less(whole, reading.measured(said["off"], "square meters"))


def _bare(reading: _Reading, said: _Groups) -> tuple[_Quantity, _Quantity]:
    return reading.measured(said["one"], ""), reading.measured(said["other"], "")


def _added(reading: _Reading, said: _Groups) -> _Step:
    return _more(*_bare(reading, said))


def _subtracted(reading: _Reading, said: _Groups) -> _Step:
    return _less(*_bare(reading, said))


def _multiplied(reading: _Reading, said: _Groups) -> _Step:
    return _times(*_bare(reading, said), "")


def _divided(reading: _Reading, said: _Groups) -> _Step:
    return _over(*_bare(reading, said), "")


def _raised(reading: _Reading, said: _Groups) -> _Step:
    base, exponent = _bare(reading, said)
    small = exponent.amount.denominator == 1 and 0 <= exponent.amount <= 100
    if not small:
        raise _UnreadError
    return _Quantity(base.amount ** int(exponent.amount), ""), f"{_in_brackets(base)}^{exponent}"


def _what_remains(reading: _Reading, said: _Groups) -> _Step:
    one, other = _bare(reading, said)
    if other.amount <= 0 or one.amount.denominator != 1 or other.amount.denominator != 1:
        raise _UnreadError
    return _Quantity(one.amount % other.amount, ""), f"{one} - {one.amount // other.amount} * {other}"


def _grammar() -> Iterator[tuple[re.Pattern[str], _Meaning]]:
    """Sentences of such problems, as a reader knows them; `<x>` is a quantity, `#x` a bare number."""
    for form, meaning in (
        ("@ buys <what> at #price dollars each", _bought),
        ("A shop sells @ <what> for #price dollars each", _bought),
        ("@ pays <off> with <from> and gets the difference back", _paid),
        ("From <from> @ pays <off> and gets back what is over", _paid),
        ("@ owns <from> and spends <off> of it", _paid),
        ("Of <from>, @ spends <off> and keeps what is not spent", _paid),
        ("@ saves #rate dollars every week for #times weeks", _put_aside),
        ("For #times weeks @ puts aside #rate dollars every week", _put_aside),
        ("@ has <from> and gives away <off>, keeping the others", _things_off),
        ("Out of <from>, @ loses <off> and keeps the others", _things_off),
        ("@ shares <what> equally among #by friends, so that each friend gets the same number", _shared),
        ("Among #by friends <what> are divided evenly, so that each friend gets the same number", _shared),
        ("@ fills #times bags with <what> in each bag", _in_bags),
        ("There are #times bags, and each bag holds <what>", _in_bags),
        ("@ has <one> and finds <other> as well", _things_more),
        ("<one> and <other> are put together", _things_more),
        ("@ sells #rate percent of <what>", _per_cent),
        ("Of <what>, #rate percent are sold", _per_cent),
        ("(?:@ works for|The work takes) #hours hours, counted in minutes", _hours),
        ("@ is busy for <one> and then for <other> more", _minutes_more),
        ("A task of <one> is followed by another of <other>", _minutes_more),
        ("Out of <from>, @ rests for <off> and works otherwise", _minutes_off),
        ("@ takes a break of <off> out of <from>", _minutes_off),
        ("@ puts a fence all around a rectangular field that is <long> long and <wide> wide", _around),
        ("A rectangular field, <long> long and <wide> wide, gets a fence all around", _around),
        ("@ covers all of a rectangular floor that is <long> long and <wide> wide", _covered),
        ("A rectangular floor, <long> long and <wide> wide, is covered as a whole", _covered),
        ("@ paints <off> of <from> and leaves the others bare", _surface_off),
        ("Of <from>, <off> are painted and the others stay bare", _surface_off),
        ("<one> and <other> are added", _added),
        ("@ adds <other> to <one>", _added),
        ("<other> is subtracted from <one>", _subtracted),
        ("@ takes <other> away from <one>", _subtracted),
        ("<one> is multiplied by <other>", _multiplied),
        ("@ multiplies <one> by <other>", _multiplied),
        ("<one> is divided by <other>", _divided),
        ("@ divides <one> by <other>", _divided),
        ("<one> is raised to the power <other>", _raised),
        ("@ raises <one> to the power <other>", _raised),
        ("<one> is divided by <other> in whole numbers, and only what remains is kept", _what_remains),
        ("@ divides <one> by <other> in whole numbers and keeps only what remains", _what_remains),
    ):
        yield re.compile(_pattern(form)), meaning


def _pattern(form: str) -> str:
    """The regular expression of a sentence."""
    found = form.replace("@", _WHO)
    found = re.sub(r"#(\w+)", r"(?P<\1>\\d+)", found)
    return re.sub(r"(?<!\?P)<(\w+)>", lambda one: f"(?P<{one[1]}>{_VALUE})", found)


_GRAMMAR = tuple(_grammar())
