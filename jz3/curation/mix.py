"""The training set of a model: the synthetic problems that every verdict keeps, then the instruction rows.

Promises:

- Both parts are shuffled by hash of (seed, id) and never mixed; a cap keeps the first rows of that order.
- In tool rows the program's real output is in the output block, as a turn of its own.
- A thought is at the start of the answer's first turn (`marked_thoughts.py` beside this), and rows without
  one are listed.
- The ledger counts each row that is left out, by the first rule that rejects it: the rules of `execute`,
  `filter`, `dedup`, `decontaminate`; then `mix.marked_thought`; `mix.passage_repeated` and
  `mix.seed_repeated` (beyond the cap on problems per passage or seed); `mix.not_asked` (beyond the number of
  rows); `mix.kind_share`, `mix.source_share`, `mix.level_share` (the share is full).
- Rows that a share or number asks for but the problems cannot give are logged and counted in the metrics.

Costs: a core-second per 20,000 rows of 2 KB, because the table has each text both as a turn and as input or
output; memory of 0.2 KB per row for ids and order, and for the texts of some 300,000 rows; beyond 180,000
rows, disk for the others once more (lz4) while they are sorted, and for these some 30 % more CPU.
"""

import logging
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.counts import counts, row_count
from jz3.core.external_sort import Unsorted
from jz3.core.hashing import draw_orders
from jz3.core.params import Params, Seed
from jz3.curation.marked_thoughts import marked_rows, no_thoughts, thoughts_of
from jz3.curation.output_block import with_answer, with_outputs
from jz3.curation.solution_turns import with_turns
from jz3.curation.verdicts import rules_by_row
from jz3.tables.lacking import Lacking
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow

log = logging.getLogger(__name__)

FRAME_ROWS = 50_000
"""Problems that are read at a time."""
PIECE_ROWS = 10_000
"""Training rows that are written at a time (chosen: some 60 MB)."""
POSITION = "position"

Share = Annotated[float, Field(gt=0, le=1)]


class SyntheticShare(Params):
    """How many of the synthetic problems a model reads."""

    rows: int | None = Field(ge=0)
    """The most rows, or null for all."""
    kinds: dict[str, Share]
    """The largest share of a kind among the rows asked for; a kind that is not named has no limit."""
    sources: dict[str, Share]
    levels: dict[str, Share]
    of_a_passage: int | None = Field(ge=1)
    """The most problems from one passage, or null for all."""
    of_a_seed: int | None = Field(ge=1)
    """The most problems from one seed, or null for all. A problem of several seeds counts for each of them,
    so each must have room.
    """


class MixParams(Params):
    """A section `mix.MODEL`."""

    seed: Seed
    synthetic: SyntheticShare
    shown_output_characters: int = Field(ge=2)
    """The most characters of a program's output that are shown: of a longer one, its first and last half."""
    learn_output: bool
    """Whether a model learns the output of programs, although it cannot know it without running them."""
    thoughts: Literal["left_out", "marked"]
    """`marked`: the thought behind a solution precedes it, between `<think>` and `</think>`, and is learnt
    with it. `left_out`: only solutions are read.
    """


class MixMetrics(BaseModel):
    """The composition of the set."""

    rows: Ledger
    pretrain_rows: int
    instruction_rows: int
    by_kind: dict[str, int]
    by_level: dict[str, int]
    by_source: dict[str, int]
    """Counts of synthetic and instruction rows together, like the two above."""
    corrected: int
    """Rows whose output block differed from what the program printed."""
    unfulfilled: dict[str, int]
    """Rows that a share (`kind/tool`) or the number of `rows` asks for but the problems cannot give."""


@dataclass(frozen=True)
class Mixed:
    """The account of a training set."""

    metrics: MixMetrics
    thoughtless: pl.DataFrame
    """Table of Lacking: rows of the set without a thought, if thoughts are read."""


@dataclass(frozen=True)
class Judged:
    """Rows of Problem, as a lazy frame, and the tables of verdicts on them, first stage first."""

    problems: pl.LazyFrame
    verdicts: Sequence[pl.DataFrame]


@dataclass(frozen=True)
class Companions:
    """Further tables about the problems."""

    results: pl.DataFrame
    """Table of ExecutionResult."""
    lineage: pl.LazyFrame
    """Table of Lineage; empty for problems that were not written from seeds."""
    thoughts: pl.LazyFrame
    """Table of Thought."""


