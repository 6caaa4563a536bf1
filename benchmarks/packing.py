"""How fast rows are packed into blocks, and how full the blocks are.

Row lengths follow those of the released prose problems (1,000 of them: median 875 tokens, 95 % below 1,414,
the longest above a block, which are left out as `pack` rejects them), drawn from a gamma distribution.
"""

import argparse
import json
import resource
import time

import numpy as np

from jz3.lm.blocks import best_fit, pack_rows
from jz3.lm.encode import EncodedRow

BLOCK_LENGTH = 2048
WINDOW_ROWS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    rows = 100_000 if parser.parse_args().quick else 1_000_000
    lengths = _lengths(rows)
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
    for name, value in figures.items():
        print(f"{name:28} {value:>12,}")
    print(json.dumps(figures))


def _lengths(rows: int) -> np.ndarray:
    drawn = np.random.Generator(np.random.Philox(0)).gamma(7.3, 120.0, rows)
    return drawn.astype(np.int64).clip(16, BLOCK_LENGTH)


def _lay_out(lengths: np.ndarray) -> tuple[int, float]:
    """Rows, and seconds of CPU for the whole way from token lists to arrays."""
    rows = [EncodedRow([1] * int(length), [1] * int(length)) for length in lengths]
    started = time.process_time()
    pack_rows(dict(enumerate(rows)), BLOCK_LENGTH, 0)
    return len(rows), time.process_time() - started


if __name__ == "__main__":
    main()
