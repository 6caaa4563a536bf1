"""BlocksManifest: packed training blocks, as arrays that training maps into memory."""

from pydantic import BaseModel

HELD_OUT_BLOCKS = "held_out"
"""Directory, under the blocks', of those that are not trained on."""


class HeldOut(BaseModel):
    """Blocks of one source and kind in HELD_OUT_BLOCKS, which are not trained on."""

    source: str
    kind: str
    rows: int
    first_block: int
    blocks: int


class BlocksManifest(BaseModel):
    """`tokens.npy` [blocks, block_length] and `learnt.npy` (a bit for each token that bears loss) hold the
    blocks; `lengths.npy`, `rows.npy` and `row_starts.npy` say which rows of the training set, of how many
    tokens, are in a block. `jz3/lm/blocks.py` reads them.
    """

    tokenizer_digest: str
    form: dict[str, str]
    """How rows became texts: `pack.form` as it was."""
    block_length: int
    """Tokens in a block."""
    blocks: int
    rows: int
    """Rows of the training set that are in the blocks."""
    tokens: int
    """Without padding."""
    label_tokens: int
    """Tokens that bear loss."""
    fill: float
    """tokens / (blocks x block_length)."""
    first_instruction_block: int
    """Blocks from this one on hold instruction data; equal to `blocks` where there are none."""
    padding_label: int
    held_out: list[HeldOut]
    """By source and kind; none of their rows is in the blocks."""
