"""The training set as packed blocks, in training order.

Rows are packed within windows of `window_rows`; windows keep the order of the mix, so that a larger window
fills better and mixes more. Pre-training and instruction rows never share a block or a window. Rows longer
than a block are rejected by a rule, and so are rows that a chat template refuses; a share of the rows is held
out to measure the loss on. One pass, one window in memory; a row costs about as much as one batched call of
its tokenizer.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import MANIFEST, In
from jz3.core.errors import UserError
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.core.progress import Progress
from jz3.core.remedies import remedy
from jz3.lm.blocks import BlockWriter, pack_flat
from jz3.lm.encode import IGNORED_LABEL, FlatRows, encode_flat, joined_rows
from jz3.lm.model import load_tokenizer, padding_token, tokenizer_digest
from jz3.tables.blocks_manifest import HELD_OUT_BLOCKS, BlocksManifest, HeldOut
from jz3.tables.ledger import Ledger
from jz3.tables.training_row import TrainingRow
from jz3.training.row_texts import RowForm, RowTexts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

ENCODED_AT_ONCE = 1000
"""Rows encoded together (chosen: a tokenizer needs some hundred bytes per token while it encodes a batch)."""
TOO_LONG, HELD_OUT, NOT_TEMPLATED = "pack.too_long", "pack.held_out", "pack.not_templated"


class PackParams(Params):
    """Section `pack`."""

    block_length: int = Field(gt=1)
    """Tokens of a block."""
    window_rows: int = Field(gt=0)
    """Rows that are packed together; rows of a window may change places."""
    held_out_share: float = Field(ge=0, lt=1)
    """The share of rows, drawn by hash, to leave untrained; their loss is reported by source and kind."""
    seed: Seed
    """The seed of that draw."""
    form: RowForm


class PackMetrics(BaseModel):
    """`rows` are the rows of the training set."""

    rows: Ledger
    blocks: int
    instruction_blocks: int
    tokens: int
    """Tokens without padding."""
    label_tokens: int
    fill: float
    """Share of the blocks' places that hold a token."""


@dataclass
class _Account:
    """What was packed so far."""

    read: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter[str])
    """Rejected rows by rule."""
    tokens: int = 0
    label_tokens: int = 0
    blocks: Counter[str] = field(default_factory=Counter[str])
    """Blocks by part."""


def pack(training: In[TrainingRow], base: Path, directory: Path, params: PackParams) -> PackMetrics:
    """Write the blocks of a training set into a directory, with their manifest.

    Raises UserError if an instruction row precedes a pre-training row.
    """
    tokenizer = load_tokenizer(base)
    texts = RowTexts(params.form, tokenizer)
    account = _Account()
    held_out: list[pl.DataFrame] = []
    with (
        BlockWriter(directory, params.block_length) as writer,
        Progress("pack", training.rows(), "rows") as bar,
    ):
        for window in windows(training, params.window_rows):
            is_held_out = _drawn(window, params)
            held_out.append(_copied(window.filter(is_held_out)))
            _pack_window(window.filter(~is_held_out), texts, params, account, writer)
            bar.advance(window.height)
    groups = _pack_held_out(held_out, texts, directory / HELD_OUT_BLOCKS, params, account)
    manifest = _manifest(account, tokenizer, params, groups)
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return PackMetrics(
        rows=Ledger(
            read=account.read,
            kept=account.kept,
            rejected=dict(sorted(account.rejected.items())),
            failed=0,
        ),
        blocks=manifest.blocks,
        instruction_blocks=account.blocks["instruction"],
        tokens=account.tokens,
        label_tokens=account.label_tokens,
        fill=manifest.fill,
    )


def windows(training: In[TrainingRow], window_rows: int) -> Iterator[pl.DataFrame]:
    """Frames of at most `window_rows` rows of one part, in training order: pre-training, then instruction."""
    ended = False
    for frame in training.frames(window_rows):
        pretrain = frame.filter(pl.col("part") == "pretrain")
        if ended and pretrain.height:
            raise UserError(
                f"row {pretrain['position'][0]} of {training.path} is a pre-training row behind an "
                f"instruction row; all instruction rows were expected last. "
                f"{remedy(training.path, 'Sort the table in this order.')}"
            )
        instruction = frame.filter(pl.col("part") == "instruction")
        ended = ended or instruction.height > 0
        yield from (window for window in (pretrain, instruction) if window.height)


