r"""Pieces of prose with mathematics: formulas in their delimiters, statements, and their values.

A formula is one token of a statement, whatever it contains: its full stops end no sentence and its spaces
separate no words.
"""

import re
from dataclasses import dataclass

from jz3.answers.units import MULTIPLIERS, is_known_unit

FORMULA = re.compile(
    r"\$\$(?P<display>(?:\\\$|[^$])+?)\$\$"
    r"|\\\[(?P<bracket>(?:(?!\\\[).)+?(?:(?<=\\)\\\[(?:(?!\\\[).)*?){0,64}?)\\\]"  # rows may end in `\\[2pt]`
    r"|\\\((?P<paren>(?:(?!\\\().)+?)\\\)"
    r"|\\begin\{(?P<name>align|aligned|equation|gather|gathered|eqnarray|multline|displaymath"
    r"|math)\*?\}(?P<body>.{1,3000}?)"
    r"\\end\{(?P=name)\*?\}"
    r"|(?<![\\$])\$(?=\S)(?P<inline>(?:\\\$|[^$\n]|\n(?!\s*\n))+?)(?<!\s)\$(?![\d$])"
    r"|(?<![\\$])\$(?=\s)(?P<spaced>(?:\\\$|[^$\n]|\n(?!\s*\n)){1,300}?\s)\$(?![\d$])"
    r"|(?<![\\$])\$(?P<loose>[^$A-Za-z\n]{1,80}\s)\$(?!\d)"
    r"|`(?P<code>[^`\n]{1,300})`",
    re.DOTALL,
)
_PLACE = "\x01"
_END = re.compile(
    r"\n|(?<!\bMrs)(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bsq)(?<!\bapprox)(?<!\bvs)(?<![ap]\.m)(?<!U\.S)(?<!\be\.g)(?<!\bi\.e)"
    r"[.?](?=\s|$|\*|\"|'|_|<|[A-Z\u3400-\u9fff])|!(?=\s|$|\*)|;(?=\s)|<br|</?\w{1,20}>|\|"
    r"|\s+(?:because|since|which|so that|as we|I hope|instead of|rather than|assuming|whereas)\b"
    r"|,\s+(?:so|rounded|because|since|which|as|and so|where|not|but|given|when|if|rather|it|I|we|this|that"
    r"|while|thus|hence)\b"
    r"|\s+(?:—|--)\s|\s+-\s+(?=[A-Za-z])|\s+\((?=[a-z]{3,}|[A-Z][a-z])"
)
_TOKEN = re.compile(r"\S+")
_CONNECTS = frozenset(("and", "or", "&", ",", "or,", "and,", "to"))
_JOINS = frozenset(("and", "or", "", "或", "或者", "和", "ou", "oder", "или"))
_OUTER = ".,;:!?*_\"'`"
_MATHS = re.compile(
    r"(?:\\(?:over\w+|wide\w+|bar|vec|hat|(?:overset|stackrel)\{\\[a-z]+\})\{[A-Za-z0-9_']{1,12}\}"
    r"|[\d.,+*/^_=<>|!(){}\[\]%°$€£¥:'&~≈-]|\\[A-Za-z]+|\\.|(?<![A-Za-z])[A-Za-z](?![A-Za-z])"
    r"|(?:sqrt|pi|sin|cos|tan|log|ln|inf|infinity|US|USD|EUR|choose|mod)(?![A-Za-z])"
    r"|(?<=\d)[A-Za-z]{1,3}(?![A-Za-z]))++"  # possessive: `2x` can be read in two ways with the same end
)
_HAS_VALUE = re.compile(r"\d|\\[A-Za-z]|[=<>^+*/|]|\b[b-hj-zB-HJ-Z]\b")
_ARTICLES = frozenset(("a", "A", "I", "i"))
_STOP_WORDS = (
    "of is are was were has have had will be the that this these they it he she we you who in on at by from "
    "with for as than then so if when where not there each more less total left per remaining altogether"
)
_STOPS = frozenset(_STOP_WORDS.split())
_SCALE_WORDS = frozenset((*MULTIPLIERS, "percent", "dozen", "%", "\\%"))


@dataclass(frozen=True, slots=True)
class Masked:
    """A text, with a copy in which each formula is a run of one sign of the same length."""

    text: str
    mask: str

    @classmethod
    def of(cls, text: str) -> "Masked":
        mask = text
        for formula in formulas_of(text):
            start, end = formula.span()
            mask = mask[:start] + _PLACE * (end - start) + mask[end:]
        return cls(text, mask)

    def part(self, start: int, end: int) -> "Masked":
        return Masked(self.text[start:end], self.mask[start:end])


def formulas_of(text: str) -> list[re.Match[str]]:
    """The formulas of a text in their delimiters; text between two dollar signs of money is none."""
    if not any(sign in text for sign in ("$", "\\", "`")):
        return []
    return [found for found in FORMULA.finditer(text) if not _is_prose(content_of(found))]


def _is_prose(content: str) -> bool:
    return len(_PLAIN_WORD.findall(_TEXT_COMMAND.sub("", content))) > MAX_PLAIN_WORDS


MAX_PLAIN_WORDS = 1  # chosen: bare words in a formula; `$5 and she paid $7` encloses three
_PLAIN_WORD = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{3,}")
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mbox|operatorname)[a-z]*\s*\{[^{}]*\}|\\[A-Za-z]+")


