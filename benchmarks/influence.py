"""Exact influence against LESS with its projection: speed, rank agreement, memory.

    OMP_NUM_THREADS=1 python benchmarks/influence.py            # 400 candidates
    OMP_NUM_THREADS=1 python benchmarks/influence.py --quick    # 32 candidates, less training and projection

A Llama of 6.4M weights, trained on problems of the built-in writer, and LoRA of rank 16 on its seven linears,
warmed up by the stage's own code, in a process of its own, as `dvc repro` runs it. Times are CPU time of one
thread, of the passes that `attribute` makes (Adam form, bf16), against two paths that stand in this file:

- LESS: batch 1, fp32, Rademacher projection to 8,192 in blocks of 128 that are drawn anew for every 16
  gradients, as LESS sets up trak's BasicProjector; 8 candidates are timed, their projection as half of 16.
  `--quick` draws one of the 64 blocks and counts it 64 times.
- A stronger one: batch 1, bf16, the matrix drawn once and kept in bf16 (8 GB whole; 1,024 of its columns are
  drawn and counted eight times), 128 gradients projected at once; drawing is not counted.

The truth is fp32, batch 1, autograd through peft's own layers, cosines unprojected. Nothing is compiled.
`gradients_overhead` is per-sample gradients over a pass of ours without them, from the embeddings and back
(the pass with gradients ends at the first layers that bear an adapter): each batch goes through every
part, one after the other in an order drawn anew, and the median of these ratios counts, so that what else the
machine does falls on both sides. `_low` and `_high` bound that median with 95 % (order statistics),
`_quarter` and `_three_quarters` are the quartiles of the single ratios. `gradients_over_bare` is the same
over a bare pass of the same model and batch, as transformers has it: padded, with an attention mask and
labels, its own loss. Ours computes logits only where there is a label, and needs no mask.
`peak_gb` is the memory of a process that does nothing but `attribute`.

Where there is a GPU, a Llama of 1B weights goes through the passes there, too: weights and tokens are
random, as time does not depend on them. `gpu_hours_7b` is scaled by weights to 100,000 candidates of 512
tokens, 7B and 4 checkpoints. Not run on a GPU so far.
"""

# ruff: noqa: N803, N806, N815 (names of tensors end in their shape)

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import polars as pl
import torch
from peft import PeftModel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from jz3.core.artifacts import InDir, OutDir
from jz3.core.execution import Execution, load_execution
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.checkpoints import BASE, LoraLayer, Moments, Precision, Reference, open_checkpoint
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import backward, cut_batches, losses
from jz3.influence.similarity import TaskGradients, similarities, task_gradients
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import FullParams, WarmupParams
from jz3.lm.encode import EncodedRow, encode_rows
from jz3.lm.lora import LoraParams
from jz3.lm.model import load_model, load_tokenizer
from jz3.lm.plan import OptimizerParams
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.words import LEVELS
from jz3.text.training_text import training_input
from jz3.training.base import ConfigModel, build
from jz3.writer.write import write_problem

PROJECTED, LESS_BLOCK, LESS_ROWS = 8192, 128, 16
KEPT_COLUMNS, KEPT_ROWS = 1024, 128
LESS_CANDIDATES = 8
MAX_TOKENS = 400
BATCH = 6
"""Blocks of MAX_TOKENS at once: 16 problems of 150 tokens (of 3, 6 and 12 blocks the fastest)."""
WITHOUT = "forward and backward"
BARE = "bare forward and backward"
TASKS = ("grade", "high")
"""Levels whose problems are the targets: one task each."""

OPTIMIZER = OptimizerParams(
    learning_rate=1e-3,
    weight_decay=0.0,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="bf16",
    muon=None,
)


@dataclass(frozen=True)
class Sizes:
    candidates: int
    targets: int
    trained: int
    """Problems that the base learns, once."""
    less_blocks: int
    passes: int
    """Over the candidates."""


WHOLE = Sizes(candidates=400, targets=64, trained=1200, less_blocks=64, passes=5)
QUICK = Sizes(candidates=32, targets=8, trained=60, less_blocks=1, passes=4)