def mix(
    synthetic: Judged, instruction: Judged, companions: Companions, params: MixParams, scratch: Path
) -> Generator[pl.DataFrame, None, Mixed]:
    """Yield tables of TrainingRow in training order; `scratch` holds unnamed temporary files.

    Raises ValueError at the end if a row was neither written nor rejected.
    """
    return _Mix(synthetic, instruction, companions, params).frames(scratch)


class _Mix:
    """The rows of a training set, chosen and ordered; `frames` writes their texts."""

    def __init__(
        self, synthetic: Judged, instruction: Judged, companions: Companions, params: MixParams
    ) -> None:
        self._params = params
        self._schema = TrainingRow.create_empty().schema
        self._thoughts = companions.thoughts if params.thoughts == "marked" else no_thoughts()
        self._thoughtless: list[pl.DataFrame] = []
        self._outputs = companions.results.select("problem_id", "answer_counts", "outputs", printed="output")
        self._read = sum(row_count(judged.problems) for judged in (synthetic, instruction))
        self._corrected = 0
        self._rejected: Counter[str] = Counter()
        candidates = self._kept(synthetic)
        pretrain = _asked(candidates, companions.lineage, params.synthetic, self._rejected)
        instructions = self._kept(instruction)
        self._unfulfilled = _unfulfilled(candidates, pretrain, params.synthetic)
        self._parts = [
            _Part("pretrain", synthetic.problems, pretrain["row"].to_numpy(), 0),
            _Part("instruction", instruction.problems, instructions["row"].to_numpy(), pretrain.height),
        ]
        chosen = pl.concat([pretrain, instructions])
        self._by_kind = counts(chosen["kind"])
        self._by_level = counts(chosen["level"].drop_nulls())
        self._by_source = counts(chosen["source"])

    def frames(self, scratch: Path) -> Generator[pl.DataFrame, None, Mixed]:
        """Tables of TrainingRow, in their order."""
        for missing, count in self._unfulfilled.items():
            log.warning("%d rows are missing that %s asks for", count, missing)
        written = 0
        # A training row has its texts twice, as turns and as input and output, so it is made after the sort.
        rows = Unsorted(self._placed(), _PLACED, POSITION, sum(len(part.order) for part in self._parts))
        for frame in rows.in_order(scratch):
            for piece in frame.iter_slices(PIECE_ROWS):
                written += piece.height
                yield self._training_rows(piece)
        return Mixed(self._metrics(written), pl.concat([Lacking.create_empty(), *self._thoughtless]))

    def _kept(self, judged: Judged) -> pl.DataFrame:
        marked = marked_rows(judged.problems, self._thoughts)
        return _kept(judged, marked, self._params.seed, self._rejected)

    def _placed(self) -> Generator[pl.DataFrame, None, None]:
        for part in self._parts:
            for frame in part.placed():
                yield thoughts_of(frame, self._thoughts)

    def _metrics(self, written: int) -> MixMetrics:
        pretrain, instructions = (len(part.order) for part in self._parts)
        return MixMetrics(
            rows=Ledger(
                read=self._read,
                kept=written,
                rejected={rule: count for rule, count in sorted(self._rejected.items()) if count},
                failed=0,
            ),
            pretrain_rows=pretrain,
            instruction_rows=instructions,
            by_kind=self._by_kind,
            by_level=self._by_level,
            by_source=self._by_source,
            corrected=self._corrected,
            unfulfilled=self._unfulfilled,
        )

    def _training_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.join(self._outputs, on="problem_id", how="left", maintain_order="left")
        run = rows["printed"].is_not_null()
        real = [self._with_truth(row) for row in rows.filter(run).iter_rows(named=True)]
        outputs = rows["solution"].scatter(run.arg_true(), pl.Series(real, dtype=pl.String))
        self._corrected += int((outputs != rows["solution"]).sum())
        columns = rows.with_columns(row_id="problem_id", solution=outputs)
        if self._params.thoughts == "marked":
            self._thoughtless.append(_thoughtless(columns))
        shown = with_turns(columns, learn_output=self._params.learn_output).sort(POSITION)
        return shown.select(self._schema.names()).cast(self._schema)

    def _with_truth(self, row: Mapping[str, Any]) -> str:
        """The solution of a row with the real output of its programs."""
        output = with_outputs(row["solution"], row["outputs"], self._params.shown_output_characters)
        return with_answer(output, row["printed"].strip()) if row["answer_counts"] else output


