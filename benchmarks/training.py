"""What training costs beside what it must cost: tokenising, packing, and the steps themselves.

Rows are the released prose problems (`samples/cot.jsonl` under $JZ3_SHARED), repeated; without that folder
they are sums in words, and the table says so. Each ratio is taken within one run, in seconds of CPU:

- `share_of_bare_tokenizer`: a training set read from parquet, checked and tokenised as `pack` does it, with
  its masks, against one call of the same tokenizer on the same texts in memory.
- `ratio_bare_loop`: trained by jz3 against a plain torch loop on the same blocks, weights and steps.
- `ratio_padded`: the same against that loop on the same rows in their order, one row each, padded to the
  longest of their batch (as many rows a batch as a block holds on average).

The one pass from parquet to blocks on disk runs in a process of its own for each number of rows: its peak of
memory must not grow with them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from packing import sample_rows

from jz3.core.artifacts import In, Out
from jz3.core.execution import load_execution
from jz3.lm.blocks import Blocks, pack_flat
from jz3.lm.encode import IGNORED_LABEL
from jz3.lm.model import cache, load_model, load_tokenizer, padding_token
from jz3.lm.plan import OptimizerParams, Plan, cut_into_steps
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.tables.training_row import TrainingRow
from jz3.text.training_text import BEFORE_QUESTION, BEFORE_SOLUTION, training_input
from jz3.training.base import ConfigModel, build
from jz3.training.pack import PackParams, encode_window, pack, windows
from jz3.training.row_texts import RowForm, RowTexts

PLAIN = RowForm(turns="plain", earlier_thoughts="kept")
ROOT = Path(__file__).parent.parent
BLOCK_LENGTH, WINDOW_ROWS = 2048, 100_000
"""As in the paper profile."""
VOCABULARY = 4096
MODEL = ConfigModel(
    kind="config", hidden_size=192, layers=5, heads=4, mlp=512, seed=0, max_positions=BLOCK_LENGTH,
    training=None,
)  # fmt: skip
"""3M weights (chosen: a minute of one core reads some 200,000 tokens)."""
OPTIMIZER = OptimizerParams(
    learning_rate=1e-3, weight_decay=0.1, beta1=0.9, beta2=0.95, epsilon=1e-8, gradient_clip=1.0,
    precision="bf16", muon=None,
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    sample: int
    """Rows of the sample, on which the tokenizer is trained and which the tables repeat."""
    tokenised: int
    repeats: int
    """Of tokenising: it is short, so the best counts."""
    steps: int
    step_blocks: int
    passes: tuple[int, ...]
    """Rows; each pass is a process of its own."""


WHOLE = Sizes(1_000, 1_000, 4, 10, 4, (100_000, 300_000))
QUICK = Sizes(200, 200, 2, 2, 1, (200,))
SCHEDULE = WarmupStableDecay(warm_up=0.1, stable=0.8, floor=0.1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="some hundred rows, two steps of a block")
    parser.add_argument("--folder", type=Path, help="where tables and blocks go (default: a temporary one)")
    parser.add_argument("--pass", dest="rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(_pass(options.folder, options.rows)))
        return
    sizes = QUICK if options.quick else WHOLE
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = _figures(Path(folder), sizes)
    for name, value in figures.items():
        print(f"{name:32} {value:>14,}")
    print(json.dumps(figures))


def _figures(folder: Path, sizes: Sizes) -> dict[str, float]:
    rows, source = _rows(sizes.sample)
    print(f"rows of {source}")
    base = folder / "base"
    base.mkdir()
    build(MODEL, train_tokenizer([before + after for before, after in rows], VOCABULARY), base)
    figures = {**_tokenising(folder, base, rows, sizes), **_training(folder, base, sizes)}
    for size in sizes.passes:
        _write_table(folder / f"{size}", rows, size)
        done = subprocess.run(
            [sys.executable, __file__, "--pass", str(size), "--folder", str(folder)],
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        made = json.loads(done.stdout)
        figures[f"pass_peak_gb_{size}"] = round(made["peak_gb"], 2)
        figures["pass_rows_per_cpu_second"] = round(size / made["cpu_s"])
        figures["pass_rows_per_second"] = round(size / made["wall_s"])
        figures["pass_tokens_per_cpu_second"] = round(made["tokens"] / made["cpu_s"])
    figures["hours_for_6m_rows"] = round(6e6 / figures["pass_rows_per_second"] / 3600, 2)
    return figures


def _rows(count: int) -> tuple[list[tuple[str, str]], str]:
    """Question and solution of each row, and where they come from."""
    sample = [
        (row["input"].removeprefix(BEFORE_QUESTION).removesuffix(BEFORE_SOLUTION["cot"]), row["output"])
        for row in sample_rows()[:count]
    ]
    if sample:
        return sample, "samples/cot.jsonl"
    return [
        (f"What is {a} and {a + 7}?", f"{a} and {a + 7} are {2 * a + 7}. " * 40) for a in range(count)
    ], "sums in words (no samples/cot.jsonl under $JZ3_SHARED)"


def _write_table(path: Path, rows: list[tuple[str, str]], size: int) -> None:
    """A table whose rows are numbered, so that no two texts are equal (parquet would store equal ones
    once).
    """

    def frames() -> Iterator[pl.DataFrame]:
        for first in range(0, size, 10_000):
            numbers = range(first, min(first + 10_000, size))
            texts = [rows[number % len(rows)] for number in numbers]
            yield pl.DataFrame(
                {
                    "position": numbers,
                    "row_id": [f"r{number:07}" for number in numbers],
                    "part": ["pretrain"] * len(numbers),
                    "source": ["web"] * len(numbers),
                    "level": ["grade"] * len(numbers),
                    "kind": ["cot"] * len(numbers),
                    "turns": [
                        [
                            {"role": "user", "text": f"{number}\n{text[0]}", "learn": False},
                            {"role": "assistant", "text": text[1], "learn": True},
                        ]
                        for number, text in zip(numbers, texts, strict=True)
                    ],
                    "input": [
                        training_input(f"{number}\n{text[0]}", "cot")
                        for number, text in zip(numbers, texts, strict=True)
                    ],
                    "output": [text[1] for text in texts],
                },
                schema=TrainingRow.create_empty().schema,
            )

    Out(TrainingRow, path).sink(frames())


def _tokenising(folder: Path, base: Path, rows: list[tuple[str, str]], sizes: Sizes) -> dict[str, float]:
    _write_table(folder / "tokenised", rows, sizes.tokenised)
    table = In(TrainingRow, folder / "tokenised")
    texts = [before + after for before, after in table.scan().select("input", "output").collect().iter_rows()]
    tokenizer = load_tokenizer(base)
    written = RowTexts(PLAIN, tokenizer)

    def ours() -> int:
        return sum(
            len(encode_window(window, written, 10**6)[0].tokens) - window.height  # the end token of each row
            for window in windows(table, WINDOW_ROWS)
        )

    def bare() -> int:
        return sum(map(len, tokenizer(texts)["input_ids"]))

    found = _rates(sizes.repeats, ours, bare)
    return {
        "tokens_per_cpu_second": round(found[0]),
        "bare_tokens_per_cpu_second": round(found[1]),
        "share_of_bare_tokenizer": round(found[0] / found[1], 3),
    }


def _rates(repeats: int, *ways: Callable[[], int]) -> list[float]:
    """Tokens per CPU second of each way, the best of several repeats; the ways take turns."""
    best = [0.0] * len(ways)
    for _ in range(repeats):
        for place, way in enumerate(ways):
            started = time.process_time()
            tokens = way()
            best[place] = max(best[place], tokens / (time.process_time() - started))
    return best


def _training(folder: Path, base: Path, sizes: Sizes) -> dict[str, float]:
    import torch

    tokenizer = load_tokenizer(base)
    (window,) = windows(In(TrainingRow, folder / "tokenised"), WINDOW_ROWS)
    rows, _ = encode_window(window, RowTexts(PLAIN, tokenizer), BLOCK_LENGTH)
    blocks = next(pack_flat(rows, BLOCK_LENGTH, padding_token(tokenizer))).part(
        0, sizes.steps * sizes.step_blocks
    )
    plan = Plan(cut_into_steps(np.arange(len(blocks)), sizes.step_blocks), [sizes.steps])
    execution = load_execution(ROOT / "profiles/execution/embedded.yaml").model_copy(
        update={"threads": 1, "training_batch": 1}
    )
    torch.set_num_threads(1)
    tokens = int((blocks.documents > 0).sum())
    training = Training(
        what="ours",
        blocks=blocks,
        plan=plan,
        schedule=SCHEDULE,
        optimizer=OPTIMIZER,
        seed=0,
        execution=execution,
    )

    def ours() -> int:
        train(load_model(base, "float32"), training)
        return tokens

    def bare() -> int:
        _bare_loop(base, [[_of_blocks(blocks, number) for number in step.tolist()] for step in plan.steps])
        return tokens

    def padded() -> int:
        _bare_loop(base, _padded_steps(blocks, sizes.step_blocks))
        return tokens

    first_step = replace(training, what="imports", plan=Plan(plan.steps[:1], [1]))
    train(load_model(base, "float32"), first_step)
    own, loop, pad = _rates(1, ours, bare, padded)  # long: once
    return {
        "trained_tokens_per_cpu_second": round(own),
        "bare_loop_tokens_per_cpu_second": round(loop),
        "padded_tokens_per_cpu_second": round(pad),
        "ratio_bare_loop": round(own / loop, 3),
        "ratio_padded": round(own / pad, 3),
    }


Piece = dict[str, np.ndarray]
"""What goes through the model at once: its arguments, and `labels`, all [rows, tokens]."""


def _of_blocks(blocks: Blocks, number: int) -> Piece:
    at = slice(number, number + 1)
    return {
        "input_ids": blocks.tokens[at],
        "position_ids": blocks.positions[at],
        "labels": blocks.labels[at],
    }


def _padded_steps(blocks: Blocks, step_blocks: int) -> list[list[Piece]]:
    """The documents of the blocks in training order, with as many per piece and step as the blocks hold."""
    documents = [
        (blocks.tokens[block][is_of], blocks.labels[block][is_of])
        for block in range(len(blocks))
        for number in range(1, int(blocks.documents[block].max()) + 1)
        for is_of in [blocks.documents[block] == number]
    ]
    ordered = [documents[place] for place in np.argsort(blocks.rows)]
    pieces = [_padded(list(piece)) for piece in np.array_split(np.array(ordered, object), len(blocks))]
    return [pieces[first : first + step_blocks] for first in range(0, len(pieces), step_blocks)]


def _padded(documents: list[tuple[np.ndarray, np.ndarray]]) -> Piece:
    shape = (len(documents), max(len(tokens) for tokens, _ in documents))
    piece = {
        "input_ids": np.zeros(shape, np.int64),
        "attention_mask": np.zeros(shape, np.int64),
        "labels": np.full(shape, IGNORED_LABEL, np.int64),
    }
    for place, (tokens, labels) in enumerate(documents):
        piece["input_ids"][place, : len(tokens)] = tokens
        piece["attention_mask"][place, : len(tokens)] = 1
        piece["labels"][place, : len(labels)] = labels
    return piece


def _bare_loop(base: Path, steps: list[list[Piece]]) -> None:
    """The same training in plain torch: the model's own attention, AdamW, autocast, clipping, schedule."""
    import torch

    model = load_model(base, "float32").train()
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(weights, betas=(OPTIMIZER.beta1, OPTIMIZER.beta2), fused=True)
    with cache(model, on=False):
        for number, pieces in enumerate(steps):
            for group in optimizer.param_groups:
                group["lr"] = OPTIMIZER.learning_rate * SCHEDULE(number, len(steps))
            labelled = sum(int((piece["labels"][:, 1:] != IGNORED_LABEL).sum()) for piece in pieces)
            for piece in pieces:
                given = {name: torch.as_tensor(values).long() for name, values in piece.items()}
                labels = given.pop("labels")
                with torch.autocast("cpu", torch.bfloat16):
                    logits = model(**given).logits
                loss = torch.nn.functional.cross_entropy(
                    logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(), reduction="sum"
                )
                (loss / labelled).backward()
            torch.nn.utils.clip_grad_norm_(weights, OPTIMIZER.gradient_clip)
            optimizer.step()
            optimizer.zero_grad()


def _pass(folder: Path, rows: int) -> dict[str, float]:
    """In a process of its own: from the table of this many rows to blocks on disk."""
    params = PackParams(
        block_length=BLOCK_LENGTH, window_rows=WINDOW_ROWS, held_out_share=5e-4, seed=0, form=PLAIN
    )
    with tempfile.TemporaryDirectory(dir=folder) as blocks:
        started, used = time.monotonic(), time.process_time()
        metrics = pack(In(TrainingRow, folder / str(rows)), folder / "base", Path(blocks), params)
    return {
        "tokens": metrics.tokens,
        "wall_s": time.monotonic() - started,
        "cpu_s": time.process_time() - used,
        "peak_gb": _peak_gb(),
    }


def _peak_gb() -> float:
    """Peak memory of this program: `getrusage` may report that of the program that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
