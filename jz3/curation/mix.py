"""The training set of a model: the synthetic problems that every verdict keeps, then the instruction rows.

Promises: both parts are shuffled by hash of (seed, id) and never mixed; a cap keeps the first rows of that
order; in tool rows the real output of the program stands in the output block. The ledger counts each row that
is left out by the first rule that rejects it: those of `execute`, `filter`, `dedup`, `decontaminate` in this
order, then `mix.not_asked` (beyond the number of rows) and `mix.kind_share`, `mix.source_share`,
`mix.level_share` (the share is full).

Costs: memory for the ids of all rows and the texts of those that are kept.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.curation.agreement import agrees
from jz3.curation.output_block import with_answer, with_output
from jz3.curation.verdicts import rules_by_row
from jz3.tables.ledger import Ledger
from jz3.tables.training_row import TrainingRow
from jz3.text.training_text import training_input

FRAME_ROWS = 50_000
"""Training rows that are made at a time."""

Share = Annotated[float, Field(gt=0, le=1)]


class SyntheticShare(Params):
    """How much of the synthetic problems a model reads."""

    rows: int | None = Field(ge=0)
    """At most so many, or null for all."""
    kinds: dict[str, Share]
    """Greatest share of a kind in the rows asked for; what is not named has no bound."""
    sources: dict[str, Share]
    levels: dict[str, Share]


class MixParams(Params):
    """A section `mix.MODEL`."""

    seed: int
    synthetic: SyntheticShare
    shown_output_characters: int = Field(ge=2)
    """Characters of a program's output that are shown; first and last half of a longer one."""


class MixMetrics(BaseModel):
    """What the set is made of."""

    rows: Ledger
    pretrain_rows: int
    instruction_rows: int
    by_kind: dict[str, int]
    by_level: dict[str, int]
    by_source: dict[str, int]
    """Synthetic and instruction rows together, as the two above."""
    corrected: int
    """Rows whose output block was not what the program printed."""
    unfulfilled: dict[str, int]
    """Rows that a share of `kind/tool` or the number of `rows` asked for and the problems could not give."""


@dataclass(frozen=True)
class Judged:
    """Rows of Problem, unread, and the tables of verdicts on them, first stage first."""

    problems: pl.LazyFrame
    verdicts: Sequence[pl.DataFrame]


class Mix:
    """The rows of a training set, chosen and ordered; `frames` writes their texts."""

    def __init__(
        self, synthetic: Judged, instruction: Judged, results: pl.DataFrame, params: MixParams
    ) -> None:
        self._params = params
        self._outputs = dict(results.select("problem_id", "output").iter_rows())
        rejected: Counter[str] = Counter()
        candidates = _kept(synthetic, params.seed, rejected)
        self._kept_before_shares = candidates.height
        pretrain = _asked(candidates, params.synthetic, rejected)
        instructions = _kept(instruction, params.seed, rejected)
        self._order = pl.concat(
            [
                pretrain.with_columns(part=pl.lit("pretrain")),
                instructions.with_columns(part=pl.lit("instruction")),
            ]
        ).with_row_index("position")
        self._unfulfilled = _unfulfilled(candidates, pretrain, params.synthetic)
        self._rejected = rejected
        self._sources = {"pretrain": synthetic.problems, "instruction": instruction.problems}
        self._corrected = 0

    def frames(self) -> Iterator[pl.DataFrame]:
        """Tables of TrainingRow in training order."""
        for part, problems in self._sources.items():
            places = self._order.filter(pl.col("part") == part).select("position", "problem_id", "part")
            texts = problems.join(places.lazy(), on="problem_id").sort("position").collect()
            for frame in texts.iter_slices(FRAME_ROWS):
                yield self._training_rows(frame)

    def metrics(self) -> MixMetrics:
        """To be asked after `frames` has run."""
        parts = Counter(self._order["part"].to_list())
        kept = self._order.height
        return MixMetrics(
            rows=Ledger(
                read=kept + self._rejected.total(),
                kept=kept,
                rejected=dict(sorted(self._rejected.items())),
                failed=0,
            ),
            pretrain_rows=parts["pretrain"],
            instruction_rows=parts["instruction"],
            by_kind=_counts(self._order["kind"]),
            by_level=_counts(self._order["level"].drop_nulls()),
            by_source=_counts(self._order["source"]),
            corrected=self._corrected,
            unfulfilled=self._unfulfilled,
        )

    def _training_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = [self._training_row(row) for row in frame.iter_rows(named=True)]
        return pl.DataFrame(rows, schema=TrainingRow.create_empty().schema)

    def _training_row(self, row: dict[str, Any]) -> dict[str, Any]:
        output = row["solution"]
        if row["problem_id"] in self._outputs:
            real = self._outputs[row["problem_id"]]
            output = with_output(output, real, self._params.shown_output_characters)
            if row["answer"] is not None and not agrees(row["answer"], real):
                output = with_answer(output, real.strip())  # kept as `execute` lets the printed answer count
            self._corrected += output != row["solution"]
        return {
            "position": row["position"],
            "row_id": row["problem_id"],
            "part": row["part"],
            "source": row["source"],
            "level": row["level"],
            "kind": row["kind"],
            "input": training_input(row["problem"], row["kind"]),
            "output": output,
        }


