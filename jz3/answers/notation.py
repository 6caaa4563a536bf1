r"""One notation for an answer: what LaTeX, Unicode and plain text write differently gets one form.

`clean` never changes a value: brackets, braces, digits, letters and words stay. It drops what only affects
layout (`\left`, thin spaces, colours, dollar signs around formulas) and gives one spelling to operators
(`\leq`, `≤` and `\le` become `<=`) by the tables of `jz3.notation.spellings`. Takes a few microseconds for a
short answer.
"""

import re
from functools import lru_cache

from jz3.answers.figures import figures_spelt, marks_spelt, said
from jz3.notation.spellings import COLOURED, COMMANDS, SHAPES, SPACES, STYLED, WORDED, signs_spelt

_SAME = COMMANDS | {"equiv": "="}  # both mean that two things are the same
_NULL_DELIMITER = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)\s*\.")
_SHAPE = re.compile(rf"\\(?:{'|'.join(sorted(SHAPES, key=len, reverse=True))})(?![A-Za-z])\s*")
_SPACES = re.compile(
    rf"\\[,;: >]|~|\\(?:{'|'.join(sorted(SPACES, key=len, reverse=True))})(?![A-Za-z])"
    r"|\\(?:blacksquare|checkmark)(?![A-Za-z])|\\(?:hspace|hskip|vspace|phantom|hphantom|label|tag)\*?\{[^{}]*\}"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TEXT = re.compile(
    rf"\\({'|'.join(sorted(WORDED | STYLED, key=len, reverse=True))})\s*\*?\s*\{{([^{{}}]*)\}}"
)
_INNER_POWER = re.compile(r"\\(?:text|mathrm|rm|operatorname)\s*\{(?:[^{}]|\{\s*-?\d+\s*\}){1,60}\}")
_UPRIGHT_GROUP = re.compile(r"\{\s*\\(?:rm|text|textrm|mathrm)\s+([^{}\\]*)\}")
_COLOUR = re.compile(
    rf"\\(?:{'|'.join(sorted(COLOURED, key=len, reverse=True))})\s*(?:\[[^\]]*\]\s*)?\{{[^{{}}]*\}}"
)
_THOUSANDS_MARK = re.compile(r"(?<=\d)\s*(?:\{\s*,\s*\}|,\s*\\!)\s*(?=\d{3}(?!\d))")
_DOUBLE_ESCAPE = re.compile(r"\\\\(?=[A-Za-z{}%$(\[])")
_WRAPPER = re.compile(
    r"\\(?:boxed|fbox|framebox)\s*\{|\\(?:textbf|mathbf|boldsymbol|bm|underline|ensuremath|emph"
    r"|textit|mathit|pmb)\s*"
    r"\{(?=[^{}]*\\[A-Za-z]+\s*\{)"
)
_JOINED = re.compile(r"\s+")
LONG_SPACE = re.compile(r"\s{33,}")
"""White space on which patterns for spaces would backtrack (chosen: longer than an indent)."""
_LOOSE_SPACE = re.compile(r"(?<![A-Za-z0-9.]) | (?![A-Za-z0-9.])")
_MODULUS = re.compile(
    r"\(\s*(?:\\?p?mod|\\text\{\s*mod\s*\})\s*([^()]{1,20})\)|\\p?mod\s*(\w+)|(?<=[\w)}] )mod\s*(\w+)"
    r"|\\text\{\s*mod\s*\}\s*(\w+)|\\p?mod\s*\{([^{}]{1,20})\}"
)
_BARE_FRACTION = re.compile(r"\\frac\s*(\d)\s*(\d)")  # TeX takes one digit for each: `\frac 34`
_SLASHED = re.compile(r"\$?\^\{?(\d+)\}?\$?/\$?_\{?(\d+)\}?\$?")
_REPEATING = re.compile(
    r"(\d{0,20})\.(\d{0,20})(?:\\(?:overline|bar|dot|overbar)\s*\{(\d{1,20})\}|\((\d{1,20})\)(?![\d(^!]))"
)
_DOTTED = re.compile(r"(\d{0,20})\.(\d{0,20})\\dot\s*\{?(\d)\}?(\d{0,20})\\dot\s*\{?(\d)\}?")
_BARE_DOT = re.compile(r"\\(dot|bar|overline)\s*(\d)")
_CHOOSE = re.compile(r"\{([^{}]*)\\choose(?![A-Za-z])([^{}]*)\}|^([^{}]*)\\choose(?![A-Za-z])([^{}]*)$")
_SUBSCRIPTED = re.compile(r"\{\}")
_PRESCRIPT = re.compile(r"(?:\{\})?[_^]\s*\{?\s*(\d+)\s*\}?\s*([CP])\s*_\s*\{?\s*(\d+)\s*\}?")
_CHOSEN = re.compile(
    r"(?<![A-Za-z\\])C_\s*(?:\{\s*(\d{1,4})\s*\}|(\d))\s*\^\s*(?:\{\s*(\d{1,4})\s*\}|(\d))(?!\d)"
)
_UNIT_VECTOR = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|vec|hat|widehat|mathbf)\s*\{?\s*"
    r"(?:\\(?:mathbf|boldsymbol|hat|bm|vec)\s*)?\{?\s*\\?([ijk])(?:math)?\s*\}?\s*\}?(?![A-Za-z])"
)
_QUOTED = re.compile(r"""(["`*_])\1{0,2}([^"`]+?)\1{1,3}|'([^']+)'""", re.DOTALL)
_FUNCTION_NAMES = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp gcd lcm max min"
_FUNCTION_TEXT = frozenset(_FUNCTION_NAMES.split())
_NEEDS_WORK = re.compile(r"[^0-9A-Za-z .,+*/<>=()-]|\(\d|\bmod\b")


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """The answer in the one notation, with words and values unchanged."""
    text = text.strip()
    if _GOES_ON.search(text):
        text = _RUNNING.sub(_running_fraction, text)
    if " equals " in text:
        text = text.replace(" equals ", " = ")
    if "!=" in text:
        text = _FACTORIAL_EQUALS.sub("! =", text)
    if "10" in text and "^" in text:
        text = _TIMES_TEN.sub("*", text)
    if _NEEDS_WORK.search(text):
        text = _clean_latex(text)
    text = _without_end(_JOINED.sub(" ", text).strip())
    if text and text[-1] in _ENDS_OF_POINTS:
        text = said(text)
    quoted = _QUOTED.fullmatch(text) if text[:1] in "\"'`*_" else None
    if quoted is not None:
        text = _without_end((quoted[2] or quoted[3]).strip())
    return text.removeprefix("=>").lstrip("= ") if text.startswith("=") else text