def encode_window(window: pl.DataFrame, texts: RowTexts, block_length: int) -> tuple[FlatRows, Counter[str]]:
    """The rows of a window that fit into a block, encoded in batches, and the number of others by rule."""
    batches: list[FlatRows] = []
    rejected: Counter[str] = Counter()
    for part in window.select("position", "kind", "turns").iter_slices(ENCODED_AT_ONCE):
        read = list(zip(part["position"], texts.of(part), strict=True))
        written = [(number, text) for number, text in read if text is not None]
        rows = encode_flat(
            texts.tokenizer, [number for number, _ in written], [text for _, text in written], block_length
        )
        rejected[NOT_TEMPLATED] += len(read) - len(written)
        rejected[TOO_LONG] += len(written) - len(rows.lengths)
        batches.append(rows)
    return joined_rows(batches), +rejected


def _pack_window(
    window: pl.DataFrame, texts: RowTexts, params: PackParams, account: _Account, writer: BlockWriter
) -> None:
    if not window.height:
        return
    rows, rejected = encode_window(window, texts, params.block_length)
    kept, first_block = len(rows.lengths), writer.blocks
    for blocks in pack_flat(rows, params.block_length, padding_token(texts.tokenizer)):
        writer.write(blocks)
        account.label_tokens += blocks.label_tokens
    account.read += window.height
    account.kept += kept
    account.rejected += rejected
    account.tokens += len(rows.tokens)
    account.blocks[window["part"][0]] += writer.blocks - first_block


def _drawn(window: pl.DataFrame, params: PackParams) -> pl.Series:
    """Draw rows to hold out, each by its own hash, so that a larger training set holds out the same rows and
    more.
    """
    if not params.held_out_share:
        return pl.repeat(value=False, n=window.height, eager=True)
    below = params.held_out_share * 2**63
    return pl.Series([draw_order(params.seed, row) < below for row in window["row_id"]], dtype=pl.Boolean)


def _copied(rows: pl.DataFrame) -> pl.DataFrame:
    """A copy of rows that is to be kept: rows from a filter keep the text of all alive (46 MB per window,
    measured).
    """
    return pl.DataFrame(rows.rows(), schema=rows.schema, orient="row")


def _pack_held_out(
    frames: list[pl.DataFrame],
    texts: RowTexts,
    directory: Path,
    params: PackParams,
    account: _Account,
) -> list[HeldOut]:
    """Write separate blocks for each source and kind; rows too long for a block are counted as rejected."""
    rows = pl.concat(frames) if frames else pl.DataFrame()
    groups: list[HeldOut] = []
    with BlockWriter(directory, params.block_length) as writer:
        for (source, kind), group in (
            rows.sort("source", "kind", "position").group_by("source", "kind", maintain_order=True)
            if rows.height
            else ()
        ):
            seen = _Account()
            first = writer.blocks
            _pack_window(group, texts, params, seen, writer)
            account.read += seen.read
            account.rejected += seen.rejected + Counter({HELD_OUT: seen.kept})
            groups.append(
                HeldOut(
                    source=str(source),
                    kind=str(kind),
                    rows=seen.kept,
                    first_block=first,
                    blocks=writer.blocks - first,
                )
            )
    return groups


def _manifest(
    account: _Account, tokenizer: "PreTrainedTokenizerFast", params: PackParams, held_out: list[HeldOut]
) -> BlocksManifest:
    blocks = account.blocks.total()
    return BlocksManifest(
        tokenizer_digest=tokenizer_digest(tokenizer),
        form=params.form.model_dump(),
        block_length=params.block_length,
        blocks=blocks,
        rows=account.kept,
        tokens=account.tokens,
        label_tokens=account.label_tokens,
        fill=account.tokens / (blocks * params.block_length) if blocks else 0.0,
        first_instruction_block=account.blocks["pretrain"],
        padding_label=IGNORED_LABEL,
        held_out=held_out,
    )
