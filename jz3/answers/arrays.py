r"""Matrices, systems of equations and piecewise functions, as environments of LaTeX or nested lists.

Cells stay texts; they are parsed when they are compared.
"""

import re

from jz3.answers.expressions import parse
from jz3.answers.forms import Matrix, Pieces
from jz3.answers.notation import closes_at_end, split_top
from jz3.answers.tokens import UnreadableError

_MATRIX = re.compile(
    r"\\begin\s*\{([pbvBV]?matrix|smallmatrix|array)\}\s*(?:\{[^{}]*\})?(.*)\\end\s*\{\1\}", re.DOTALL
)
_SYSTEM = re.compile(
    r"\\begin\{(cases|aligned|align\*?|gathered|split|array|alignedat|eqnarray\*?|dcases"
    r"|rcases)\}(?:\s*\{[^{}]*\})?(.*)"
    r"\\end\{\1\}",
    re.DOTALL,
)
_ROW = re.compile(r"\\cr(?![A-Za-z])(?:\s*\[[^\]]*\])?")
_COMMA = re.compile(r"[,;]")
_TRANSPOSED = re.compile(
    r"(.*?)\s*\^\s*\{?\s*(?:T|\\top|\\mathsf\s*\{?T\}?|\\intercal|\\text\{T\})\s*\}?", re.DOTALL
)
_CONDITION_WORDS = re.compile(r"(?:\\text\{)?\s*\b(?:if|for|when|where|on)\b\s*\}?", re.IGNORECASE)
_OTHERWISE = re.compile(r"(?:\\text\{)?\s*(?:otherwise|else)\.?\s*\}?", re.IGNORECASE)
_COMPARED = re.compile(r"<=|>=|!=|=|<|>|\\in(?![A-Za-z])")
_LINE_OF_WORDS = re.compile(r"\\text\{[^{}]*\}")
MAX_DETERMINANT = 4  # chosen: rows; a determinant grows as n!
OTHERWISE = "otherwise"


def matrix(text: str) -> Matrix | None:
    """A matrix, possibly multiplied by a number or letter, or transposed."""
    text = _within(text)
    start = text.find("\\begin")
    match = _MATRIX.fullmatch(text, start) if start >= 0 else None
    if match is None:
        transposed = _TRANSPOSED.fullmatch(text)
        return _transpose(transposed[1]) if transposed is not None else None
    if match[1].lower().startswith("v") or "\\begin" in match[2]:
        return None
    factor = text[:start].rstrip(" *")
    if factor in ("+", "-"):
        factor += "1"
    if factor and not _is_expression(factor):
        return None
    rows = _rows(match[2])
    if match[1] == "array" and any(_COMPARED.search(cell) for row in rows for cell in row):
        return None
    if factor:
        rows = [[f"({factor})*({cell})" for cell in row] for row in rows]
    return Matrix(tuple(map(tuple, rows)))


def computed(text: str) -> Matrix | None:
    """The sum, difference or product of two matrices."""
    second = text.rfind("\\begin")
    first_end = text.rfind("}", 0, max(second, 0))
    operator = text[first_end + 1 : second].strip() if second > 0 and first_end > 0 else "?"
    if operator not in ("+", "-", "*", "") or text.count("\\begin") != MAX_FACTORS:
        return None
    left, right = matrix(text[: first_end + 1].strip()), matrix(text[second:].strip())
    if left is None or right is None or max(len(left.rows), len(right.rows)) > MAX_DETERMINANT:
        return None
    if operator in ("+", "-"):
        if [len(row) for row in left.rows] != [len(row) for row in right.rows]:
            return None
        pairs = zip(left.rows, right.rows, strict=True)
        return Matrix(
            tuple(tuple(f"({a}){operator}({b})" for a, b in zip(*rows, strict=True)) for rows in pairs)
        )
    columns = list(zip(*right.rows, strict=False))
    if any(len(row) != len(right.rows) for row in left.rows):
        return None
    return Matrix(
        tuple(
            tuple("+".join(f"({a})*({b})" for a, b in zip(row, column, strict=True)) for column in columns)
            for row in left.rows
        )
    )


MAX_FACTORS = 2  # chosen: matrices of one expression


def _within(text: str) -> str:
    r"""`(\\begin{array}...\\end{array})` without its brackets."""
    inner = text[1:-1].strip()
    if text[:1] in "([" and text[-1:] in ")]" and inner.startswith("\\begin") and inner.endswith("}"):
        return inner
    return text