_FACTORIAL_EQUALS = re.compile(r"(?<=\d)!=(?!=)")  # `5!=120`: a number is not said to differ from one
_ENDS_OF_POINTS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ}'0123456789")
_TIMES_TEN = re.compile(r"(?<=[\d.])\s*[xX]\s*(?=10\s*\^)")
_GOES_ON = re.compile(r"\.\.\.|…|\\[lc]?dots")
_RUNNING = re.compile(r"(\d{1,20})\.(\d{3,40})\s*(?:\.\.\.|…|\\[lc]?dots)(?!\d)")
_PERIOD = re.compile(r"(\d*?)(?:(\d)\2{2,}|(\d{2,12}?)\3+)")


def _running_fraction(match: re.Match[str]) -> str:
    """`0.333...` becomes 1/3 and `0.1666...` 1/6; digits without a visible period are unchanged."""
    period = _PERIOD.fullmatch(match[2])
    if period is None:
        return match[0]
    digits = period[2] or period[3]
    top = int(match[1] + period[1] + digits) - int(match[1] + period[1])
    return f"\\frac{{{top}}}{{{(10 ** len(digits) - 1) * 10 ** len(period[1])}}}"


def normal_form(cleaned: str) -> str:
    """A cleaned answer without meaningless spaces; those between digits or words stay."""
    return _LOOSE_SPACE.sub("", cleaned)


