"""Curation of your own problems, with the functions and thresholds of the graph's stages.

Columns are lists, polars series or arrow arrays of texts, one entry per row. Each function returns a
DataFrame with one row for each, in order: `row` (the id, or else the number), `rule` and `evidence`, which
are null for kept rows. Thresholds are those of the profile `paper` (`curation.yaml` beside this module).
Needs the extra `curate`. Safe in threads and processes; results of `decontaminate` and `execute` are kept in
the row store ($JZ3_STORE).

>>> dedup(["What is 2 + 3?", "what is 2+3", "What is 2 + 4?"])["rule"].null_count()
2
"""

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import load_params

try:
    from jz3.core.artifacts import FRAME_ROWS as READ_AT_ONCE
    from jz3.core.artifacts import InFiles
    from jz3.curation import execute as execution_rules
    from jz3.curation import filter as form_rules
    from jz3.curation.decontaminate import FRAME_ROWS, Decontaminated
    from jz3.curation.decontaminate import decontaminate as compared
    from jz3.curation.dedup import DedupParams
    from jz3.curation.dedup import dedup as deduplicated
    from jz3.curation.overlap import DecontaminateParams
    from jz3.curation.released import index_notes, read_releases
    from jz3.tables.item import Item
    from jz3.tables.problem import Problem
except ModuleNotFoundError as missing:
    if missing.name not in ("numba", "pyarrow", "dataframely"):
        raise
    raise UserError(
        f"{missing.name} is not installed; curation needs it. Run `pip install 'jz3[curate]'`."
    ) from missing
from jz3.core.hashing import content_id
from jz3.text.problem_text import last_boxed, programs_of

SETTINGS = Path(__file__).with_name("curation.yaml")
Texts = Iterable[Any]
"""A list, a polars series or an arrow array of texts."""
P = TypeVar("P", bound=BaseModel)


@cache
def setting(kind: type[P], section: str) -> P:
    """The thresholds of a stage, or its execution settings, with all cores of this machine."""
    found = load_params(kind, section, SETTINGS)
    cores = len(os.sched_getaffinity(0))
    return (
        found.model_copy(update={"threads": cores, "sandbox_workers": cores}) if kind is Execution else found
    )


def problems_of(problems: Texts, solutions: Texts | None = None, ids: Texts | None = None) -> pl.DataFrame:
    """A table of Problem. A solution with a program has the kind `tool`; the answer is the last box."""
    for given, what in ((problems, "problems"), (solutions, "solutions"), (ids, "ids")):
        _must_be_a_column(given, what)
    texts = pl.Series("problem", problems, dtype=pl.String, strict=False)
    answers = texts if solutions is None else pl.Series("solution", solutions, dtype=pl.String, strict=False)
    names = [str(number) for number in range(len(texts))] if ids is None else [str(name) for name in ids]
    if not len(texts) == len(answers) == len(names):
        raise UserError(
            f"there are {len(texts)} problems, {len(answers)} solutions and {len(names)} ids; as many of "
            f"each were expected. Give columns of one table."
        )
    if len(set(names)) < len(names):
        raise UserError("ids occur twice; one per row was expected. Without ids, rows are numbered.")
    rows = pl.DataFrame(
        {
            "problem_id": names,
            "problem": texts.fill_null(""),
            "solution": answers.fill_null(""),
            "source": ["own"] * len(names),
            "kind": ["tool" if programs_of(text or "") else "cot" for text in answers],
            "answer": [last_boxed(text or "") for text in answers],
        },
        strict=False,
    )
    schema = Problem.create_empty().schema
    return rows.with_columns(pl.lit(None).alias(name) for name in schema if name not in rows.columns).select(
        pl.col(name).cast(kind) for name, kind in schema.items()
    )


def _must_be_a_column(given: object, what: str) -> None:
    """Raise TypeError for a single text, whose characters would be the rows."""
    if isinstance(given, str | bytes):
        raise TypeError(f"{what} is one text; a list of texts was expected. Give [text, ...].")


