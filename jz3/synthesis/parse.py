"""Reads problems and solutions out of completions; a rule rejects each completion that has none.

Promises: a completion becomes one problem with the same id, or one reject. Completions are read in frames, so
that memory holds the prompts' ids and some frames, not all texts. Costs a core-second per 40,000 completions
of 2 KB or so, including reading and writing; 0.1 KB of memory per prompt.
"""

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.counts import counts
from jz3.core.errors import UserError
from jz3.core.params import Params
from jz3.core.thread_map import thread_map
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.text.completions import OPENING, SCHEMA, read_completions

PROMPT_COLUMNS = ("prompt_id", "passage_id", "source", "level", "kind")
OPENING_CHARACTERS = 20
"""Characters at a prompt's end that are kept: they show whether it opens the problem with `[Problem]`."""
EVIDENCE_CHARACTERS = 200


class ParseParams(Params):
    """Limits above which a text is too long."""

    longest_problem: int = Field(ge=1)
    """Characters; a longer problem is rejected by `parse.long_problem`."""
    longest_solution: int = Field(ge=1)
    """Characters; a longer solution is rejected by `parse.long_solution`."""


class ParseMetrics(BaseModel):
    """What was read, and the number of problems of each level and kind."""

    rows: Ledger
    kept_by_level: dict[str, int]
    kept_by_kind: dict[str, int]
    with_answer: int
    """Problems whose solution has a box."""


class StrangeCompletionError(UserError):
    """A completion names a prompt that does not exist."""


@dataclass(frozen=True)
class Parsed:
    """What is known about the completions once the last one was read."""

    rejects: pl.DataFrame
    """Table of Reject: the completions without a problem."""
    metrics: ParseMetrics


def parse(
    completions: Iterable[pl.DataFrame], read: int, prompts: pl.LazyFrame, params: ParseParams, threads: int
) -> Generator[pl.DataFrame, None, Parsed]:
    """Frames of Problem, in the order of the completions; `read` is the number of completions.

    Raises StrangeCompletionError, and ValueError at the end if a completion is neither kept nor rejected.
    """
    known = _Prompts(prompts)
    rejects: list[pl.DataFrame] = [Reject.create_empty()]
    levels, kinds = Counter[str](), Counter[str]()
    with_answer = 0
    for rows in thread_map(lambda frame: _read(frame, known, params), completions, threads):
        rejected = rows.filter(pl.col("rule").is_not_null()).select(
            row_id="completion_id", rule=pl.format("parse.{}", "rule"), evidence="evidence"
        )
        rejects.append(rejected.cast(Reject.create_empty().schema))
        kept = rows.filter(pl.col("rule").is_null())
        levels.update(counts(kept["level"]))
        kinds.update(counts(kept["kind"]))
        with_answer += kept["answer"].count()
        names = kept.with_columns(problem_id="completion_id", subject=pl.lit(None, pl.String))
        yield names.select(Problem.column_names()).cast(Problem.create_empty().schema)
    rejected = pl.concat(rejects)
    by_rule = dict(sorted(counts(rejected["rule"]).items()))
    return Parsed(
        rejected,
        ParseMetrics(
            rows=Ledger(read=read, kept=kinds.total(), rejected=by_rule, failed=0),
            kept_by_level=dict(sorted(levels.items())),
            kept_by_kind=dict(sorted(kinds.items())),
            with_answer=with_answer,
        ),
    )


def _read(completions: pl.DataFrame, prompts: "_Prompts", params: ParseParams) -> pl.DataFrame:
    """For each completion, the columns of its prompt and what `read_completions` finds."""
    rows = completions.hstack(prompts.of(completions))
    read = read_completions(rows)
    too_long = (
        pl.when(pl.col("problem").str.len_chars() > params.longest_problem)
        .then(pl.lit("problem"))
        .when(pl.col("solution").str.len_chars() > params.longest_solution)
        .then(pl.lit("solution"))
    )
    part = pl.when(too_long == "problem").then("problem").otherwise("solution")
    evidence = pl.format("{} characters: {}", part.str.len_chars(), part.str.head(EVIDENCE_CHARACTERS))
    read = read.with_columns(
        rule=pl.when(too_long.is_null()).then("rule").otherwise(pl.format("long_{}", too_long)),
        evidence=pl.when(too_long.is_null()).then("evidence").otherwise(evidence),
    )
    columns = ("completion_id", "prompt_id", "passage_id", "source", "level", "kind")
    return rows.select(columns).hstack(read.select(list(SCHEMA)))


class _Prompts:
    """All prompts without their texts, for look-up by id. A join would sort the millions of ids for each
    frame.
    """

    def __init__(self, prompts: pl.LazyFrame) -> None:
        end = pl.col("compact").str.strip_chars_end().str.tail(OPENING_CHARACTERS)
        opened = end.str.ends_with(OPENING).alias("opened")
        self._rows = prompts.select(*PROMPT_COLUMNS, opened).collect(engine="streaming")
        hashes = _hashes(self._rows["prompt_id"])
        self._order = np.argsort(hashes)
        self._hashes = hashes[self._order]

    def of(self, completions: pl.DataFrame) -> pl.DataFrame:
        """The prompt of each completion, without its id."""
        wanted = completions["prompt_id"]
        if not len(self._hashes):
            _refuse(completions)
        places = np.searchsorted(self._hashes, _hashes(wanted))
        found = self._rows[self._order[np.minimum(places, len(self._order) - 1)]]
        strange = completions.filter(found["prompt_id"] != wanted)
        _refuse(strange)
        return found.drop("prompt_id")


def _hashes(ids: pl.Series) -> np.ndarray:
    """64 bits of each id; they vary with the version of polars, so they never leave this process."""
    return ids.hash().to_numpy()


def _refuse(strange: pl.DataFrame) -> None:
    if strange.height:
        raise StrangeCompletionError(
            f"completion {strange['completion_id'][0]} is for prompt {strange['prompt_id'][0]}, which is not "
            f"among the prompts; completions of these prompts were expected. Give the prompts that were "
            f"answered; of the graph's own, `dvc repro synthesize parse` makes both again."
        )