def problems(count: int, first: int = 0) -> pl.DataFrame:
    rows = []
    for number in range(first, first + count):
        level = LEVELS[number % len(LEVELS)]
        kind = ("cot", "tool")[number // len(LEVELS) % 2]
        written = write_problem(level, kind, "", f"benchmark {number}", "teacher")
        rows.append(
            {
                "problem_id": f"p{number:06}",
                "source": "writer",
                "level": level,
                "kind": kind,
                "problem": written.problem,
                "solution": written.solution,
            }
        )
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def targets(count: int) -> pl.DataFrame:
    drawn = problems(count * len(LEVELS) // len(TASKS), first=10**6).filter(pl.col("level").is_in(TASKS))
    rows = drawn.select(
        "kind", "solution", target_id="problem_id", task=pl.col("level").cast(pl.String), question="problem"
    )
    return Target.validate(
        rows.with_columns(subject=pl.lit(None, pl.String)).select(Target.create_empty().columns)
    )


def execution(training_batch: int = BATCH) -> Execution:
    root = Path(__file__).parent.parent
    embedded = load_execution(root / "profiles/execution/embedded.yaml")
    return embedded.model_copy(update={"threads": 1, "workers": 1, "training_batch": training_batch})


def train_reference(root: Path, trained: int) -> None:
    """Base and adapter, both trained by the stage `warmup`."""
    torch.set_num_threads(1)
    rows = problems(trained, first=10**5)
    texts = pl.Series([f"{row['problem']}\n{row['solution']}" for row in rows.iter_rows(named=True)])
    shape = ConfigModel(
        kind="config",
        hidden_size=320,
        layers=5,
        heads=5,
        mlp=864,
        seed=0,
        max_positions=MAX_TOKENS,
        training=None,
    )
    build(shape, train_tokenizer(texts, 370), root / "base")
    params = WarmupParams(
        share=1.0,
        seed=0,
        block_length=MAX_TOKENS,
        batch_tokens=2000,
        pretrain=FullParams(epochs=1, schedule=WarmupCosine(warm_up=0.03), optimizer=OPTIMIZER),
        epochs=1,
        adapter=LoraParams(
            rank=16,
            alpha=32,
            dropout=0.0,
            targets=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        ),
        schedule=WarmupStableDecay(warm_up=0.03, stable=0.03, floor=0.0),
        optimizer=OPTIMIZER,
    )
    with OutDir(CheckpointsManifest, root / "reference").open() as directory:
        warmup(rows, root / "base", directory, params, execution(training_batch=5))


def trained_reference(root: Path, sizes: Sizes) -> InDir[CheckpointsManifest]:
    training = get_context("spawn").Process(target=train_reference, args=(root, sizes.trained))
    training.start()
    training.join()
    assert training.exitcode == 0, "the training failed"
    return InDir(CheckpointsManifest, root / "reference")


@dataclass(frozen=True)
class Case:
    """A checkpoint, and what is valued by it."""

    checkpoint: Path
    base: Path
    constants: AdamConstants
    rows: list[EncodedRow]
    """Longest first, as `attribute` orders them."""
    by_task: dict[str, list[EncodedRow]]

    def open(self, precision: Precision) -> Reference:
        return open_checkpoint(self.base, self.checkpoint, precision, "cpu")


def case(checkpoints: InDir[CheckpointsManifest], candidates: pl.DataFrame, wanted: pl.DataFrame) -> Case:
    manifest = checkpoints.manifest()
    tokenizer = load_tokenizer(checkpoints.path / BASE)

    def encoded(rows: pl.DataFrame, question: str) -> list[EncodedRow]:
        before = [training_input(text, kind) for text, kind in rows.select(question, "kind").iter_rows()]
        found = encode_rows(tokenizer, before, rows["solution"].to_list(), MAX_TOKENS)
        return sorted((row for row in found if row is not None), key=lambda row: -len(row.tokens))

    return Case(
        checkpoints.path / manifest.checkpoints[-1].directory,
        checkpoints.path / BASE,
        AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon),
        encoded(candidates, "problem"),
        {task: encoded(wanted.filter(pl.col("task") == task), "question") for task in TASKS},
    )


def cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


# ---- the path of the stage ------------------------------------------------------------------------------


def values(
    reference: Reference,
    tasks: TaskGradients,
    direction: str,
    constants: AdamConstants,
    rows: list[EncodedRow],
) -> torch.Tensor:
    """The cosines [rows, tasks]."""
    found = [
        list(similarity.cosines.values())
        for batch in cut_batches(rows, BATCH * MAX_TOKENS)
        for similarity in similarities(reference, tasks, DIRECTIONS[direction], constants, batch)
    ]
    return torch.tensor(found)


def pass_without(model: PreTrainedModel, rows: Sequence[EncodedRow]) -> None:
    """Ours, back to the embeddings."""
    model.enable_input_require_grads()
    losses(model, rows).sum().backward()
    model.disable_input_require_grads()


def bare_pass(model: PreTrainedModel, rows: Sequence[EncodedRow]) -> None:
    """What a user of transformers writes; the weights are frozen, so the graph begins at the embeddings."""
    longest = max(len(row.tokens) for row in rows)
    short = [longest - len(row.tokens) for row in rows]
    model.enable_input_require_grads()
    model(
        input_ids=torch.tensor([row.tokens + [0] * left for row, left in zip(rows, short, strict=True)]),
        attention_mask=torch.tensor(
            [[1] * len(row.tokens) + [0] * left for row, left in zip(rows, short, strict=True)]
        ),
        labels=torch.tensor([row.labels + [-100] * left for row, left in zip(rows, short, strict=True)]),
        use_cache=False,
    ).loss.backward()
    model.disable_input_require_grads()


@dataclass(frozen=True)
class Timed:
    """CPU milliseconds a candidate of each part, of each batch the fastest of some; what each part costs on
    top of a pass without gradients, and gradients on top of a bare pass, of each batch and pass, sorted; and
    cosines by direction.
    """

    milliseconds: dict[str, float]
    overheads: dict[str, list[float]]
    over_bare: list[float]
    cosines: dict[str, torch.Tensor]


def timed_passes(it: Case, passes: int) -> Timed:
    reference = it.open("bf16")
    batches = cut_batches(it.rows, BATCH * MAX_TOKENS)
    tasks = task_gradients(reference, it.by_task, BATCH * MAX_TOKENS)
    found: dict[str, dict[int, torch.Tensor]] = {"plain": {}, "adam": {}}

    def scored(direction: str) -> Callable[[int], None]:
        def score(number: int) -> None:
            found[direction][number] = values(
                reference, tasks, direction, it.constants, list(batches[number])
            )

        return score

    parts: dict[str, Callable[[int], object]] = {
        BARE: lambda number: bare_pass(reference.model, batches[number]),
        WITHOUT: lambda number: pass_without(reference.model, batches[number]),
        "with gradients": lambda number: backward(
            reference.model, reference.layers, batches[number], lambda *_: None
        ),
        "with plain scores": scored("plain"),
        "with Adam scores": scored("adam"),
    }
    for part in parts.values():
        part(0)  # the first pass fills caches
    milliseconds: dict[str, list[list[float]]] = {name: [[] for _ in batches] for name in parts}
    generator = random.Random(0)
    for _ in range(passes):
        for number in range(len(batches)):
            for name in generator.sample(sorted(parts), len(parts)):
                milliseconds[name][number].append(cpu_ms(lambda n=number, part=parts[name]: part(n)))
    overheads = {name: ratios(of, milliseconds[WITHOUT]) for name, of in milliseconds.items()}
    return Timed(
        {name: sum(map(min, of)) / len(it.rows) for name, of in milliseconds.items()},
        overheads,
        ratios(milliseconds["with gradients"], milliseconds[BARE]),
        {name: torch.cat([of[number] for number in range(len(batches))]) for name, of in found.items()},
    )


def ratios(of: list[list[float]], over: list[list[float]]) -> list[float]:
    """What each pass of each batch costs on top of another, sorted."""
    return sorted(
        ms / other - 1
        for ms_of_batch, others in zip(of, over, strict=True)
        for ms, other in zip(ms_of_batch, others, strict=True)
    )


def with_spread(name: str, ordered: list[float]) -> Iterator[tuple[str, float]]:
    """The median, its 95 % interval and the quartiles."""
    count = len(ordered)
    aside = 0.98 * count**0.5  # 1.96 standard deviations of how many of `count` lie below their median
    ranks = {
        "_low": max(0, math.floor(count / 2 - aside)),
        "_high": min(count - 1, math.ceil(count / 2 + aside)),
        "_quarter": count // 4,
        "_three_quarters": 3 * count // 4,
    }
    yield name, round(median(ordered), 4)
    for suffix, rank in ranks.items():
        yield name + suffix, round(ordered[rank], 4)


# ---- a large model, where there is a GPU -----------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """A Llama, the rank of its adapter, and what goes through it."""

    hidden: int
    layers: int
    heads: int
    mlp: int
    vocabulary: int
    rank: int
    tokens: int
    rows: int
    at_once: int


ONE_B = Shape(
    hidden=2048, layers=16, heads=32, mlp=8192, vocabulary=32_000, rank=16, tokens=512, rows=256, at_once=32
)
"""The layers of Llama 3.2 1B, with a smaller vocabulary."""


def random_reference(shape: Shape, device: str) -> Reference:
    """As `open_checkpoint` gives it in bf16; the adapter sits on all linears but the head."""
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.mlp,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=True,
    )
    with torch.device(device):
        model = LlamaForCausalLM(config).to(torch.bfloat16).requires_grad_(requires_grad=False).eval()
    layers: dict[str, LoraLayer] = {}
    moments: dict[tuple[str, str], Moments] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            outputs, inputs = module.weight.shape
            a_RI = torch.randn(shape.rank, inputs, device=device, dtype=torch.bfloat16) / inputs**0.5
            b_OR = torch.randn(outputs, shape.rank, device=device, dtype=torch.bfloat16) * 0.01
            layers[name] = LoraLayer(a_RI, b_OR, 2.0)
            for matrix, weight in (("A", a_RI), ("B", b_OR)):
                length = weight.numel()
                first_D, second_D = torch.randn(length, device=device), torch.rand(length, device=device)
                moments[name, matrix] = Moments(first_D * 1e-4, second_D * 1e-8)
    return Reference(model, layers, moments)


