r"""Reference solutions in which intermediate results are hidden (OpenMathInstruct-1).

A teacher that sees such a reference knows the way but still has to compute. The released code takes, of
several masked copies, the one with the fewest digits, which rewards copies that lose the data of the
question. Here a copy must first be valid:

1. each number in it is in the question, or is in the reference to the left of an equals sign and never to the
   right of one, like the 60 minutes of an hour (`foreign_number`);
2. it has no value that the reference first writes to the right of an equals sign (`computed_value`);
3. each number of the question that the reference uses is still there (`data_lost`);
4. the gold answer is not there, unless the question has it (`gold_shown`);
5. its length is within a margin of the reference's (`length_differs`);
6. capital letters come in order of first use, the same letter for the same value (`letters_mixed`).

Of valid copies the one with the fewest digits is taken. If there is none, the reference is masked by the same
rules. 40%, 0.40 and 2/5 are the same value. Costs 0.6 ms per reference and 0.8 ms per copy (measured on the
families of the built-in writer).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from functools import cached_property, lru_cache

from jz3.answers.number_words import number_in_words
from jz3.answers.tree import Number
from jz3.teacher.number_masks import IN_WORDS
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, last_boxed
from jz3.text.reply_frames import unframed

LETTERS = "MNPQRSTUVWXYZBCDEFGHJKL"
"""In order of use, from M on as in the paper's examples; A, I and O are words or look like digits."""

_WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
_TOKEN = re.compile(
    rf"(?P<frac>\\[dt]?frac\s*\{{\s*(?P<above>\d+)\s*\}}\s*\{{\s*(?P<below>\d+)\s*\}})"
    rf"|(?P<ratio>(?<![\w.])(?P<left>\d+)/(?P<right>\d+)(?![\w/]|\.\d))"
    rf"|(?P<number>(?<![A-Za-z\d_.]){_WHOLE}(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"|(?P<equals>=|≈|\\approx\b)"
    r"|(?P<sign>[-+*/×÷·^−]|\\(?:times|cdot|div)\b)"
    r"|(?P<ends>\n|[.,;:?!])"
    r"|(?P<word>\\text\s*\{[^{}]*\}|(?<!\\)[A-Za-z]{2,})"
)
_PERCENT = re.compile(r"\s*(?:\\?%|per\s?cent\b)")
_LETTER = re.compile(r"(?<![A-Za-z\\])[B-HJ-Z](?![A-Za-z])")
_FENCED = re.compile(r"```[a-z]*\n(.*)\n```", re.DOTALL)
_HEAD = re.compile(
    r"\A(?:#+[^\n]*\n+|[^\n\d.:]*\b(?:solution|copy|version)\b[^\n\d.:]*(?::[*_]*|[*_]{2,})[ \t]*\n*)",
    re.IGNORECASE,
)
"""A heading in front of a copy, as models write it."""
_PIECE = re.compile(r"\\?[A-Za-z]+|\d+(?:,\d{3})*(?:[./]\d+)?|\S")


@dataclass(frozen=True)
class _Value:
    """A number in a text."""

    start: int
    end: int
    names: frozenset[Fraction]
    """Its value; with a percent sign, the hundredth as well."""
    parts: frozenset[Fraction]
    """Numerator and denominator, if it is a fraction."""
    side: str
    """Its side of the equals signs of its expression: `right` of one, `left` of all, or empty if there is
    none.
    """


@lru_cache(maxsize=4_096)
def values_in(text: str) -> tuple[_Value, ...]:
    """The numbers in digits of a text, with their side of equals signs. Results are cached, because a
    reference is compared with all its copies, and a copy is checked by several rules.
    """
    found: list[_Value] = []
    for run in _expressions(text):
        equals = [token.start() for token in run if token["equals"]]
        for place, token in enumerate(run):
            if not (token["number"] or token["ratio"] or token["frac"]):
                continue
            after = any(start < token.start() for start in equals)
            before = any(start > token.start() for start in equals)
            side = "right" if after else "left" if before else ""
            operand = any(one["sign"] for one in run[max(place - 1, 0) : place + 2])
            operand = operand or (place + 1 < len(run) and bool(run[place + 1]["equals"]))
            found += _values(token, text, side, operand=operand)
    return tuple(sorted(found, key=lambda value: value.start))


def _expressions(text: str) -> list[list[re.Match[str]]]:
    """Tokens grouped by expression: between them there is no end of a sentence and no word, except a unit
    before a sign.
    """
    tokens = list(_TOKEN.finditer(text))
    runs: list[list[re.Match[str]]] = [[]]
    for place, token in enumerate(tokens):
        if token["word"]:
            following = tokens[place + 1] if place + 1 < len(tokens) else None
            if following is None or not (following["sign"] or following["equals"]):
                runs.append([])
        elif token["ends"]:
            runs.append([])
        else:
            runs[-1].append(token)
    return [run for run in runs if run]


