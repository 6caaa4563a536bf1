"""BlocksManifest: packed training blocks, as arrays that training maps into memory."""

from pydantic import BaseModel


class BlocksManifest(BaseModel):
    """`tokens.npy`, `labels.npy`, `positions.npy`, `documents.npy`, each [blocks, block_length]."""

    tokenizer_digest: str
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
