"""The passes that `attribute` makes, timed against passes without gradients of samples."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from transformers import PreTrainedModel

from benchmarks.influencing.case import BATCH, MAX_TOKENS, Case, cpu_ms
from jz3.influence.checkpoints import Reference
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import backward, cut_batches, losses
from jz3.influence.similarity import TaskGradients, similarities, task_gradients
from jz3.lm.encode import EncodedRow

WITHOUT = "forward and backward"
BARE = "bare forward and backward"


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
    """Our pass, back to the embeddings."""
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
    """CPU milliseconds per candidate of each part, for each batch the fastest of several; the sorted ratios,
    for each batch and pass, of each part to a pass without gradients and of gradients to a bare pass; and
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
    """The cost of each pass of each batch on top of another, sorted."""
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