def _clean_latex(text: str) -> str:
    text = LONG_SPACE.sub(" ", signs_spelt(text if text.isascii() else marks_spelt(text)))
    if "$" in text:
        text = _without_math_delimiters(text)
    if "(" in text and _REPEATING.search(text):
        text = _REPEATING.sub(_as_fraction, text)
    if "^" in text and "/" in text:
        text = _SLASHED.sub(r"\\frac{\1}{\2}", text)
    if "_" in text and ("C" in text or "P" in text):
        text = _CHOSEN.sub(_as_chosen, _PRESCRIPT.sub(_as_arrangements, text))
    if "mod" in text:
        text = _MODULUS.sub(_as_modulus, text)
    if "\\" not in text:
        return _THOUSANDS_MARK.sub("", text).replace("{,}", ",") if "{" in text else text
    # In a matrix `\\ 5` ends a row and must not be read as a backslash and a wide space.
    in_rows = "\\begin" in text
    text = text.replace("\\\\", "\\cr ") if in_rows else _DOUBLE_ESCAPE.sub(r"\\", text)
    text = _unwrapped(text)
    if "color" in text:
        text = _COLOUR.sub("", text)
    if "{" in text or "!" in text:
        text = _THOUSANDS_MARK.sub("", text)
    for written, plain in _REPLACED:
        text = text.replace(written, plain)
    if text.startswith("\\[") and text.endswith("\\]"):
        text = text[2:-2]
    text = _without_styles(text)
    if "." in text:
        text = _NULL_DELIMITER.sub("", text)
    text = _SPACES.sub(" ", _SHAPE.sub("", text))
    if "\\dot" in text or "\\bar" in text or "\\over" in text:
        text = _BARE_DOT.sub(r"\\\1{\2}", text)
        text = _REPEATING.sub(_as_fraction, _DOTTED.sub(_as_dotted, text))
    text = figures_spelt(_COMMAND.sub(_as_command, text))
    if "\\choose" in text:
        text = _CHOOSE.sub(_as_binomial, text)
    text = text.removesuffix("\\")
    return _BARE_FRACTION.sub(r"\\frac{\1}{\2}", text) if "\\frac" in text else text


_REPLACED = (("\\!", ""), ("\\%", "%"), ("{,}", ","), ("\\/", ""), ("\\&", "&"), ("\\(", ""), ("\\)", ""))


def _without_styles(text: str) -> str:
    r"""Words in `\text{}`, whatever command they were in; styles of letters and numbers removed."""
    if "\\text" not in text and _STYLE.search(text) is None:
        return text
    if "^" in text:
        text = _INNER_POWER.sub(lambda found: _BRACED_POWER.sub(r"^\1", found[0]), text)
    text = _UPRIGHT_GROUP.sub(r"\\text{\1}", text)
    vectors = set(_UNIT_VECTOR.findall(text))
    if vectors and vectors != {"i"}:
        text = _UNIT_VECTOR.sub(r"\\vec{\1}", text)
    for _ in range(MAX_WRAPPED):
        unwrapped = _TEXT.sub(_as_text, text)
        if unwrapped == text or "\\text{" in unwrapped:
            return unwrapped
        text = unwrapped
    return text


_BRACED_POWER = re.compile(r"\^\s*\{\s*(-?\d+)\s*\}")
_STYLE = re.compile(
    rf"\\(?:{'|'.join(sorted(WORDED | STYLED | {'rm', 'vec', 'hat'}, key=len, reverse=True))})(?![A-Za-z])"
)
MAX_WRAPPED = 4  # chosen: nested styles, `\mathbf{\mathrm{5}}`


def _as_modulus(match: re.Match[str]) -> str:
    r"""`(\mod 5)`, `\pmod5` and `mod 5` become one residue class; `\bmod` is an operation and stays."""
    modulus = next(group for group in match.groups() if group is not None)
    return f" \\pmod{{{modulus.strip(' {}')}}}"


def _as_binomial(match: re.Match[str]) -> str:
    top, bottom = (match[1], match[2]) if match[1] is not None else (match[3], match[4])
    return f"\\binom{{{top.strip()}}}{{{bottom.strip()}}}"


def _as_arrangements(match: re.Match[str]) -> str:
    r"""`{}_5C_2` as a binomial coefficient, `{}_5P_2` as `5!/(5-2)!`."""
    if match[2] == "C":
        return f"\\binom{{{match[1]}}}{{{match[3]}}}"
    return f"\\frac{{{match[1]}!}}{{({match[1]}-{match[3]})!}}"


def _as_chosen(match: re.Match[str]) -> str:
    r"""`C_5^2`, as Chinese and Russian books write `\binom52`; `C_1^2` is a square."""
    every, chosen = match[1] or match[2], match[3] or match[4]
    return f"\\binom{{{every}}}{{{chosen}}}" if int(chosen) <= int(every) else match[0]


def _as_text(match: re.Match[str]) -> str:
    style = match[1]
    content = match[2].replace("~", " ").replace("\\ ", " ").replace("\\,", " ").strip(" ")
    if not content:
        return " "
    if content in _FUNCTION_TEXT:
        return "\\" + content + " "
    if content.lower() in ("or", "and"):
        return f" {content.lower()} "
    if style in ("underline", "ensuremath", "smash", "emph", "pmb", "boldsymbol", "mathop", "mathord"):
        return f"{{{content}}}"
    if content.startswith("{") or (style == "mathrm" and content in ("e", "i", "d")):
        return " " + content + " "
    if "bf" in style or style in ("bm", "bold"):
        return content if len(content) != 1 else f" {content} "
    if style == "operatorname" and _PLAIN_FUNCTION.fullmatch(content):
        return f" {content} "
    return "\\text{" + content + "}"


