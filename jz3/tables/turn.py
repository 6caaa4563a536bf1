"""Turn: what one speaker says in a training row, and whether a model learns to say it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import dataframely as dy
import numpy as np
import polars as pl

Role = Literal["system", "user", "assistant", "tool"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Who speaks; `tool` is the output of a program, in the middle of the assistant's answer."""


@dataclass(frozen=True)
class Turn:
    """One turn: the bare text, without the headings or marks of a training format."""

    role: Role
    text: str
    learn: bool

    @property
    def answers(self) -> bool:
        """Whether the turn belongs to an answer: words of the assistant, or the output of its programs."""
        return self.role in ("assistant", "tool")


def turns_column() -> dy.List:
    """The column type of a list of turns."""
    return dy.List(
        dy.Struct(
            {
                "role": dy.String(regex=f"^({'|'.join(ROLES)})$"),
                "text": dy.String(min_length=1),
                "learn": dy.Bool(),
            }
        ),
        min_length=1,
    )


def turn_lists(rows: Sequence[Sequence[Turn]]) -> pl.Series:
    """The turns of many rows as such a column; each row must have at least one turn.

    The lists are cut out of one frame, because polars reads dictionaries one by one.
    """
    turns = pl.DataFrame(
        {
            "row": [place for place, row in enumerate(rows) for _ in row],
            "role": [turn.role for row in rows for turn in row],
            "text": [turn.text for row in rows for turn in row],
            "learn": [turn.learn for row in rows for turn in row],
        },
        {"row": pl.Int64, "role": pl.String, "text": pl.String, "learn": pl.Boolean},
    )
    lists = turns.group_by("row", maintain_order=True).agg(turns=pl.struct("role", "text", "learn"))
    return lists["turns"]


def turn_rows(turns: Sequence[tuple[Role, pl.Series, bool]]) -> pl.Series:
    """Such a column for rows that have the same turns: role, texts [rows], and whether they are learnt.

    Texts are laid out turn by turn and gathered row by row, because `concat_list` takes six times as long.
    """
    frames = [
        pl.DataFrame({"text": text}).select(role=pl.lit(role), text="text", learn=pl.lit(learn))
        for role, text, learn in turns
    ]
    rows, width = frames[0].height, len(turns)
    by_row = np.arange(rows * width).reshape(width, rows).T.ravel()
    return pl.concat(frames)[by_row].to_struct("turns").reshape((rows, width)).arr.to_list()


def read_turns(rows: Iterable[Mapping[str, Any]]) -> list[Turn]:
    """The turns of one row of such a column."""
    return [Turn(row["role"], row["text"], row["learn"]) for row in rows]
