"""Problems and targets as the reference model reads them. Costs one call of the tokenizer per table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

from jz3.core.errors import UserError
from jz3.lm.encode import EncodedRow, encode_rows
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.text.training_text import training_input

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Text:
    """A problem or target; `before` is the text before the solution."""

    row_id: str
    before: str
    solution: str
    row: EncodedRow


def problem_texts(
    tokenizer: "PreTrainedTokenizerFast", problems: dy.DataFrame[Problem], max_tokens: int
) -> list[Text]:
    """Texts of the problems with at most `max_tokens` tokens, sorted by problem_id."""
    rows = problems.select("problem_id", "problem", "kind", "solution").sort("problem_id")
    return _texts(tokenizer, rows, max_tokens)


def task_texts(
    tokenizer: "PreTrainedTokenizerFast", targets: dy.DataFrame[Target], max_tokens: int
) -> dict[str, list[Text]]:
    """The targets of each task, sorted by target_id. Raises UserError for a task without any target that
    fits.
    """
    by_task: dict[str, list[Text]] = {}
    for task in sorted(set(targets["task"])):
        rows = targets.filter(pl.col("task") == task).sort("target_id")
        texts = _texts(tokenizer, rows.select("target_id", "question", "kind", "solution"), max_tokens)
        if not texts:
            raise UserError(
                f"none of the {rows.height} targets of task {task} has at most {max_tokens} tokens; "
                f"at least one was expected. Raise attribute.max_tokens (of sketches: sketch.max_tokens)."
            )
        by_task[task] = texts
    if not by_task:
        raise UserError(
            "the table of targets is empty; items of at least one target task were expected. Look at `tasks`."
        )
    return by_task


def encoded_texts(
    tokenizer: "PreTrainedTokenizerFast", before: Sequence[str], solutions: Sequence[str], max_tokens: int
) -> list[EncodedRow]:
    """Encode texts that are known to fit."""
    rows = encode_rows(tokenizer, before, solutions, max_tokens)
    return [row for row in rows if row is not None]


def _texts(tokenizer: "PreTrainedTokenizerFast", rows: pl.DataFrame, max_tokens: int) -> list[Text]:
    """The texts that fit, in order. The columns of `rows` are id, problem, kind, solution."""
    ids, questions, kinds, solutions = (column.to_list() for column in rows.iter_columns())
    before = [training_input(question, kind) for question, kind in zip(questions, kinds, strict=True)]
    encoded = encode_rows(tokenizer, before, solutions, max_tokens)
    return [
        Text(row_id, text, solution, row)
        for row_id, text, solution, row in zip(ids, before, solutions, encoded, strict=True)
        if row is not None
    ]
