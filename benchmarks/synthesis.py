"""What synthesis costs besides the model: the engine's own loop, the row store, and writing.

1. The transformers engine on a CPU against a bare loop of `model.generate` over the same batches, tokens a
   second (`ratio_bare_generate`). Both stop at the end token, so batches hold rows of very different lengths.
2. The whole stage with an engine that returns prepared text: every row keyed, half of them committed to the
   store by one process; a second process finds those, computes the others, and writes all in key order.
   `seconds` is the wall time of the two. `store_share` is that time as a share of what eight H100 need for
   the same completions, 12,500 tokens a second each: what is published of vLLM with Llama 3.1 8B in bf16
   (morphllm.com/vllm-benchmarks, April 2026), and nearly the fastest machine that anybody will run this on.
   `store_share_one_gpu` is the same beside one of them; `microseconds_per_row` compares with nothing.

Prompts have 1,900 characters and completions 2,000, as the released templates and rows do (about 875 tokens).
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from jz3.core.artifacts import In, Out
from jz3.core.execution import Execution, load_execution
from jz3.core.hashing import content_id
from jz3.core.params import load_params
from jz3.generation.engine import Generated, GenerationRequest, ModelSource, Sampling
from jz3.synthesis.synthesize import Synthesis, SynthesizeParams
from jz3.tables.completion import Completion
from jz3.tables.prompt import Prompt

PROMPT_CHARACTERS = 1_900
COMPLETION_CHARACTERS = 2_000
COMPLETION_TOKENS = 875
"""Median of the released prose rows (tokens of Mistral's tokenizer)."""
GPU_TOKENS_A_SECOND = 12_500
"""Tokens a second of one H100 (source above; not measured by us)."""
GPUS = 8
COMMIT_ROWS = 8_000
"""Rows of a batch in the paper profile."""
FRAME_ROWS = 50_000
ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3,000 rows")
    parser.add_argument("--rows", type=int, default=6_000_000)
    parser.add_argument("--folder", type=Path, help="where store and tables go (default: a temporary one)")
    parser.add_argument("--part", choices=["fill", "whole"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        _run_stage(options.folder, options.part)
        return
    rows = 3_000 if options.quick else options.rows
    ratio = _ratio_of_bare_generate(16, 1) if options.quick else _ratio_of_bare_generate(128, 3)
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    before = _children_cpu_seconds()
    try:
        seconds = _simulate(folder, rows)
    finally:
        shutil.rmtree(folder)
    total = sum(seconds.values())
    gpu_seconds = rows * COMPLETION_TOKENS / GPU_TOKENS_A_SECOND
    figures = {
        "ratio_bare_generate": round(ratio, 3),
        "store_share": round(total / (gpu_seconds / GPUS), 5),
        "store_share_one_gpu": round(total / gpu_seconds, 5),
        "microseconds_per_row": round(1e6 * total / rows, 1),
        "rows": rows,
        "seconds": round(total, 1),
        **{f"seconds_{name.replace(' ', '_')}": round(value, 1) for name, value in seconds.items()},
        "cpu_seconds": round(_children_cpu_seconds() - before, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20, 2),
    }
    for name, value in figures.items():
        print(f"{name:32} {value:>14,}")
    print(json.dumps(figures))


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ratio_of_bare_generate(rows: int, repeats: int) -> float:
    """Tokens a second of the engine over those of `generate` on the same batches, each the best of some."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from jz3.generation.transformers_engine import TransformersEngine

    batch, steps = 16, 64
    execution = _execution(batch)
    with tempfile.TemporaryDirectory() as directory:
        _tiny_llama(Path(directory))
        tokenizer = AutoTokenizer.from_pretrained(directory, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(directory).eval()
        engine = TransformersEngine(ModelSource(directory, "0" * 32, "float32"), execution)
        sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=steps, stop=[])
        asked = [GenerationRequest(f"{'word ' * (1 + 7 * row % 40)}{row}", row) for row in range(rows)]
        engine.generate(asked[:batch], sampling)

        def ours() -> int:
            return sum(row.completion_tokens for row in engine.generate(asked, sampling))

        def bare() -> int:
            drawn = 0
            ordered = sorted(asked, key=lambda request: -len(request.prompt))
            for start in range(0, rows, batch):
                texts = [request.prompt for request in ordered[start : start + batch]]
                tokens = tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
                with torch.inference_mode():
                    written = model.generate(**tokens, do_sample=True, top_k=0, max_new_tokens=steps)
                new = written[:, tokens["input_ids"].shape[1] :]
                drawn += int((new != tokenizer.pad_token_id).sum())
            return drawn

        speeds = [(_tokens_a_second(ours), _tokens_a_second(bare)) for _ in range(repeats)]
    return max(speed for speed, _ in speeds) / max(speed for _, speed in speeds)


def _tokens_a_second(write) -> float:  # noqa: ANN001
    started = time.perf_counter()
    tokens = write()
    return tokens / (time.perf_counter() - started)


def _tiny_llama(directory: Path) -> None:
    """A random model over bytes, with 0.9M weights, that writes the end token now and then."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(
        models.BPE(vocab={"<pad>": 0, "<end>": 1} | {c: 2 + i for i, c in enumerate(alphabet)}, merges=[])
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=352,
        max_position_embeddings=512,
        eos_token_id=1,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", pad_token="<pad>").save_pretrained(
        directory
    )


class PreparedText:
    """An engine that writes immediately: each row gets its own text, of the usual length."""

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "prepared", "model": "0" * 32, "dtype": "none"}

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:  # noqa: ARG002
        return [
            Generated(_text(request.seed, COMPLETION_CHARACTERS), "stop", 600, COMPLETION_TOKENS)
            for request in requests
        ]


WORDS = (ROOT / "README.md").read_text().split()
BODY = " ".join(random.Random(0).choices(WORDS, k=1_000_000))


def _text(seed: int, characters: int) -> str:
    """Different words for each seed, so that texts compress like prose and not like copies."""
    start = seed % (len(BODY) - characters)
    return f"{seed} {BODY[start : start + characters]}"


def _simulate(folder: Path, rows: int) -> dict[str, float]:
    """Seconds of each part, each in its own process, like a stage that was killed and repeated."""
    started = time.perf_counter()
    Out(Prompt, folder / "prompts").sink(_prompts(rows))
    print(f"{rows:,} prompts composed in {time.perf_counter() - started:.0f} s", flush=True)
    return {
        "filled half": _timed(folder, "fill"),
        "resumed and written": _timed(folder, "whole"),
    }


def _timed(folder: Path, part: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, __file__, "--part", part, "--folder", str(folder)],
        check=True,
        env=os.environ | {"JZ3_STORE": str(folder / "store"), "PYTHONPATH": str(ROOT)},
    )
    seconds = time.perf_counter() - started
    print(f"{part}: {seconds:.0f} s", flush=True)
    return seconds