def content_of(formula: re.Match[str]) -> str:
    """The text between a formula's delimiters; for an environment, the result of its lines."""
    if formula["body"] is not None:
        return _of_lines(formula["body"])
    return next(
        group
        for name in ("display", "bracket", "paren", "inline", "spaced", "loose", "code")
        if (group := formula[name]) is not None
    ).strip()


def _of_lines(body: str) -> str:
    """The last equation with its continuation lines; all lines if each gives a name its value."""
    equations: list[str] = []
    for line in _LINE.split(body):
        plain = line.replace("&", " ").strip().rstrip(".,;")
        if not plain:
            continue
        if plain.startswith(("=", "<", ">", "\\approx", "\\le", "\\ge")):
            equations[-1:] = [f"{''.join(equations[-1:])} {plain}"]
        else:
            equations.append(plain)
    if len(equations) > 1 and all(_ASSIGNMENT.fullmatch(equation) for equation in equations):
        return ", ".join(equations)
    return equations[-1] if equations else ""


_LINE = re.compile(r"\\\\(?:\[[^\]]{0,10}\])?|\\cr(?![A-Za-z])")
_ASSIGNMENT = re.compile(r"[A-Za-z](?:_\{?\w+\}?)?\s*=\s*[^=<>]+")


def statement(masked: Masked) -> Masked:
    """The text up to the end of the sentence, or up to a clause that only explains."""
    end = _END.search(masked.mask)
    return masked if end is None else masked.part(0, end.start())


def is_mathematics(token: str) -> bool:
    """Whether a token of a masked text is in a formula: `5` and `(1,` are, `a` and `east` are not."""
    bare = token.strip(_OUTER)
    if _PLACE in token:
        return True
    if not bare:
        return False
    return bare not in _ARTICLES and _MATHS.fullmatch(bare) is not None


def says_value(token: str) -> bool:
    return _PLACE in token or (_HAS_VALUE.search(token) is not None and is_mathematics(token))


def leading(masked: Masked) -> str:
    """The quantities at the start of a statement, each with its unit; empty if it begins with words.

    `5 apples and 3 of them are red` begins with `5 apples`, `1 and 2` is a list.
    """
    tokens = list(_TOKEN.finditer(masked.mask))
    good = place = before_connection = 0
    valued = False
    while place < len(tokens):
        token = tokens[place][0]
        bare = token.strip(_OUTER)
        if is_mathematics(token):
            valued = valued or says_value(token)
            good = place + 1
        elif bare.lower() in _CONNECTS or token == ",":
            if not valued:
                return ""
            before_connection = good
        elif valued and good == place and _is_unit(bare, tokens[place + 1 :]):
            good = place + 1
        else:
            if bare.lower() in _STOPS and before_connection and good == place and before_connection < good:
                good = before_connection
            break
        place += 1
    if not valued or not good:
        return ""
    return masked.text[: tokens[good - 1].end()].strip().rstrip(",;:")


def _is_unit(word: str, following: list[re.Match[str]]) -> bool:
    """Whether a word after a number belongs to it: a unit, or a noun that ends a list."""
    if is_known_unit(word) or word.lower() in _SCALE_WORDS or not word:
        return True
    if not re.fullmatch(r"[A-Za-z]+(?:[-'][A-Za-z]+)?", word) or word.lower() in _STOPS:
        return False
    for later in following[:2]:
        bare = later[0].strip(_OUTER)
        if bare.lower() in _CONNECTS or is_mathematics(later[0]):
            return True
        if bare.lower() in _STOPS and bare.lower() not in (
            "of",
            "per",
            "left",
            "total",
            "in",
            "more",
            "altogether",
        ):
            return False
    return True


def last_value(masked: Masked, *, listed: bool = False) -> tuple[int, str]:
    """The offset of the last quantity in a text, and its text with its unit; -1 if there is none.

    `listed`: include the quantities that `and`, `or` or a comma joins to it.
    """
    tokens = list(_TOKEN.finditer(masked.mask))
    for place in range(len(tokens) - 1, -1, -1):
        token = tokens[place][0]
        if not says_value(token) or not (_PLACE in token or re.search(r"\d|\\", token)):
            continue
        first = place
        if _PLACE not in token:
            while first and _goes_on(
                masked.mask[tokens[first].start() : tokens[place].end()], tokens, first, listed=listed
            ):
                first -= 1
        start = tokens[first].start()
        sentence = masked.part(start, len(masked.text))
        end = _END.search(sentence.mask, tokens[place].end() - start - len(_trailing(token)))
        return start, leading(sentence if end is None else sentence.part(0, end.start()))
    return -1, ""


def _goes_on(taken: str, tokens: list[re.Match[str]], first: int, *, listed: bool) -> bool:
    """Whether the token before belongs to what is taken: in open brackets commas do not separate."""
    before = tokens[first - 1][0]
    if listed and before.strip(_OUTER).lower() in _JOINS and first > 1:
        return is_mathematics(tokens[first - 2][0]) and says_value(tokens[first - 2][0])
    inside = sum(taken.count(sign) for sign in ")]}") > sum(taken.count(sign) for sign in "([{")
    return is_mathematics(before) and (before[-1] not in ".,;:" or inside or (listed and before[-1] in ",;"))


def _trailing(token: str) -> str:
    return token[len(token.rstrip(_OUTER)) :]