def on_device(shape: Shape, device: str) -> Iterator[tuple[str, float]]:
    """Wall time of the passes over random rows on a device, in bf16, Adam form, two tasks."""
    reference = random_reference(shape, device)
    generator = torch.Generator().manual_seed(1)
    tokens_BT = torch.randint(1, shape.vocabulary, (shape.rows, shape.tokens), generator=generator)
    rows = [
        EncodedRow(tokens, [-100] * (shape.tokens // 2) + tokens[shape.tokens // 2 :])
        for tokens in tokens_BT.tolist()
    ]
    places = shape.tokens * shape.at_once
    tasks = task_gradients(reference, {"one": rows[:2], "two": rows[2:4]}, places)
    constants = AdamConstants(0.9, 0.999, 1e-8)

    def without(batch: Sequence[EncodedRow]) -> None:
        pass_without(reference.model, batch)

    def scored(batch: Sequence[EncodedRow]) -> None:
        similarities(reference, tasks, DIRECTIONS["adam"], constants, batch)

    def seconds(work: Callable[[Sequence[EncodedRow]], None], batch: Sequence[EncodedRow]) -> float:
        started = time.perf_counter()
        work(batch)
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    batches = cut_batches(rows, places)
    for work in (without, scored):
        seconds(work, batches[0])
    both = [(seconds(without, batch), seconds(scored, batch)) for batch in batches]
    whole = sum(with_scores for _, with_scores in both)
    weights = sum(weight.numel() for weight in reference.model.parameters())
    yield "gpu_weights", weights
    yield "gpu_examples_per_second", round(shape.rows / whole, 2)
    yield "gpu_share_not_forward_backward", round(1 - sum(alone for alone, _ in both) / whole, 3)
    passes = 100_000 * 4 * (7e9 / weights)
    yield "gpu_hours_7b", round(passes * whole / shape.rows / 3600, 1)


# ---- one by one, through peft ---------------------------------------------------------------------------


@dataclass(frozen=True)
class OneByOne:
    """The adapter in peft's own layers, and the moments of its optimizer in the order of its weights."""

    model: PeftModel
    weights: list[torch.nn.Parameter]
    first_D: torch.Tensor
    second_D: torch.Tensor
    constants: AdamConstants

    def gradient(self, row: EncodedRow) -> torch.Tensor:
        loss = self.model(input_ids=torch.tensor([row.tokens]), labels=torch.tensor([row.labels])).loss
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, self.weights)]).float()

    def adam(self, gradient_D: torch.Tensor) -> torch.Tensor:
        """As in the paper of LESS: the epsilon outside the root."""
        beta1, beta2 = self.constants.beta1, self.constants.beta2
        first_D = beta1 * self.first_D + (1 - beta1) * gradient_D
        second_D = beta2 * self.second_D + (1 - beta2) * gradient_D.square()
        return first_D / (second_D.sqrt() + self.constants.epsilon)


