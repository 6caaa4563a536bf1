"""Reads problems and solutions out of completions; each completion that gives none is rejected by a rule.

Promises: a completion becomes one problem with the same id, or one reject. Completions are read in frames, so
that memory holds the prompts' ids and a frame, not the texts of all. Costs: some 10,000 completions a second.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.errors import UserError
from jz3.core.params import Params
from jz3.tables.completion import Completion
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.text.problem_text import ParsedProblem, Unusable, read_completion

FRAME_ROWS = 50_000
"""Completions read at a time: some 100 MB of text."""
PROMPT_COLUMNS = ("prompt_id", "passage_id", "source", "level", "kind", "opening")
OPENING_CHARACTERS = 20
"""So much of a prompt's end is kept: it shows whether the prompt opens the problem with `[Problem]`."""


class ParseParams(Params):
    """What is too long to be a problem."""

    longest_problem: int = Field(ge=1)
    """Characters; a longer problem is rejected by `parse.long_problem`."""
    longest_solution: int = Field(ge=1)
    """Characters; a longer solution is rejected by `parse.long_solution`."""


class ParseMetrics(BaseModel):
    """What was read, and how many problems of each level and kind there are."""

    rows: Ledger
    kept_by_level: dict[str, int]
    kept_by_kind: dict[str, int]
    with_answer: int
    """Problems whose solution has a box."""


class StrangeCompletionError(UserError):
    """A completion names a prompt that is not there."""


class Parsing:
    """Problems as they are read, and afterwards the rejects and the numbers."""

    def __init__(self, prompts: pl.LazyFrame, params: ParseParams) -> None:
        opening = pl.col("compact").str.strip_chars_end().str.tail(OPENING_CHARACTERS).alias("opening")
        self._prompts = prompts.with_columns(opening).select(PROMPT_COLUMNS).collect()
        self._params = params
        self._rejects: list[dict[str, str]] = []
        self._levels: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._with_answer = 0

    def problems(self, completions: Iterable[dy.DataFrame[Completion]]) -> Iterator[pl.DataFrame]:
        """Frames of Problem, in the order of the completions."""
        for frame in completions:
            rows = frame.join(self._prompts, on="prompt_id", how="left", maintain_order="left")
            _check_prompts(rows)
            kept = [row for row in map(self._problem, rows.iter_rows(named=True)) if row]
            yield pl.DataFrame(kept, schema=Problem.create_empty().schema)

    def rejects(self) -> pl.DataFrame:
        """Table of Reject: the completions that gave no problem so far."""
        return pl.DataFrame(self._rejects, schema=Reject.create_empty().schema)

    def metrics(self) -> ParseMetrics:
        kept = self._kinds.total()
        rejected = Counter(reject["rule"] for reject in self._rejects)
        return ParseMetrics(
            rows=Ledger(
                read=kept + rejected.total(), kept=kept, rejected=dict(sorted(rejected.items())), failed=0
            ),
            kept_by_level=dict(sorted(self._levels.items())),
            kept_by_kind=dict(sorted(self._kinds.items())),
            with_answer=self._with_answer,
        )

    def _problem(self, row: dict[str, Any]) -> dict[str, Any] | None:
        read = self._read(row)
        if isinstance(read, Unusable):
            rule = f"parse.{read.rule}"
            self._rejects.append({"row_id": row["completion_id"], "rule": rule, "evidence": read.evidence})
            return None
        self._levels[row["level"]] += 1
        self._kinds[row["kind"]] += 1
        self._with_answer += read.answer is not None
        columns = {name: row[name] for name in ("prompt_id", "passage_id", "source", "level", "kind")}
        texts = {"problem": read.problem, "solution": read.solution, "answer": read.answer}
        return {"problem_id": row["completion_id"], "subject": None, **columns, **texts}

    def _read(self, row: dict[str, Any]) -> ParsedProblem | Unusable:
        read = read_completion(row["text"], row["finish_reason"], row["kind"], row["opening"])
        if isinstance(read, Unusable):
            return read
        if len(read.problem) > self._params.longest_problem:
            return Unusable("long_problem", f"{len(read.problem)} characters: {read.problem[:200]}")
        if len(read.solution) > self._params.longest_solution:
            return Unusable("long_solution", f"{len(read.solution)} characters: {read.solution[:200]}")
        return read


def _check_prompts(rows: pl.DataFrame) -> None:
    strange = rows.filter(pl.col("kind").is_null())
    if strange.height:
        raise StrangeCompletionError(
            f"completion {strange['completion_id'][0]} is for prompt {strange['prompt_id'][0]}, which is not "
            f"among the prompts; completions of these prompts were expected. Run `dvc repro`."
        )