def dedup(problems: Texts, ids: Texts | None = None) -> pl.DataFrame:
    """Reject rows that repeat a kept one (`dedup.exact`), or nearly (`dedup.near`); evidence is its id."""
    return dedup_of(problems_of(problems, None, ids))


def dedup_of(table: pl.DataFrame, earlier: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Verdicts on a table of Problem, leaving out rows that an earlier table of verdicts rejects."""
    params = setting(DedupParams, "dedup")
    with tempfile.TemporaryDirectory() as folder:
        threads = setting(Execution, "execution").threads
        released = read_releases(
            InFiles(Path(folder)), params.releases, index_notes(params.bands, params.rows_per_band)
        )
        before = [one.rename({"row": "row_id"}) for one in earlier]
        return shown(deduplicated(table.lazy(), before, released, params, threads, Path(folder)).verdicts)


def decontaminate(problems: Texts, against: Mapping[str, Texts], ids: Texts | None = None) -> pl.DataFrame:
    """Reject rows that repeat a question of a benchmark; `against` maps names of benchmarks to questions.

    >>> asked = "A train leaves at noon and goes 60 miles an hour for three hours; how far is it then?"
    >>> decontaminate([asked, "What is 2 + 3?"], {"mine": [asked]})["evidence"].to_list()
    ['mine/0', None]
    """
    found = decontamination(problems_of(problems, None, ids), items_of(against))
    return shown(found.verdicts)


def items_of(against: Mapping[str, Texts]) -> pl.DataFrame:
    """A table of Item: questions of benchmarks, with their digest as the revision."""
    for name, questions in against.items():
        _must_be_a_column(questions, f"against[{name!r}]")
    rows = [
        {
            "item_id": f"{name}/{number}",
            "benchmark": name,
            "revision": content_id(*texts)[:12],
            "question": text,
            "gold": "-",
        }
        for name, questions in against.items()
        for texts in [[str(text) for text in questions]]
        for number, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=Item.create_empty().schema)


def decontamination(table: pl.DataFrame, items: pl.DataFrame) -> Decontaminated:
    """What was compared and found; the result can write a certificate."""
    params = setting(DecontaminateParams, "decontaminate")
    frames = table.iter_slices(FRAME_ROWS)
    return compared(frames, Item.cast(items), params, setting(Execution, "execution").threads)


def filter(problems: Texts, solutions: Texts, ids: Texts | None = None) -> pl.DataFrame:  # noqa: A001
    """Reject rows that break a rule of form, such as `filter.unbalanced_latex`.

    >>> filter(["Find x."], ["It is 4."])["rule"].to_list()
    ['filter.problem_length']
    """
    return filter_of(problems_of(problems, solutions, ids))


def filter_of(table: pl.DataFrame) -> pl.DataFrame:
    """Verdicts on a table of Problem."""
    params = setting(form_rules.FilterParams, "filter")
    frames = (Problem.cast(frame) for frame in table.iter_slices(READ_AT_ONCE))
    return shown(form_rules.judge_form(frames, params))


def execute(solutions: Texts, ids: Texts | None = None) -> pl.DataFrame:
    """Reject rows whose program fails in the sandbox or prints an answer other than the solution's."""
    _must_be_a_column(solutions, "solutions")
    texts = list(solutions)
    return execute_of(problems_of(texts, texts, ids))


def execute_of(table: pl.DataFrame) -> pl.DataFrame:
    """Verdicts on a table of Problem."""
    params = setting(execution_rules.ExecuteParams, "execute")
    done = execution_rules.execute(table.lazy(), params, setting(Execution, "execution"))
    return shown(done.verdicts)


def shown(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Columns `row`, `rule` and `evidence` of a table of Verdict."""
    return verdicts.select(pl.col("row_id").alias("row"), pl.col("rule").cast(pl.String), "evidence")
