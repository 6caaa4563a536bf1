"""Token ids and labels of what `mix` and `pack` leave are the same as before rows were lists of turns.

The digests were taken from the version with one input and one output per row. If one of them changes, every
trained model changes.
"""

import hashlib

import numpy as np
import polars as pl
import pytest

from jz3.core.artifacts import In, Out
from jz3.curation.marked_thoughts import no_thoughts
from jz3.curation.mix import Companions, Judged, MixParams, mix
from jz3.lm.blocks import open_blocks
from jz3.lm.encode import encode_rows
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.lineage import Lineage
from jz3.tables.training_row import TrainingRow
from jz3.training.pack import PackParams, pack
from tests.curation.rows import problem, problems
from tests.lm.test_encode import TOKENIZERS
from tests.lm.texts import TEXTS
from tests.training.test_pack import PARAMS, base_model  # noqa: F401

TAILS = ("", " 𝑥</s>", "\n```python\nprint(3)\n```\n```output\n3\n```\nSo \\boxed{3}.", "<|end|>")
QUESTIONS = (f"## Question\n{TEXTS[0]}\n\n## Solution\n", "Tom has 3", "数 é ", TEXTS[1])
PAIRS = [
    (question, f"Step {n}: {TEXTS[n % 4]}{tail}")
    for n in range(9)
    for question in QUESTIONS
    for tail in TAILS
]
MIX = MixParams.model_validate(
    {
        "seed": 17,
        "synthetic": {
            "rows": None,
            "kinds": {},
            "sources": {},
            "levels": {},
            "of_a_passage": None,
            "of_a_seed": None,
        },
        "shown_output_characters": 12,
        "learn_output": True,
        "thoughts": "left_out",
    }
)


def digest(*arrays) -> str:
    found = hashlib.blake2b(digest_size=8)
    for array in arrays:
        found.update(np.ascontiguousarray(array, np.int64).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ours", "90130fb9b718a1ef"), ("metaspace", "24001ce7bbc426ed"), ("closing", "75d4724e54e91627")],
)
def test_pairs_have_the_tokens_and_labels_of_before(name, expected):
    rows = encode_rows(TOKENIZERS[name], *map(list, zip(*PAIRS, strict=True)), 10**6)
    assert digest(*(row.tokens for row in rows), *(row.labels for row in rows)) == expected


def test_blocks_of_a_mix_have_the_tokens_and_labels_of_before(base_model, tmp_path):  # noqa: F811
    solved = [
        problem(f"p{n:03}", question, solution, kind="tool" if "python" in solution else "cot")
        for n, (question, solution) in enumerate(PAIRS)
    ]
    printed = [(f"p{n:03}", "ok", [f"{n}" * n], f"{n}" * n, n % 2 == 0, None) for n in range(0, 100, 2)]
    printed = [row for row in printed if "python" in PAIRS[int(row[0][1:])][1]]
    results = pl.DataFrame(printed, schema=ExecutionResult.create_empty().schema, orient="row")
    training = Out(TrainingRow, tmp_path / "training")
    synthetic, instruction = (Judged(problems(*part).lazy(), []) for part in (solved[:120], solved[120:]))
    companions = Companions(results, Lineage.create_empty().lazy(), no_thoughts())
    chosen = mix(synthetic, instruction, companions, MIX, training.scratch)
    assert training.sink(chosen).metrics.corrected > 10
    table = In(TrainingRow, training.path)
    texts = "".join(before + after for before, after in table.read().select("input", "output").iter_rows())
    (tmp_path / "blocks").mkdir()
    params = PackParams.model_validate(
        PARAMS.model_dump() | {"block_length": 160, "window_rows": 48, "held_out_share": 0.1, "seed": 3}
    )
    pack(table, base_model, tmp_path / "blocks", params)
    blocks = [open_blocks(tmp_path / name) for name in ("blocks", "blocks/held_out")]
    found = [
        [digest(getattr(one, name)) for name in ("tokens", "labels", "positions", "documents", "rows")]
        for one in blocks
    ]
    assert hashlib.blake2b(texts.encode(), digest_size=8).hexdigest() == "18550c923fcfc91b"
    assert [len(one) for one in blocks] == [92, 11]
    assert found == [
        ["9fdec00a1d52ba96", "a2eb90475475eef2", "6f05ba2483f25133", "14adbce1fb6829e5", "ecac5a78913a57ec"],
        ["0438e88642c86439", "c23e86b1e619f86b", "a8f153867a13fcd2", "58fa716230dd7b24", "b1e14d8b3a6ea9f7"],
    ]
