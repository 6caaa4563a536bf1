r"""Equal spellings of mathematics: which commands and signs of LaTeX, Unicode and plain text mean the same.

The grader's notation and the normal form of n-grams are both made from these tables, so that an answer, a
benchmark item and a training text are read alike: `\dfrac12`, `\tfrac{1}{2}` and `½` are one fraction. Every
table maps a spelling to the canonical one. The canonical spelling of an operator is that of plain text (`<=`,
`*`), that of everything else is the shortest usual command of LaTeX (`\frac`, `\emptyset`).

Sources: the commands of LaTeX 2e, amsmath, amssymb and xcolor; the Unicode blocks of the signs, and
`unicodedata` for digits, mathematical letters and full-width forms.
"""

import re
import unicodedata


def _names(line: str) -> frozenset[str]:
    return frozenset(line.split())


COMMANDS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "nicefrac", "sfrac", "xfrac", "flatfrac"), "\\frac"),
    **dict.fromkeys(("dbinom", "tbinom"), "\\binom"),
    **dict.fromkeys(("le", "leq", "leqslant", "leqq"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant", "geqq"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("lt",), "<"),
    **dict.fromkeys(("gt",), ">"),
    **dict.fromkeys(("cdot", "times", "ast", "bullet"), "*"),
    **dict.fromkeys(("div",), "/"),
    **dict.fromkeys(("colon",), ":"),
    **dict.fromkeys(("vert", "lvert", "rvert", "mid"), "|"),
    **dict.fromkeys(("Vert", "lVert", "rVert"), "\\|"),
    **dict.fromkeys(("lbrace",), "\\{"),
    **dict.fromkeys(("rbrace",), "\\}"),
    **dict.fromkeys(("lbrack",), "["),
    **dict.fromkeys(("rbrack",), "]"),
    **dict.fromkeys(("lparen",), "("),
    **dict.fromkeys(("rparen",), ")"),
    **dict.fromkeys(("lang",), "\\langle"),
    **dict.fromkeys(("rang",), "\\rangle"),
    **dict.fromkeys(("land", "wedge"), " and "),
    **dict.fromkeys(("lor", "vee"), " or "),
    **dict.fromkeys(("infin", "infinity"), "\\infty"),
    **dict.fromkeys(("varnothing", "O"), "\\emptyset"),
    **dict.fromkeys(("degree", "degrees", "textdegree", "deg"), "^\\circ"),
    **dict.fromkeys(("percent", "textpercent"), "%"),
    **dict.fromkeys(("textdollar",), "\\$"),
    **dict.fromkeys(("euro", "texteuro", "EUR"), "€"),
    **dict.fromkeys(("pounds", "textsterling"), "£"),
    **dict.fromkeys(("yen", "textyen"), "¥"),
    **dict.fromkeys(("thickapprox", "approxeq"), "\\approx"),
    **dict.fromkeys(("backslash", "smallsetminus"), "\\setminus"),
    **dict.fromkeys(("to",), "\\rightarrow"),
    **dict.fromkeys(("implies", "Longrightarrow"), "\\Rightarrow"),
    **dict.fromkeys(("iff", "Longleftrightarrow"), "\\Leftrightarrow"),
    **dict.fromkeys(("dots", "ldots", "cdots", "dotsc", "dotsb", "dotsm"), "..."),
    **dict.fromkeys(("varepsilon",), "\\epsilon"),
    **dict.fromkeys(("varphi",), "\\phi"),
    **dict.fromkeys(("vartheta",), "\\theta"),
    **dict.fromkeys(("arcosh",), "\\arccosh"),
    **dict.fromkeys(("tg",), "\\tan"),
    **dict.fromkeys(("ctg",), "\\cot"),
    **dict.fromkeys(("arctg",), "\\arctan"),
    **dict.fromkeys(("cosec",), "\\csc"),
    **dict.fromkeys(("R", "Reals", "reals"), "\\mathbb{R}"),
    **dict.fromkeys(("tag*",), "\\tag"),
}
"""Commands without their backslash, with their canonical spelling."""

SHAPES = _names(
    "left right middle bigl bigr bigm Bigl Bigr Bigm biggl biggr Biggl Biggr big Big bigg Bigg "
    "displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits mathstrut strut "
    "rm bf it sf tt em sl sc cal bfseries itshape rmfamily boldmath normalfont centering "
    "tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge "
    "noindent protect nonumber notag hfill newline linebreak allowbreak medskip smallskip bigskip"
)
"""Commands that only affect layout: they are removed, and what follows stays."""

SPACES = _names("quad qquad enspace enskip thinspace medspace thickspace negthinspace space")
"""Commands that are a space, besides `\\,`, `\\;`, `\\:`, `\\>`, `\\ `, `~`; `\\!` is no space at all."""

WORDED = _names("text textrm textnormal textup textmd textsf texttt textsl textsc mbox hbox mathrm")
"""Commands around words or upright letters; the content of their braces counts."""

STYLED = _names(
    "textbf textit emph underline mathbf mathit mathsf mathtt mathnormal boldsymbol bm pmb bold "
    "operatorname boxed fbox framebox mathop mathord mathbin mathrel ensuremath smash"
)
"""Commands whose style means nothing; the content of their braces counts."""

COLOURED = _names("textcolor colorbox color")
"""Commands whose first braces hold a colour; `\\color{red}` has no others."""

_GREEK_LINE = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi - pi rho - sigma tau upsilon "
    "phi chi psi omega"
)
_GREEK = _GREEK_LINE.split()
_GREEK_CAPITALS = dict(
    zip(
        "ΓΔΘΛΞΠΣΦΨΩ",
        ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
        strict=True,
    )
)
_FRACTION_LINE = "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8 1/7 1/9 1/10"
_FRACTIONS = dict(
    zip(
        "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒",
        _FRACTION_LINE.split(),
        strict=True,
    )
)

