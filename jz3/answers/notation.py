r"""One notation for an answer: what LaTeX, Unicode and plain text write differently is written once.

`clean` never changes a value: brackets, braces, digits, letters and words stay. It drops what only
shapes the page (`\left`, thin spaces, dollar signs around formulas) and gives one spelling to
operators (`\leq`, `≤` and `\le` become `<=`). A few microseconds for a short answer.
"""

import re

UNICODE = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "×": "*",
        "·": "*",
        "∗": "*",
        "⋅": "*",
        "÷": "/",
        "⁄": "/",
        "∕": "/",
        "≤": "<=",
        "⩽": "<=",
        "≥": ">=",
        "⩾": ">=",
        "≠": "!=",
        "∞": "\\infty ",
        "π": "\\pi ",
        "θ": "\\theta ",
        "α": "\\alpha ",
        "β": "\\beta ",
        "λ": "\\lambda ",
        "ω": "\\omega ",
        "μ": "\\mu ",
        "°": "^\\circ ",
        "√": "\\sqrt ",
        "∪": "\\cup ",
        "∩": "\\cap ",
        "∈": "\\in ",
        "±": "\\pm ",
        "∓": "\\mp ",
        "∅": "\\emptyset ",
        "½": "\\frac{1}{2}",
        "¼": "\\frac{1}{4}",
        "¾": "\\frac{3}{4}",
        "⅓": "\\frac{1}{3}",
        "⅔": "\\frac{2}{3}",
        "²": "^{2}",
        "³": "^{3}",
        "¹": "^{1}",
        "⁴": "^{4}",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "\u200b": "",
        "\ufeff": "",
        "：": ":",
        "，": ", ",
        "（": "(",
        "）": ")",
        "“": '"',
        "”": '"',
        "’": "'",
        "‘": "'",
        "ℝ": "\\mathbb{R}",
    }
)

_SHAPE = re.compile(
    r"\\(?:left|right|bigl|bigr|Bigl|Bigr|biggl|biggr|Biggl|Biggr|big|Big|bigg|Bigg|displaystyle|textstyle"
    r"|scriptstyle|limits|nolimits|mathstrut|strut|phantom\{[^{}]*\})(?![A-Za-z])\s*\.?(?![\d])"
)
_SPACES = re.compile(
    r"\\[,;: >]|~|\\q?quad(?![A-Za-z])|\\(?:hspace|hskip|vspace)\*?\{[^{}]*\}|\\(?:enspace|thinspace)"
)
_COMMAND_NAMES = {
    "dfrac": "\\frac",
    "tfrac": "\\frac",
    "cfrac": "\\frac",
    "dbinom": "\\binom",
    "tbinom": "\\binom",
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "ne": "!=",
    "neq": "!=",
    "lt": "<",
    "gt": ">",
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "colon": ":",
    "vert": "|",
    "lvert": "|",
    "rvert": "|",
    "mid": "|",
    "lbrace": "\\{",
    "rbrace": "\\}",
    "lbrack": "[",
    "rbrack": "]",
    "land": " and ",
    "lor": " or ",
    "wedge": " and ",
    "vee": " or ",
    "infin": "\\infty",
    "varnothing": "\\emptyset",
    "degree": "^\\circ",
    "degrees": "^\\circ",
    "percent": "%",
    "textdollar": "\\$",
    "approx": "=",
    "equiv": "=",
    "thickapprox": "=",
    "lang": "\\langle",
    "rang": "\\rangle",
}
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|texttt|textsf|mathrm|mbox|hbox|operatorname|mathit|rm|mathsf"
    r"|mathbf|boldsymbol|bf|bm|textup)\s*\*?\s*\{([^{}]*)\}"
)
_THOUSANDS_MARK = re.compile(r"(?<=\d)(?:\{,\}|,\s*\\!)\s*(?=\d{3}(?!\d))")
_DOUBLE_ESCAPE = re.compile(r"\\\\(?=[A-Za-z{}%$(\[])")
_WRAPPER = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_JOINED = re.compile(r"\s+")
_LOOSE_SPACE = re.compile(r"(?<![A-Za-z0-9.]) | (?![A-Za-z0-9.])")
_BARE_MODULUS = re.compile(r"\\pmod\s*(\w)(?!\w)")
_BARE_FRACTION = re.compile(r"\\frac\s*(\d)\s*(\d)")  # TeX takes one digit each: `\frac 34`
_REPEATING = re.compile(r"(\d{0,20})\.(\d{0,20})\\overline\s*\{(\d{1,20})\}")
_FUNCTION_TEXT = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "ln",
        "log",
        "exp",
        "gcd",
        "lcm",
        "max",
        "min",
    ]
)
_NEEDS_WORK = re.compile(r"[^0-9A-Za-z .,+*/<>=()-]")