def _thoughtless(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of Lacking for the rows without a thought."""
    without = rows.filter(pl.col("thought").is_null())
    return without.select(row_id="problem_id", rule=pl.lit("mix.no_thought"), evidence="source")


@dataclass(frozen=True)
class _Part:
    """Rows of one table in training order."""

    name: str
    """`part` of TrainingRow."""
    problems: pl.LazyFrame
    order: npt.NDArray[np.int64]
    """Row numbers in the table."""
    first: int
    """Position of the first row."""

    def placed(self) -> Iterator[pl.DataFrame]:
        """The rows in the order of their table, with their positions in the training set."""
        if not len(self.order):
            return
        places = np.full(row_count(self.problems), -1, dtype=np.int64)
        places[self.order] = np.arange(self.first, self.first + len(self.order))
        start = 0
        for batch in self.problems.select(_TEXTS).collect_batches(chunk_size=FRAME_ROWS, maintain_order=True):
            positions = places[start : start + batch.height]
            start += batch.height
            placed = batch.with_columns(pl.Series(POSITION, positions)).filter(positions >= 0)
            yield placed.with_columns(part=pl.lit(self.name))


_TEXTS = ("problem_id", "source", "level", "kind", "problem", "solution")
_PLACED = pl.Schema(
    {
        **Problem.create_empty().select(_TEXTS).schema,
        POSITION: pl.Int64(),
        "part": pl.String(),
        "thought": pl.String(),
    }
)


def _kept(judged: Judged, marked: pl.DataFrame, seed: int, rejected: Counter[str]) -> pl.DataFrame:
    """Rows that neither a verdict nor `marked` rejects: without their texts, shuffled, with their row number
    in the table as `row`. Counts the rules of the others in `rejected`.
    """
    rows = judged.problems.select(_GROUPS).collect().with_row_index("row")
    rejects = pl.concat([rules_by_row(judged.verdicts), marked.select("rule", "problem_id")])
    first = rejects.unique("problem_id", keep="first", maintain_order=True)
    rules = rows.join(first, on="problem_id", how="left", maintain_order="left")["rule"]
    rejected.update(dict(rules.drop_nulls().value_counts().iter_rows()))
    kept = rows.filter(rules.is_null())
    # Equal draws (one pair in 2^63) stay in the order of the table, which is by id.
    order = np.argsort(draw_orders(seed, kept["problem_id"]), kind="stable")
    return kept[order]


_GROUPS = ("problem_id", "passage_id", "source", "level", "kind")


def _asked(
    rows: pl.DataFrame, lineage: pl.LazyFrame, asked: SyntheticShare, rejected: Counter[str]
) -> pl.DataFrame:
    """The first rows whose passage, seeds and shares have room, as many as are asked for."""
    if asked.of_a_passage is not None:
        nth = pl.int_range(pl.len()).over("passage_id")
        repeated = rows.select((nth >= asked.of_a_passage) & pl.col("passage_id").is_not_null()).to_series()
        rejected["mix.passage_repeated"] += int(repeated.sum())
        rows = rows.filter(~repeated)
    if asked.of_a_seed is not None:
        repeated = _seed_repeated(rows, lineage, asked.of_a_seed)
        rejected["mix.seed_repeated"] += int(repeated.sum())
        rows = rows.filter(~repeated)
    total = rows.height if asked.rows is None else min(asked.rows, rows.height)
    room = Counter(_bounds(asked, total))
    if not room:
        rejected["mix.not_asked"] += rows.height - total
        return rows.head(total)
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


def _seed_repeated(rows: pl.DataFrame, lineage: pl.LazyFrame, most: int) -> pl.Series:
    """Whether one of a row's seeds has reached `most` rows before it; false for a row without seeds."""
    seeds = lineage.select("problem_id", "seed_ids").collect()
    if rows.height and not seeds.height:
        log.warning("of_a_seed leaves out nothing: the lineage names no seed of these problems")
    by_row = rows.join(seeds, on="problem_id", how="left", maintain_order="left")["seed_ids"]
    used: Counter[str] = Counter()
    repeated: list[bool] = []
    for of_row in by_row:
        own = [] if of_row is None else of_row.unique().to_list()
        full = any(used[seed] == most for seed in own)
        repeated.append(full)
        if not full:
            used.update(own)
    return pl.Series(repeated, dtype=pl.Boolean)


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
