"""How fast rows are packed into blocks, and how full the blocks are.

The lengths are those of the released prose problems (`samples/cot.jsonl` under $JZ3_SHARED), in tokens of a
tokenizer trained on them, repeated to a million rows; without that folder they are drawn from a gamma
distribution of like median and spread, and the table says so. Rows above a block are left out, as `pack`
rejects them.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np

from jz3.lm.blocks import best_fit, pack_flat
from jz3.lm.encode import FlatRows
from jz3.lm.tokenizer import train_tokenizer

BLOCK_LENGTH = 2048
WINDOW_ROWS = 100_000
VOCABULARY = 32_000
"""The size asked for; the sample has words for half of it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    rows = 100_000 if parser.parse_args().quick else 1_000_000
    known, source = _known_lengths()
    lengths = np.resize(known[known <= BLOCK_LENGTH], rows)
    started = time.process_time()
    blocks = sum(
        int(best_fit(window, BLOCK_LENGTH).max()) + 1
        for window in np.split(lengths, range(WINDOW_ROWS, rows, WINDOW_ROWS))
    )
    placing = time.process_time() - started
    laid_out_rows, laying_out = _lay_out(lengths[: rows // 50])
    figures = {
        "rows_per_second": round(rows / placing),
        "fill": round(float(lengths.sum()) / (blocks * BLOCK_LENGTH), 4),
        "laid_out_rows_per_second": round(laid_out_rows / laying_out),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    print(f"{rows:,} rows with lengths of {source}; median {np.median(known):.0f} tokens")
    for name, value in figures.items():
        print(f"{name:28} {value:>12,}")
    print(json.dumps(figures))


def sample_rows() -> list[dict[str, str]]:
    """Input and output of the released prose problems; none where the folder is not there."""
    file = Path(os.environ.get("JZ3_SHARED", "../shared"), "samples", "cot.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _known_lengths() -> tuple[np.ndarray, str]:
    """Lengths in tokens with begin and end token, and where they come from."""
    texts = [row["input"] + row["output"] for row in sample_rows()]
    if not texts:
        drawn = np.random.Generator(np.random.Philox(0)).gamma(7.3, 120.0, 100_000)
        return drawn.astype(np.int64).clip(
            16
        ), "a gamma distribution (no samples/cot.jsonl under $JZ3_SHARED)"
    tokenizer = train_tokenizer(texts, VOCABULARY)
    encoded = tokenizer.backend_tokenizer.encode_batch(texts)
    return np.array([len(encoding.ids) + 1 for encoding in encoded]), "samples/cot.jsonl"


def _lay_out(lengths: np.ndarray) -> tuple[int, float]:
    """Rows, and seconds of CPU for the whole way from tokens to arrays."""
    rows = FlatRows(
        np.ones(int(lengths.sum()), np.int32),
        np.ones(int(lengths.sum()), np.bool_),
        lengths,
        np.arange(len(lengths)),
    )
    started = time.process_time()
    for _ in pack_flat(rows, BLOCK_LENGTH, 0):
        pass
    return len(lengths), time.process_time() - started


if __name__ == "__main__":
    main()