def _transpose(text: str) -> Matrix | None:
    text = text.strip()
    if text.startswith(("(", "[")) and closes_at_end(text) and "\\begin" not in text:
        return Matrix(tuple((cell,) for _, cell in split_top(text[1:-1], _COMMA)))
    inner = matrix(text) if "\\begin" in text else None
    if inner is None or len({len(row) for row in inner.rows}) != 1:
        return None
    return Matrix(tuple(zip(*inner.rows, strict=True)))


def _rows(content: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("&")] for row in _ROW.split(content) if row.strip()]


def _is_expression(text: str) -> bool:
    try:
        parse(text)
    except UnreadableError:
        return False
    return True


def determinant(text: str) -> str | None:
    r"""The value of `\begin{vmatrix}...` as an expression, by its first row."""
    start = text.find("\\begin")
    if text.startswith(("|", "\\det")) and start >= 0:
        text = text.removeprefix("\\det").strip().strip("|").strip()
        text, start = text.replace(_kind(text), "vmatrix"), text.find("\\begin")
    match = _MATRIX.fullmatch(text, start) if start >= 0 else None
    if match is None or match[1] != "vmatrix" or "\\begin" in match[2]:
        return None
    rows = _rows(match[2])
    if len(rows) > MAX_DETERMINANT or any(len(row) != len(rows) for row in rows):
        return None
    return f"{text[:start]}({_expanded(rows)})"


def _kind(text: str) -> str:
    """The name of the environment at the start of a text."""
    found = re.match(r"\\begin\{(\w+)\}", text)
    return found[1] if found is not None else "vmatrix"


def _expanded(rows: list[list[str]]) -> str:
    if len(rows) == 1:
        return f"({rows[0][0]})"
    terms = [
        f"({cell})*({_expanded([row[:place] + row[place + 1 :] for row in rows[1:]])})"
        for place, cell in enumerate(rows[0])
    ]
    signed = [("-" if place % 2 else "+") + term for place, term in enumerate(terms)]
    return "".join(signed).lstrip("+")


def system(text: str) -> list[str] | None:
    """The equations of a system, each with the lines that continue it; None for a piecewise function."""
    match = _SYSTEM.fullmatch(text.removeprefix("\\{").strip()) if "\\begin" in text else None
    if match is None or "\\begin" in match[2]:
        return None
    lines = [line.replace("&", "").strip(" ,;") for line in _ROW.split(match[2])]
    lines = [line for line in lines if line and not _LINE_OF_WORDS.fullmatch(line)]
    if not lines or not all(_COMPARED.search(line) for line in lines):
        return None
    if (
        "&" in match[2]
        and match[1] in ("cases", "array", "dcases", "rcases")
        and _values(match[2]) is not None
    ):
        return None
    if match[1] == "array" and not text.startswith("\\{"):
        return None
    equations = lines[:1]
    for line in lines[1:]:
        if _COMPARED.match(line) is None:
            equations.append(line)
        else:
            equations[-1] += f" {line}"
    return equations


def pieces(text: str) -> Pieces | None:
    """A piecewise function: two columns, a value and its condition."""
    start = text.find("\\begin{")
    match = _SYSTEM.fullmatch(text.removeprefix("\\{").strip()) if start >= 0 else None
    if match is None or match[1] not in ("cases", "array", "dcases", "rcases"):
        return None
    rows = _values(match[2])
    if rows is None:
        return None
    return Pieces(tuple(value for value, _ in rows), tuple(condition for _, condition in rows))


def _values(content: str) -> list[tuple[str, str]] | None:
    rows: list[tuple[str, str]] = []
    for row in _ROW.split(content):
        cells = [cell.strip() for cell in row.split("&") if cell.strip()]
        if not cells:
            continue
        value = cells[0].rstrip(" ,;")
        if len(cells) != 2 or _COMPARED.search(value):
            return None
        condition = cells[1].strip(" ,;.")
        plain = OTHERWISE if _OTHERWISE.fullmatch(condition) else _CONDITION_WORDS.sub("", condition).strip()
        rows.append((value, plain))
    return rows or None


def rows_of_lists(parts: list[str]) -> Matrix | None:
    """The matrix in `[[1, 2], [3, 4]]`, as programs print it."""
    if not all(part.startswith("[") and part.endswith("]") and closes_at_end(part) for part in parts):
        return None
    rows = [tuple(cell for _, cell in split_top(part[1:-1], _COMMA)) for part in parts]
    return Matrix(tuple(rows)) if len({len(row) for row in rows}) == 1 else None
