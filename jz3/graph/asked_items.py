"""How many benchmark items a stage asks a model about, and the tokens it may write, from parameters alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jz3.evaluation.answer import AnswerParams
from jz3.evaluation.probe import ProbeParams
from jz3.tasks.benchmarks import Benchmark, BenchmarksParams, GymBenchmark
from jz3.tasks.written_items import OfWriter
from jz3.writer.catalogue import FAMILIES


@dataclass(frozen=True)
class AskedItems:
    """A number of completions, and their tokens in all."""

    rows: int
    completion_tokens: int
    again: str | None = None
    """What may be asked in addition, in words."""


def answered_items(sections: Mapping[str, Any], tokens_of_an_answer: int) -> AskedItems:
    """Items that `answer` asks. An answer is assumed to be as long as a problem with its solution, which is
    somewhat too long.
    """
    params = AnswerParams.model_validate(sections["answer"])
    in_prose, by_program = (
        params.samples * _items(benchmarks, sections)
        for benchmarks in (params.prose.benchmarks, params.tool.benchmarks)
    )
    forced, rows = params.prose.forced_end, in_prose + by_program
    again = forced and (
        f"a thought that reaches {params.max_tokens:,} tokens is ended: up to {in_prose:,} more calls, each "
        f"of at most {forced.max_tokens:,} tokens"
    )
    return AskedItems(rows, rows * tokens_of_an_answer, again)


def probed_items(sections: Mapping[str, Any]) -> AskedItems:
    """Items that `probe` asks. A completion is assumed to reach its limit, because a base model seldom ends a
    text.
    """
    params = ProbeParams.model_validate(sections["probe"])
    rows = _items(params.benchmarks, sections)
    return AskedItems(rows, rows * params.max_tokens)


def _items(asked: Iterable[str], sections: Mapping[str, Any]) -> int:
    times = Counter(asked)
    sources = BenchmarksParams.model_validate(sections["benchmarks"]).sources
    return sum((_size(source) or 0) * times[source.name] for source in sources)


def _size(source: Benchmark) -> int | None:
    """How many items a benchmark has; None if only its file tells."""
    if isinstance(source, OfWriter):  # at most: a few families cannot be asked backward or joined
        return source.per_family * len(FAMILIES)
    return source.size if isinstance(source, GymBenchmark) else source.items