def _run_stage(folder: Path, part: str) -> None:
    """`fill` computes every second row and leaves no output; `whole` is the stage."""
    from jz3.synthesis.synthesize import Slice

    params = load_params(SynthesizeParams, "synthesize", ROOT / "profiles" / "paper.yaml")
    prompts = In(Prompt, folder / "prompts").scan()
    synthesis = Synthesis(prompts, "full", PreparedText(), params, _execution(COMMIT_ROWS))
    if part == "fill":
        synthesis.fill(Slice(1, 2))
    else:
        print(Out(Completion, folder / "completions").sink(synthesis.completions()).metrics.rows)


def _prompts(rows: int) -> Iterator[pl.DataFrame]:
    """Frames of Prompt in key order."""
    ids = sorted(content_id(str(row)) for row in range(rows))
    for start in range(0, rows, FRAME_ROWS):
        part = ids[start : start + FRAME_ROWS]
        seeds = [int(prompt_id[:12], 16) for prompt_id in part]
        yield Prompt.cast(
            pl.DataFrame(
                {
                    "prompt_id": part,
                    "passage_id": part,
                    "source": "web",
                    "level": "college",
                    "kind": ["tool" if seed % 100 < 27 else "cot" for seed in seeds],
                    "full": [_text(seed, PROMPT_CHARACTERS) for seed in seeds],
                    "compact": [_text(seed, PROMPT_CHARACTERS // 2) for seed in seeds],
                }
            )
        )


def _execution(batch: int) -> Execution:
    changes = {"generation_batch": batch, "generation_commit": batch, "device": "cpu", "threads": 1}
    return load_execution(ROOT / "profiles" / "execution" / "paper.yaml").model_copy(update=changes)


if __name__ == "__main__":
    main()