_PLAIN_FUNCTION = re.compile(r"[A-Za-z]")


def _as_fraction(match: re.Match[str]) -> str:
    r"""`1.2\overline{3}` becomes 111/90."""
    whole, start, period = match[1] or "0", match[2], match[3] or match[4]
    return _periodic(whole, start, period)


def _as_dotted(match: re.Match[str]) -> str:
    r"""The fraction of a decimal such as `0.1\dot{4}2\dot{8}`, which repeats 428."""
    return _periodic(match[1] or "0", match[2], match[3] + match[4] + match[5])


def _periodic(whole: str, start: str, period: str) -> str:
    top = int(whole + start + period) - int(whole + start)
    return f"\\frac{{{top}}}{{{(10 ** len(period) - 1) * 10 ** len(start)}}}"


def _as_command(match: re.Match[str]) -> str:
    replacement = _SAME.get(match[1])
    if replacement is None:
        return match[0]
    # `\\le5` must read as an operator, and `\\frac` must not absorb a following letter
    return replacement if replacement[0] != "\\" else replacement + " "


def _without_math_delimiters(text: str) -> str:
    r"""Dollar signs around formulas are removed, a dollar sign of money becomes `\$`."""
    bare = len(re.findall(r"(?<!\\)\$", text))
    if bare == 1:
        return re.sub(r"(?<!\\)\$", r"\\$", text)
    return re.sub(r"(?<!\\)\$", " ", text)


def _unwrapped(text: str) -> str:
    """Remove boxes, and styles around something with its own braces."""
    for _ in range(2 * MAX_WRAPPED):
        match = _WRAPPER.search(text)
        if match is None:
            return text
        end = closing_brace(text, match.end() - 1)
        if end < 0:
            return text
        text = text[: match.start()] + text[match.end() : end] + text[end + 1 :]
    return text


def closing_brace(text: str, start: int) -> int:
    """Index of the brace that closes the one at `start`, or -1; escaped braces do not count."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        brace = match[0]
        if brace == "{":
            depth += 1
        elif brace == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def _without_end(text: str) -> str:
    """The answer without the mark that ends its sentence."""
    while text and text[-1] in ".,;: " and not text.endswith(("a.m.", "p.m.", "A.M.", "P.M.", "\\,")):
        text = text[:-1]
    return text


def split_top(text: str, separators: re.Pattern[str]) -> list[tuple[str, str]]:
    """The pieces of a text between separators outside all brackets, each with the separator before it.

    Round, square and curly brackets count as one kind, so that half-open intervals stay together.
    """
    pieces: list[tuple[str, str]] = []
    depth = 0
    start = 0
    before = ""
    position = 0
    marks = _MARKS
    while position < len(text):
        match = marks.match(text, position)
        if match is not None:
            depth += _DEPTH.get(match[0], 0)
            position = match.end()
            continue
        if depth == 0:
            found = separators.match(text, position)
            if found is not None and found.end() > position:
                pieces.append((before, text[start:position].strip()))
                before = found[0].strip()
                position = start = found.end()
                continue
        position += 1
    pieces.append((before, text[start:].strip()))
    return pieces


def closes_at_end(text: str) -> bool:
    """Whether the bracket at the start of a text closes at its very end; all kinds count as one."""
    depth = 0
    for match in _MARKS.finditer(text):
        step = _DEPTH[match[0]]
        depth += step
        if step < 0 and depth == 0:
            return match.end() == len(text)
    return False


_MARKS = re.compile(r"\\[{}]|\\[lr]angle|\\[lr]floor|\\[lr]ceil|[()\[\]{}]|\\begin\{|\\end\{|\\text\{")
_DEPTH = (
    dict.fromkeys(("(", "[", "{", "\\{", "\\langle", "\\lfloor", "\\lceil", "\\text{"), 1)
    | dict.fromkeys((")", "]", "}", "\\}", "\\rangle", "\\rfloor", "\\rceil"), -1)
    # A name and a closing brace follow each: what lies between the two is one level deeper.
    | {"\\begin{": 2, "\\end{": 0}
)


def nesting(text: str) -> int:
    """The greatest nesting depth of brackets of any kind."""
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        if match[0] in "{([":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


_BRACKET = re.compile(r"[{}()\[\]]")
