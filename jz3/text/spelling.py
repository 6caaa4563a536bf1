r"""Mathematics in one spelling, for comparing texts by their words.

`\dfrac12`, `\frac{1}{2}`, `½` and `1/2` are all `1 2`; `\left(`, `\displaystyle` and `\,` are nothing, like
operators, which have no words. A command that is not in the table is its name, ignoring case (a question in
capitals has its commands in capitals). Made from `jz3.notation.spellings`, which the grader uses, too.
"""

import re
from dataclasses import dataclass
from functools import cache

from jz3.notation.spellings import COLOURED, COMMANDS, SHAPES, SPACES, STYLED, WORDED, signs_spelt


@dataclass(frozen=True)
class Command:
    """What replaces a command among the words."""

    word: str
    """Empty if it has no word."""
    arguments: int = 0
    """How many single letters or digits after it are words of their own: `\\frac12`."""
    groups: int = 0
    """1: the braces after it contain no text (`\\end{align}`); 2: nor do column specifications after
    these.
    """


_FRACTION = Command("", arguments=2)
_OWN = {
    **dict.fromkeys(("frac", "binom", "dbinom", "tbinom"), _FRACTION),
    "sqrt": Command("sqrt", arguments=1),
    # Other ways to write a fraction, a binomial and a congruence.
    **dict.fromkeys(("over", "choose"), Command("")),
    **dict.fromkeys(("pmod", "bmod", "mod", "pod"), Command("mod")),
    **dict.fromkeys(("mathbb", "mathcal", "mathfrak", "mathscr", "bb"), Command("")),
    **dict.fromkeys(("hline", "prime", "dotso", "dotsi"), Command("")),
    **dict.fromkeys(
        ("hspace", "vspace", "label", "phantom", "hphantom", "vphantom", "end"), Command("", groups=1)
    ),
    "begin": Command("", groups=2),
    "bar": Command("overline"),
    "widehat": Command("hat"),
    "widetilde": Command("tilde"),
    "overrightarrow": Command("vec"),
    "longrightarrow": Command("rightarrow"),
    "longleftrightarrow": Command("leftrightarrow"),
    "notin": Command("not in"),
}


@cache
def commands() -> dict[str, Command]:
    """All commands by name in lower case."""
    table = {name.lower(): Command("") for name in (*SHAPES, *SPACES, *WORDED, *STYLED)}
    table |= {name: Command("", groups=1) for name in COLOURED}
    for name, spelling in COMMANDS.items():
        # `\R` and `\O` are letters if the text is in capitals.
        if len(name) > 1:
            said = " ".join(re.findall("[a-z]+", spelling.lower()))
            table[name.lower().rstrip("*")] = _FRACTION if said == "frac" else _OWN.get(said, Command(said))
    return table | _OWN


_THOUSANDS = re.compile(r"(?<=[0-9])(?:\{,\}|,\\!|\\,)(?=[0-9]{3}(?![0-9]))")
_COMMAND = re.compile(r"\\+([a-z]*)")
_ARGUMENT = re.compile(r" *([0-9a-z])")
_GROUP = re.compile(r"\{[0-9a-z*|!:._ -]{0,40}\}")
_COLUMNS = re.compile(r"\{[clr| ]{1,40}\}")


def signs(text: str) -> str:
    """The text with signs of Unicode as commands and signs of ASCII."""
    return signs_spelt(text)


def spelt(text: str) -> str:
    """A text in lower case, with its signs as by `signs`, and words instead of commands."""
    text = _THOUSANDS.sub(",", text)
    parts: list[str] = []
    place = 0
    while found := _COMMAND.search(text, place):
        command = commands().get(found[1], Command(found[1]))
        parts += (text[place : found.start()], f" {command.word} ")
        place = found.end()
        for pattern in (_GROUP, _COLUMNS)[: command.groups]:
            group = pattern.match(text, place)
            place = group.end() if group else place
        for _ in range(command.arguments):
            if not (argument := _ARGUMENT.match(text, place)):
                break
            parts.append(f"{argument[1]} ")
            place = argument.end()
    return "".join([*parts, text[place:]])