def _kept(judged: Judged, seed: int, rejected: Counter[str]) -> pl.DataFrame:
    """Rows that no verdict rejects, without their texts, shuffled; the rules of the others are counted."""
    rows = judged.problems.select("problem_id", "source", "level", "kind").collect()
    rules = rules_by_row(judged.verdicts)
    found = [rules.get(row_id) for row_id in rows["problem_id"]]
    rejected.update(rule for rule in found if rule is not None)
    kept = rows.filter(pl.Series(found, dtype=pl.String).is_null())
    order = pl.Series([draw_order(seed, row_id) for row_id in kept["problem_id"]], dtype=pl.Int64)
    return kept.with_columns(order=order).sort("order", "problem_id").drop("order")


def _asked(rows: pl.DataFrame, asked: SyntheticShare, rejected: Counter[str]) -> pl.DataFrame:
    """The first rows whose shares are not full, as many as are asked for."""
    total = rows.height if asked.rows is None else min(asked.rows, rows.height)
    room = Counter(_bounds(asked, total))
    taken: list[bool] = []
    count = 0
    for row in rows.select("kind", "source", "level").iter_rows():
        groups = [group for group in zip(("kind", "source", "level"), row, strict=True) if group in room]
        full = next((name for name, word in groups if not room[name, word]), None)
        rule = "mix.not_asked" if count == total else full and f"mix.{full}_share"
        taken.append(rule is None)
        if rule is None:
            count += 1
            room.subtract(groups)
        else:
            rejected[rule] += 1
    return rows.filter(pl.Series(taken, dtype=pl.Boolean))


def _bounds(asked: SyntheticShare, total: int) -> dict[tuple[str, str], int]:
    shares = (("kind", asked.kinds), ("source", asked.sources), ("level", asked.levels))
    return {(name, word): round(share * total) for name, words in shares for word, share in words.items()}


def _unfulfilled(rows: pl.DataFrame, taken: pl.DataFrame, asked: SyntheticShare) -> dict[str, int]:
    total = rows.height if asked.rows is None else asked.rows
    missing = {
        f"{name}/{word}": bound - taken.filter(pl.col(name).cast(pl.String) == word).height
        for (name, word), bound in _bounds(asked, total).items()
    }
    missing["rows"] = total - taken.height
    return {name: count for name, count in sorted(missing.items()) if count > 0}


def _counts(column: pl.Series) -> dict[str, int]:
    return dict(sorted(column.cast(pl.String).value_counts().iter_rows()))