def _values(token: re.Match[str], text: str, side: str, *, operand: bool) -> list[_Value]:
    """One value; two numbers for a fraction that is calculated with further."""
    percent = bool(_PERCENT.match(text, token.end()))
    if token["number"]:
        written = token[0].replace(",", "")
        value = Fraction(written) if "." in written else Fraction(int(written))
        return [_Value(*token.span(), _named(value, percent=percent), frozenset(), side)]
    group = "above below" if token["frac"] else "left right"
    above, below = group.split()
    parts = (Fraction(int(token[above])), Fraction(int(token[below])))
    if operand or not parts[1]:
        return [
            _Value(*token.span(name), frozenset({part}), frozenset(), side)
            for name, part in zip((above, below), parts, strict=True)
        ]
    value = parts[0] / parts[1]
    return [_Value(*token.span(), _named(value, percent=percent), frozenset(parts), side)]


def _named(value: Fraction, *, percent: bool) -> frozenset[Fraction]:
    return frozenset({value, value / 100} if percent else {value})


def _number_names(gold: str) -> frozenset[Fraction]:
    """The values of an answer that is a number, with or without a unit; empty for any other."""
    values = values_in(gold)
    rest = re.sub(r"\\[dt]?frac|\\text\s*\{[^{}]*\}|\\[%$,!]|(?<!\\)\b[A-Za-z]{2,}", "", gold)
    return values[0].names if len(values) == 1 and not re.search(r"[A-Za-z\\]", rest) else frozenset()


@lru_cache(maxsize=4_096)
def _worded(text: str) -> frozenset[Fraction]:
    """Values of numbers in words, except `one`, which is just as often a pronoun."""
    read = [number_in_words(found[0]) for found in IN_WORDS.finditer(text)]
    values = {one.node.value for one in read if one is not None and isinstance(one.node, Number)}
    return frozenset(values - {Fraction(1)})