def clean(text: str) -> str:
    """The answer in the one notation; words and values unchanged."""
    text = text.strip()
    if _GOES_ON.search(text):
        text = _RUNNING.sub(_running_fraction, text)
    if "10^" in text.replace(" ", ""):
        text = _TIMES_TEN.sub("*", text)
    if _NEEDS_WORK.search(text):
        text = _clean_latex(text)
    text = _without_end(_JOINED.sub(" ", text).strip())
    if text.startswith("**") and text.endswith("**"):
        text = text.strip("* ")
    return text.lstrip("= ") if text.startswith("=") else text


_TIMES_TEN = re.compile(r"(?<=[\d.])\s*[xX]\s*(?=10\s*\^)")
_GOES_ON = re.compile(r"\.\.\.|…|\\[lc]?dots")
_RUNNING = re.compile(r"(\d{1,20})\.(\d{3,40})\s*(?:\.\.\.|…|\\[lc]?dots)(?!\d)")
_PERIOD = re.compile(r"(\d*?)(?:(\d)\2{2,}|(\d{2,12}?)\3+)")


def _running_fraction(match: re.Match[str]) -> str:
    """`0.333...` is 1/3 and `0.1666...` is 1/6; digits without a visible period stay as they are."""
    period = _PERIOD.fullmatch(match[2])
    if period is None:
        return match[0]
    digits = period[2] or period[3]
    top = int(match[1] + period[1] + digits) - int(match[1] + period[1])
    return f"\\frac{{{top}}}{{{(10 ** len(digits) - 1) * 10 ** len(period[1])}}}"


def normal_form(cleaned: str) -> str:
    """A cleaned answer without the spaces that carry no meaning; digits and words keep theirs apart."""
    return _LOOSE_SPACE.sub("", cleaned)


def _clean_latex(text: str) -> str:
    text = text.translate(UNICODE)
    if "$" in text:
        text = _without_math_delimiters(text)
    if "\\" not in text:
        return text.replace("{,}", ",")
    # In a matrix `\\ 5` ends a row and must not read as a backslash and a wide space.
    in_rows = "\\begin" in text
    text = text.replace("\\\\", "\\cr ") if in_rows else _DOUBLE_ESCAPE.sub(r"\\", text)
    text = _unwrapped(text)
    text = _THOUSANDS_MARK.sub("", text)
    text = text.replace("\\!", "").replace("\\%", "%").replace("{,}", ",").replace("\\/", "")
    text = text.replace("\\(", "").replace("\\)", "")
    if text.startswith("\\[") and text.endswith("\\]"):
        text = text[2:-2]
    text = _TEXT.sub(_as_text, text)
    text = _SHAPE.sub("", text)
    text = _SPACES.sub(" ", text)
    if "overline" in text:
        text = _REPEATING.sub(_as_fraction, text)
    text = _COMMAND.sub(_as_command, text)
    if "\\pmod" in text:
        text = _BARE_MODULUS.sub(r"\\pmod{\1}", text)
    return _BARE_FRACTION.sub(r"\\frac{\1}{\2}", text) if "\\frac" in text else text


def _as_text(match: re.Match[str]) -> str:
    content = match[1].replace("~", " ").replace("\\ ", " ").replace("\\,", " ").strip(" ")
    if not content:
        return " "
    if content in _FUNCTION_TEXT:
        return "\\" + content + " "
    if content.lower() in ("or", "and"):
        return f" {content.lower()} "
    if content.startswith("{") or ("mathrm" in match[0] and content in ("e", "i", "d")):
        return " " + content + " "
    if "bf" in match[0] or "bold" in match[0] or "bm" in match[0]:
        return content if len(content) != 1 else f" {content} "
    return "\\text{" + content + "}"


def _as_fraction(match: re.Match[str]) -> str:
    r"""`1.2\overline{3}` is 111/90."""
    whole, start, period = match[1] or "0", match[2], match[3]
    top = int(whole + start + period) - int(whole + start)
    return f"\\frac{{{top}}}{{{(10 ** len(period) - 1) * 10 ** len(start)}}}"


def _as_command(match: re.Match[str]) -> str:
    replacement = _COMMAND_NAMES.get(match[1])
    if replacement is None:
        return match[0]
    # `\\le5` reads as an operator, `\\frac` must not swallow a following letter
    return replacement if replacement[0] != "\\" else replacement + " "


def _without_math_delimiters(text: str) -> str:
    r"""Dollar signs around formulas go, a dollar sign of money becomes `\$`."""
    bare = len(re.findall(r"(?<!\\)\$", text))
    if bare == 1:
        return re.sub(r"(?<!\\)\$", r"\\$", text)
    return re.sub(r"(?<!\\)\$", " ", text)


def _unwrapped(text: str) -> str:
    for _ in range(4):
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

    Round, square and curly brackets count as one kind, so that half-open intervals keep together.
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
    """Whether the bracket that a text begins with closes at its very end; all kinds count as one."""
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
    # Each is followed by a name and a closing brace: what lies between the two is one deeper.
    | {"\\begin{": 2, "\\end{": 0}
)


def nesting(text: str) -> int:
    """How deep brackets of any kind lie in one another."""
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        if match[0] in "{([":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


_BRACKET = re.compile(r"[{}()\[\]]")