def one_by_one(it: Case, dtype: str) -> OneByOne:
    from safetensors.torch import load_file

    model = PeftModel.from_pretrained(load_model(it.base, dtype), it.checkpoint, is_trainable=True).eval()
    if dtype == "bfloat16":
        model.to(torch.bfloat16)
    named = {
        name.replace(".default.", "."): weight
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
    first, second = (load_file(it.checkpoint / f"{m}.safetensors") for m in ("exp_avg", "exp_avg_sq"))
    return OneByOne(
        model,
        list(named.values()),
        torch.cat([first[name].flatten() for name in named]),
        torch.cat([second[name].flatten() for name in named]),
        it.constants,
    )


def true_cosines(it: Case) -> dict[str, torch.Tensor]:
    single = one_by_one(it, "float32")
    means = [torch.stack([single.gradient(r) for r in rows]).mean(0) for rows in it.by_task.values()]
    tasks_KD = torch.stack([mean / mean.norm() for mean in means])
    found: dict[str, list[torch.Tensor]] = {"plain": [], "adam": []}
    for row in it.rows:
        gradient_D = single.gradient(row)
        for name, direction_D in (("plain", gradient_D), ("adam", single.adam(gradient_D))):
            found[name].append(tasks_KD @ (direction_D / direction_D.norm()))
    return {name: torch.stack(rows) for name, rows in found.items()}


def rademacher(matrix: torch.Tensor, seed: int) -> None:
    matrix.bernoulli_(0.5, generator=torch.Generator().manual_seed(seed)).mul_(2).sub_(1)


def less_ms(it: Case, blocks: int) -> float:
    """CPU milliseconds a candidate of the path of LESS."""
    single = one_by_one(it, "float32")
    step = max(1, len(it.rows) // LESS_CANDIDATES)
    rows = it.rows[step // 2 :: step][:LESS_CANDIDATES]
    taken: list[torch.Tensor] = []
    single.gradient(rows[0])
    backward_ms = cpu_ms(lambda: taken.extend(single.adam(single.gradient(row)) for row in rows)) / len(rows)
    gradients_BD = torch.stack(taken).repeat(LESS_ROWS // len(rows), 1)
    matrix_DP = torch.empty(gradients_BD.shape[1], LESS_BLOCK)
    sketch_BP = torch.zeros(LESS_ROWS, PROJECTED)

    def project() -> None:
        for block in range(blocks):
            rademacher(matrix_DP, block)
            sketch_BP[:, block * LESS_BLOCK : (block + 1) * LESS_BLOCK] = gradients_BD @ matrix_DP

    projection_ms = cpu_ms(project) * (PROJECTED / LESS_BLOCK / blocks) / LESS_ROWS
    return backward_ms + projection_ms


def stored_matrix_ms(it: Case) -> float:
    """CPU milliseconds a candidate with bf16 and the matrix kept."""
    single = one_by_one(it, "bfloat16")
    step = max(1, len(it.rows) // LESS_CANDIDATES)
    rows = it.rows[step // 2 :: step][:LESS_CANDIDATES]
    taken: list[torch.Tensor] = []
    single.gradient(rows[0])
    backward_ms = cpu_ms(lambda: taken.extend(single.adam(single.gradient(row)) for row in rows)) / len(rows)
    gradients_BD = torch.stack(taken).bfloat16().repeat(-(-KEPT_ROWS // len(rows)), 1)[:KEPT_ROWS]
    matrix_DP = torch.empty(gradients_BD.shape[1], KEPT_COLUMNS, dtype=torch.bfloat16)
    rademacher(matrix_DP, 0)
    gradients_BD[:2] @ matrix_DP
    projection_ms = cpu_ms(lambda: gradients_BD @ matrix_DP) / KEPT_ROWS * (PROJECTED / KEPT_COLUMNS)
    return backward_ms + projection_ms


# ---- figures --------------------------------------------------------------------------------------------


def spearman(a: torch.Tensor, b: torch.Tensor) -> float:
    frame = pl.DataFrame({"a": a.tolist(), "b": b.tolist()})
    return frame.select(pl.corr("a", "b", method="spearman")).item()


def top_overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of the best tenth by each."""
    count = max(1, len(a) // 10)
    best = [set(values.topk(count).indices.tolist()) for values in (a, b)]
    return len(best[0] & best[1]) / count


def whole_stage(root: Path, store: Path) -> dict[str, float]:
    """`attribute` in a process of its own: its memory and CPU seconds."""
    command = [sys.executable, __file__, "--attribute", str(root)]
    environment = os.environ | {"JZ3_STORE": str(store)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def attribute_alone(root: Path) -> None:
    params = AttributeParams(max_tokens=MAX_TOKENS, direction="adam", precision="bf16")
    candidates = Problem.validate(pl.read_parquet(root / "candidates.parquet"))
    wanted = Target.validate(pl.read_parquet(root / "targets.parquet"))
    started = time.process_time()
    attribute(candidates, wanted, InDir(CheckpointsManifest, root / "reference"), params, execution())
    seconds = time.process_time() - started
    peak = peak_kb() / 2**20
    print(json.dumps({"stage_seconds": round(seconds, 2), "peak_gb": round(peak, 2)}))


def peak_kb() -> int:
    """Of this program. `ru_maxrss` would count what started it, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure(root: Path, sizes: Sizes) -> Iterator[tuple[str, float]]:
    candidates, wanted = problems(sizes.candidates), targets(sizes.targets)
    candidates.write_parquet(root / "candidates.parquet")
    wanted.write_parquet(root / "targets.parquet")
    checkpoints = trained_reference(root, sizes)
    it = case(checkpoints, candidates, wanted)
    yield "candidates", len(it.rows)
    yield "mean_tokens", round(sum(len(row.tokens) for row in it.rows) / len(it.rows), 1)
    timed = timed_passes(it, sizes.passes)
    times, cosines = timed.milliseconds, timed.cosines
    for name, milliseconds in times.items():
        yield f"ms: {name}", round(milliseconds, 2)
    less, stored = less_ms(it, sizes.less_blocks), stored_matrix_ms(it)
    yield "ms: LESS", round(less, 1)
    yield "ms: stored matrix", round(stored, 1)
    mine = times["with Adam scores"]
    yield from with_spread("gradients_overhead", timed.overheads["with gradients"])
    yield from with_spread("gradients_over_bare", timed.over_bare)
    yield "scores_overhead", round(median(timed.overheads["with Adam scores"]), 4)
    yield "examples_per_cpu_second", round(1e3 / mine, 1)
    yield "compilation_seconds", 0.0
    yield "ratio_less", round(less / mine, 1)
    yield "ratio_stored_matrix", round(stored / mine, 2)
    truth = true_cosines(it)
    best = {name: (cosines[name].amax(1), truth[name].amax(1)) for name in truth}
    for name, pair in best.items():
        yield f"spearman_{name}", round(spearman(*pair), 5)
        yield f"top10_overlap_{name}", round(top_overlap(*pair), 3)
    yield "top10_overlap", round(min(top_overlap(*pair) for pair in best.values()), 3)
    yield (
        "largest_difference",
        round(max(float((cosines[name] - truth[name]).abs().max()) for name in truth), 5),
    )
    yield from whole_stage(root, root / "store").items()
    if torch.cuda.is_available():
        yield from on_device(ONE_B, "cuda")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--attribute", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.attribute:
        attribute_alone(arguments.attribute)
        return
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, value in measure(Path(directory), QUICK if arguments.quick else WHOLE):
            print(f"{name:28} {value:>12,}", flush=True)
            figures[name] = value
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
