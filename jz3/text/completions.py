r"""Problems read from many completions at once, with the results of `read_completion`.

Promises: each completion is read exactly as `problem_text.py` beside this reads it. Most are plain: the
prompt opened the problem, one line `[Solution]` separates the parts, there is no other mark, and there are no
fences, or those of a canonical solution by program. polars cuts these; the others are read one by one. Costs
a core-second per 70,000 plain completions of 2 KB or so, or per 4,000 others.
"""

from typing import Any

import polars as pl

from jz3.notation.thoughts import MARK
from jz3.notation.turns import SIGNS_OF_TURNS
from jz3.text.problem_text import Unusable, last_boxed, read_completion

OPENING = "[Problem]"
"""The end of a prompt that opens the problem."""
_MARK = "\n[Solution]\n"
_ANY_MARK = (
    r"(?i)[\[<【]\s*(?:/\s*|end\s+(?:of\s+)?)?"
    r"(?:(?:new\s+)?problem(?:\s+(?:description|statement))?|(?:code\s+)?solution)\s*\\?[\]>】]"
)
_ODD = "[\r\x1c-\x1fİıſ]"
"""Characters that Python and polars may treat differently, as blanks or letters."""
_BODY = r"[^`\s](?:[^`]*[^`\n])?"
_BY_PROGRAM = rf"\A(?:[^`]*\n)?```python\n{_BODY}\n```\n(?:[^`]*\n)?```output\n{_BODY}\n```(?:\n[^`]*)?\z"
_ORNAMENT_FIRST = r"\A(?:-{3,}|\*{2,}|_{3,}|={3,}|#{1,6})[ \t]*(?:\n|\z)"
_ORNAMENT_LAST = r"[-*_=#]\z"
"""May be the end of a line of ornament."""
SCHEMA = {
    "problem": pl.String,
    "solution": pl.String,
    "answer": pl.String,
    "rule": pl.String,
    "evidence": pl.String,
}


def read_completions(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns of SCHEMA for each row of `text`, `finish_reason`, `kind` and `opened` (whether the prompt ends
    with OPENING): problem, solution and perhaps answer, or otherwise rule and evidence.
    """
    cut = _cut(rows)
    plain = cut["plain"]
    read = cut.filter(plain).select("place", "problem", "solution", answer=pl.lit(None, pl.String))
    boxed = pl.col("solution").str.contains_any(["\\boxed", "\\fbox"])
    answers = pl.Series([_last_box(text) for text in read.filter(boxed)["solution"]], dtype=pl.String)
    with_box = read.select(boxed).to_series().arg_true()
    read = read.with_columns(read["answer"].scatter(with_box, answers), rule=None, evidence=None)
    others = [_one_by_one(row) for row in cut.filter(~plain).select(_RAW).iter_rows(named=True)]
    rest = pl.DataFrame(others, schema={"place": pl.UInt32, **SCHEMA})
    return pl.concat([read.cast(rest.schema), rest]).sort("place").select(list(SCHEMA))


_RAW = ("place", "text", "finish_reason", "kind", "opened")


def _cut(rows: pl.DataFrame) -> pl.DataFrame:
    """The two parts of each completion, and whether they are what `read_completion` would find."""
    text = pl.col("text")
    parts = text.str.split_exact(_MARK, 1)
    cut = rows.select(
        *_RAW[1:],
        problem=parts.struct.field("field_0").str.strip_chars(),
        solution=parts.struct.field("field_1").str.strip_chars(),
    ).with_row_index("place")
    fenced = pl.col("problem").str.contains("```", literal=True)
    by_program = pl.col("solution").str.contains(_BY_PROGRAM)
    in_prose = ~pl.col("solution").str.contains("```", literal=True)
    form = ~fenced & pl.when(pl.col("kind").cast(pl.String) == "tool").then(by_program).otherwise(in_prose)
    plain = (
        (pl.col("finish_reason").cast(pl.String) == "stop")
        & pl.col("opened")
        & (text.str.count_matches(_ANY_MARK) == 1)
        & ~text.str.contains(_ODD)
        & ~text.str.contains(MARK)
        & ~text.str.contains_any(list(SIGNS_OF_TURNS))
        & form
        & _unadorned("problem")
        & _unadorned("solution")
    )
    return cut.with_columns(plain=plain.fill_null(value=False))


def _unadorned(name: str) -> pl.Expr:
    part = pl.col(name)
    return (part != "") & ~part.str.contains(_ORNAMENT_FIRST) & ~part.str.tail(1).str.contains(_ORNAMENT_LAST)


def _last_box(solution: str) -> str | None:
    """`last_boxed` of a solution, applied to the text from the last box on, because it looks at every box."""
    start = max(solution.rfind("\\boxed"), solution.rfind("\\fbox"))
    tail = solution[start:]
    # A last box without braces or a following token does not count: then an earlier one does.
    return last_boxed(tail) or last_boxed(solution)


def _one_by_one(row: dict[str, Any]) -> dict[str, Any]:
    opening = OPENING if row["opened"] else ""
    read = read_completion(row["text"], row["finish_reason"], row["kind"], opening)
    if isinstance(read, Unusable):
        return {"place": row["place"], "rule": read.rule, "evidence": read.evidence}
    texts = {"problem": read.problem, "solution": read.solution, "answer": read.answer}
    return {"place": row["place"], **texts}