class Reference:
    """A question with its reference solution, and what a masked copy may show."""

    def __init__(self, question: str, solution: str, gold: str) -> None:
        self.question, self.solution, self.gold = question, solution, gold
        stated = values_in(question)
        self._stated = {*_worded(question)} | {name for value in stated for name in value.names | value.parts}
        if re.search(r"\bone\b", question, re.IGNORECASE):
            self._stated.add(Fraction(1))
        found = values_in(solution)
        sides: dict[Fraction, list[str]] = {}
        for value in found:
            for name in value.names:
                sides.setdefault(name, []).append(value.side)
        self._computed = {name for name, of in sides.items() if of[0] == "right"} - self._stated
        self._constants = {name for name, of in sides.items() if "left" in of and "right" not in of}
        self._used = [value.names for value in found if value.side != "right" and value.names & self._stated]
        self._gold = _number_names(gold)

    @cached_property
    def hides_nothing(self) -> bool:
        """Whether it has no intermediate results, so that it may be shown as it is."""
        return self._hidden == [] and self._against(self.solution) is None

    def masked(self) -> str | None:
        """Masked by rule; None if even that shows what must be hidden."""
        letter_of: dict[frozenset[Fraction], str] = {}
        single = set(re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", f"{self.question} {self.solution}"))
        free = [letter for letter in LETTERS if letter not in single]
        text, place = "", 0
        for value in self._hidden:
            letter = next((letter for names, letter in letter_of.items() if names & value.names), None)
            if letter is None:
                if len(letter_of) == len(free):
                    return None
                letter = letter_of[value.names] = free[len(letter_of)]
            text += self.solution[place : value.start] + letter
            place = value.end
        text += self.solution[place:]
        return text if self._against(text) is None else None

    def fault(self, copy: str, margin: float) -> Unusable | None:
        """Why a masked copy is not valid; None if it is."""
        return (
            self._against(copy)
            or self._data_lost(copy)
            or _length_differs(copy, self.solution, margin)
            or self._letters_mixed(copy)
        )

    @property
    def _hidden(self) -> list[_Value]:
        return [value for value in values_in(self.solution) if self._must_go(value)]

    def _must_go(self, value: _Value) -> bool:
        if value.names & self._stated:
            return False
        return bool(value.names & (self._computed | self._gold)) or not value.names & self._constants

    def _against(self, text: str) -> Unusable | None:
        """Check rules 1, 2 and 4."""
        shown = values_in(text)
        names = {name for value in shown for name in value.names} | _worded(text)
        if (names & self._gold) - self._stated or self._gold_written(text):
            return Unusable("gold_shown", text[-EVIDENCE_CHARACTERS:])
        for value in shown:
            if value.names & self._computed and not value.names & self._stated:
                return Unusable("computed_value", _around(text, value))
            if not value.names & (self._stated | self._constants):
                return Unusable("foreign_number", _around(text, value))
        if worded := _worded(text) & self._computed:
            return Unusable("computed_value", f"{min(worded)} in words: {text[-EVIDENCE_CHARACTERS:]}")
        return None

    def _gold_written(self, text: str) -> bool:
        """Whether a gold answer that is no number is written: in a box, or as a word of its own; an answer of
        one or two letters is just as often a name.
        """
        gold, boxed = "".join(self.gold.split()), last_boxed(text)
        if self._gold:
            return False
        if boxed is not None and "".join(boxed.split()) == gold:
            return True
        return len(gold) > 2 and gold in "".join(text.split()) and gold not in "".join(self.question.split())

    def _data_lost(self, copy: str) -> Unusable | None:
        names = {name for value in values_in(copy) for name in value.names} | _worded(copy)
        for used in self._used:
            if not used & names:
                return Unusable("data_lost", f"{min(used)} of {self.question!r}"[:EVIDENCE_CHARACTERS])
        return None

    def _letters_mixed(self, copy: str) -> Unusable | None:
        """Check rule 6: letters are matched with the values in their places, where copy and reference have
        the same words around them.
        """
        known = set(_LETTER.findall(f"{self.question} {self.solution}"))
        letters = [letter for letter in _LETTER.findall(copy) if letter not in known]
        first = list(dict.fromkeys(letters))
        if first != sorted(first, key=_order):
            return Unusable("letters_mixed", f"first used in the order {', '.join(first)}")
        names_of: dict[str, frozenset[Fraction]] = {}
        for letter, names in _aligned(copy, self.solution):
            if letter in known:
                continue
            held = names_of.setdefault(letter, names)
            twice = [one for one, others in names_of.items() if one != letter and others & names]
            if twice or not held & names:
                return Unusable("letters_mixed", f"{letter} for {min(names)}; {_told(names_of)}")
        return None


def copy_alone(text: str, reference: str) -> str:
    """A copy without a fence around it, and without a heading or lead that the reference does not have."""
    fenced = _FENCED.fullmatch(text.strip())
    text = fenced[1].strip() if fenced else text
    head = _HEAD.match(text)
    return text if head is None or reference.startswith(head[0].strip()) else unframed(text[head.end() :])


def fewest_digits(copies: Mapping[str, str]) -> str:
    """The name of the copy with the fewest digits; of equal ones the smallest name, which is a hash."""
    return min(copies, key=lambda name: (sum(map(str.isdigit, copies[name])), name))


def _order(letter: str) -> int:
    """The order of letters, also for copies that start with another letter than M, or use O."""
    return (ord(letter) - ord(LETTERS[0])) % 26


def _told(names_of: Mapping[str, frozenset[Fraction]]) -> str:
    return ", ".join(f"{letter} for {min(names)}" for letter, names in names_of.items())


def _length_differs(copy: str, solution: str, margin: float) -> Unusable | None:
    if abs(len(copy) - len(solution)) <= margin * len(solution):
        return None
    return Unusable("length_differs", f"{len(copy)} characters; the reference has {len(solution)}")


def _around(text: str, value: _Value) -> str:
    near = text[max(value.start - EVIDENCE_CHARACTERS // 2, 0) : value.end + EVIDENCE_CHARACTERS // 2]
    return f"{text[value.start : value.end]} in {near!r}"


@lru_cache(maxsize=4_096)
def _aligned(copy: str, solution: str) -> tuple[tuple[str, frozenset[Fraction]], ...]:
    """Letters of the copy, each with the number in its place in the reference."""
    number_at = {value.start: value.names for value in values_in(solution)}
    ours, theirs = list(_PIECE.finditer(copy)), list(_PIECE.finditer(solution))
    matcher = SequenceMatcher(None, [one[0] for one in ours], [one[0] for one in theirs], autojunk=False)
    return tuple(
        (mine[0], number_at[other.start()])
        for kind, start, end, begin, stop in matcher.get_opcodes()
        if kind == "replace" and end - start == stop - begin
        for mine, other in zip(ours[start:end], theirs[begin:stop], strict=True)
        if _LETTER.fullmatch(mine[0]) and other.start() in number_at
    )