SIGNS: dict[str, str] = {
    **dict.fromkeys("−–—‐‑‒﹣", "-"),
    **dict.fromkeys("×·∗⋅•∙✕✖⨯", "*"),
    **dict.fromkeys("÷⁄∕", "/"),
    **dict.fromkeys("≤⩽≦", "<="),
    **dict.fromkeys("≥⩾≧", ">="),
    "≠": "!=",
    "∶": ":",
    "∣": "|",
    "‖": "\\|",
    "∞": "\\infty ",
    "°": "^\\circ ",
    "º": "^\\circ ",
    "˚": "^\\circ ",
    "℃": "^\\circ C",
    "℉": "^\\circ F",
    "√": "\\sqrt ",
    "∛": "\\sqrt[3] ",
    "∜": "\\sqrt[4] ",
    "∪": "\\cup ",
    "∩": "\\cap ",
    "∈": "\\in ",
    "∉": "\\notin ",
    "⊂": "\\subset ",
    "⊆": "\\subseteq ",
    "∖": "\\setminus ",
    "±": "\\pm ",
    "∓": "\\mp ",
    "∅": "\\emptyset ",
    "⌀": "\\emptyset ",
    "≈": "\\approx ",
    "≅": "\\cong ",
    "≃": "\\simeq ",
    "∼": "\\sim ",
    "≡": "\\equiv ",
    "∝": "\\propto ",
    "∧": " and ",
    "∨": " or ",
    "¬": "\\neg ",
    "∀": "\\forall ",
    "∃": "\\exists ",
    "→": "\\rightarrow ",
    "⇒": "\\Rightarrow ",
    "⟹": "\\Rightarrow ",
    "⇔": "\\Leftrightarrow ",
    "∫": "\\int ",
    "∑": "\\sum ",
    "∏": "\\prod ",
    "∂": "\\partial ",
    "∇": "\\nabla ",
    "∠": "\\angle ",
    "△": "\\triangle ",
    "⊥": "\\perp ",
    "∥": "\\parallel ",
    "⌊": "\\lfloor ",
    "⌋": "\\rfloor ",
    "⌈": "\\lceil ",
    "⌉": "\\rceil ",
    **dict.fromkeys("⟨〈〈", "\\langle "),
    **dict.fromkeys("⟩〉〉", "\\rangle "),
    "ℓ": "\\ell ",
    "ℏ": "\\hbar ",
    **{letter: f"\\mathbb{{{name}}}" for letter, name in zip("ℝℤℕℚℂ", "RZNQC", strict=True)},
    "…": "...",
    "⋯": "...",
    "′": "'",
    "″": "''",
    **dict.fromkeys("“”„‟«»「」『』＂", '"'),
    **dict.fromkeys("’‘‚‛＇", "'"),
    "，": ", ",
    "、": ", ",
    "；": "; ",
    "。": ". ",
    "【": "[",
    "】": "]",
    "〔": "[",
    "〕": "]",
    "￥": "¥",
    "￡": "£",
    "￠": "¢",
    **dict.fromkeys(
        "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
    ),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\ufe0f\ufeff", ""),
    **{chr(0x3B1 + place): f"\\{name} " for place, name in enumerate(_GREEK) if name != "-"},
    "ς": "\\sigma ",
    "ϵ": "\\epsilon ",
    "ϕ": "\\phi ",
    "ϑ": "\\theta ",
    "µ": "\\mu ",
    "Ω": "\\Omega ",
    **{letter: f"\\{name} " for letter, name in _GREEK_CAPITALS.items()},
    **{sign: f"\\frac{{{value[0]}}}{{{value[2:]}}}" for sign, value in _FRACTIONS.items()},
}
"""Unicode signs with their canonical spelling, besides the digits and letters of `signs_spelt`."""

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣʸᵃᵇᵏᵐᵗ", "0123456789+-=()nixyabkmt", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢₓₐₖₘₜₚ", "0123456789+-=()nixakmtp", strict=True))

_RAISED_RUN = re.compile(f"[{''.join(RAISED)}]+")
_LOWERED_RUN = re.compile(f"[{''.join(LOWERED)}]+")


def _table() -> dict[int, str]:
    """SIGNS, the digits of all scripts, mathematical letters (`𝑥`) and full-width forms (`Ａ`, `－`)."""
    table: dict[int, str] = {}
    for code in (
        *range(0x80, 0x12000),
        *range(0x16000, 0x17000),
        *range(0x1D7CE, 0x1D800),
        *range(0x1E000, 0x20000),
    ):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    for code in (*range(0x1D400, 0x1D800), *range(0xFF01, 0xFF5F)):
        plain = unicodedata.normalize("NFKC", chr(code))
        table[code] = SIGNS.get(plain, plain)
    return table | {ord(sign): spelling for sign, spelling in SIGNS.items()}


_TABLE = _table()


def signs_spelt(text: str) -> str:
    r"""The text with each Unicode sign in its canonical spelling: `x² ≤ ½` becomes `x^{2} <= \frac{1}{2}`.

    Letters of words are unchanged. ASCII text is returned at once.
    """
    if text.isascii():
        return text
    text = _RAISED_RUN.sub(lambda run: "^{" + "".join(RAISED[sign] for sign in run[0]) + "}", text)
    text = _LOWERED_RUN.sub(lambda run: "_{" + "".join(LOWERED[sign] for sign in run[0]) + "}", text)
    return text.translate(_TABLE)
