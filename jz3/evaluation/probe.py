"""How much of a benchmark a base model knows by heart: it reads the beginning of a question and continues it.

A base that writes the rest of many questions word for word has read the benchmark, and its scores there say
little about training data made here. The certificate cannot show that: it compares our rows with the
benchmark, not the base's data. After Wu et al. 2025 (arXiv 2507.10532), where one base completes 54.6 % of
the questions of MATH-500 from their first 60 %, and none of a benchmark that was made after it.

Promises: greedy decoding, so that the same base gives the same table; a completion in the row store is not
written again. Costs one short generation per item.
"""

from itertools import takewhile
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.engine import ComputedIn, Engine, EngineName, Generated, GenerationRequest, Sampling
from jz3.tables.ledger import Ledger
from jz3.tables.probe import Probe
from jz3.workers.crew import open_crew

TOO_SHORT = "probe.too_short"


class ProbeParams(Params):
    """What the base model reads, and how it continues."""

    engine: EngineName
    dtype: ComputedIn
    """The number format in which the model computes; part of a completion's key in the row store."""
    benchmarks: list[str]
    shown: float = Field(gt=0, lt=1)
    """Share of a question's characters that is shown; a word that this would cut is left out."""
    max_tokens: int = Field(ge=1)
    """The most tokens of a completion; the longest rest of a question must fit."""


class ProbeMetrics(BaseModel):
    """Rows are items of the probed benchmarks."""

    rows: Ledger
    completed: dict[str, float]
    """By benchmark: per cent of the probed questions whose rest the base model wrote, ignoring white
    space.
    """
    words: dict[str, float]
    """By benchmark: per cent of the rest's words that the completion begins with, averaged over questions."""
    cut: int
    """Completions that reached the token limit before the rest could be complete: `max_tokens` is too
    small.
    """
    prompt_tokens: int
    completion_tokens: int


def probe(
    items: pl.DataFrame, engine: Engine, params: ProbeParams, execution: Execution
) -> tuple[pl.DataFrame, ProbeMetrics]:
    """Table of Probe, and the metrics. Raises UserError for a benchmark without items."""
    missing = sorted(set(params.benchmarks) - set(items["benchmark"]))
    if missing:
        raise UserError(
            f"probe.benchmarks names {', '.join(missing)}, which has no item; benchmarks of section "
            f"`benchmarks` were expected. Correct the list."
        )
    asked = items.filter(pl.col("benchmark").is_in(params.benchmarks)).sort("item_id")
    rows = [
        {"item_id": item_id, "benchmark": benchmark, "shown": parts[0], "rest": parts[1]}
        for item_id, benchmark, question in asked.select("item_id", "benchmark", "question").iter_rows()
        if (parts := split_question(question, params.shown))
    ]
    sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=params.max_tokens, stop=[])
    requests = [GenerationRequest(row["shown"], 0) for row in rows]
    with open_crew(generation_workers(engine, execution)) as crew:
        written = generate_rows(engine, requests, sampling, execution, "probes", crew)
    judged = [row | _judged(row["rest"], text) for row, text in zip(rows, written, strict=True)]
    probes = pl.DataFrame(judged, schema=Probe.create_empty().schema)
    return probes, _metrics(probes, asked.height)


def split_question(question: str, share: float) -> tuple[str, str] | None:
    """The beginning of a question, at most that share of its characters and no cut word, and the rest; None
    where either would be empty.

    >>> split_question("What is the sum of 3 and 4?", 0.6)
    ('What is the sum', 'of 3 and 4?')
    """
    limit = int(share * len(question))
    ends = [place for place, character in enumerate(question[: limit + 1]) if character.isspace()]
    if not ends:
        return None
    shown, rest = question[: ends[-1]].rstrip(), question[ends[-1] :].strip()
    return (shown, rest) if shown and rest else None


def _judged(rest: str, written: Generated) -> dict[str, Any]:
    wanted, found = rest.split(), written.text.split()
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(wanted, found, strict=False)))
    completed = begins_with(" ".join(found), " ".join(wanted))
    return {
        "text": written.text,
        "finish_reason": written.finish_reason,
        "completed": completed,
        "words": 1.0 if completed else same / len(wanted),
        "prompt_tokens": written.prompt_tokens,
        "completion_tokens": written.completion_tokens,
    }


def begins_with(text: str, rest: str) -> bool:
    """Whether the text begins with the rest, and does not go on within its last word or number.

    >>> begins_with("of 3 and 4? It is 7.", "of 3 and 4?"), begins_with("of 35", "of 3")
    (True, False)
    """
    return text.startswith(rest) and not (rest[-1].isalnum() and text[len(rest) :][:1].isalnum())


def _metrics(probes: pl.DataFrame, read: int) -> ProbeMetrics:
    by_benchmark = probes.group_by("benchmark").agg(pl.col("completed", "words").mean()).sort("benchmark")
    cut = probes.filter(
        pl.col("finish_reason") == "length",
        pl.col("text").str.strip_chars().str.len_chars() < pl.col("rest").str.len_chars(),
    )
    short = read - probes.height
    return ProbeMetrics(
        rows=Ledger(read=read, kept=probes.height, rejected={TOO_SHORT: short} if short else {}, failed=0),
        completed={row["benchmark"]: round(100 * row["completed"], 4) for row in by_benchmark.to_dicts()},
        words={row["benchmark"]: round(100 * row["words"], 4) for row in by_benchmark.to_dicts()},
        cut=cut.height,
        prompt_tokens=int(probes["prompt_tokens"].sum()),
        completion_tokens=int(probes["completion_tokens"].sum()),
    )
