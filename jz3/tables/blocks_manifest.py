"""BlocksManifest: packed training blocks, as arrays that training maps into memory."""

from pydantic import BaseModel

HELD_OUT_BLOCKS = "held_out"
"""The directory of the blocks that are not trained on, inside that of the others."""


class HeldOut(BaseModel):
    """Blocks of one source and kind in HELD_OUT_BLOCKS, which are not trained on."""

    source: str
    kind: str
    rows: int
    first_block: int
    blocks: int


class BlocksManifest(BaseModel):
    """The directory holds these arrays, which `jz3/lm/blocks.py` reads:

    - `tokens.npy`: [blocks, block_length]
    - `learnt.npy`: a bit for each token that says whether it bears loss
    - `lengths.npy`, `rows.npy`, `row_starts.npy`: which rows of the training set are in each block, and how
      many tokens each of them has
    """

    tokenizer_digest: str
    form: dict[str, str]
    """How rows became texts: `pack.form` at that time."""
    block_length: int
    """Tokens in a block."""
    blocks: int
    rows: int
    """Rows of the training set that are in the blocks."""
    tokens: int
    """Tokens without padding."""
    label_tokens: int
    """Tokens that bear loss."""
    fill: float
    """tokens / (blocks x block_length)."""
    first_instruction_block: int
    """Blocks from this one on hold instruction data; equal to `blocks` if there are none."""
    padding_label: int
    held_out: list[HeldOut]
    """Held-out blocks by source and kind; none of their rows is in the other blocks."""
