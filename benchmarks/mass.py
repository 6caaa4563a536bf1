"""What it costs to value problems by skills (MASS): beside the encoder, and in the whole stage.

1. Scores of prepared vectors, rows a second of CPU (one thread): with 400 skills of 4,096 numbers (the
   encoder by spelling), and with the paper's 46,490 skills of 384 numbers (a small sentence encoder) and
   1.2 million edges. `half_of_product` is the rate with 46,490 skills over that of the matrix product alone.
2. The form without a floor, which is the similarity to one vector of 4,096 numbers.
3. The whole stage `value`, by spelling and with 400 skills: reading, encoding, scoring, counting tokens,
   writing; and the stage `choose` behind it. Twice the rows, each time in a process of its own, show what
   memory a row takes (`bytes_a_row`), and whether time is linear (`rows_twice`).
4. Merging 10,000 names of skills.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from jz3.core.artifacts import FRAME_ROWS, In, Out
from jz3.lm.tokenizer import train_tokenizer
from jz3.selection.choose import ChooseParams, choose, chosen_rows
from jz3.selection.skill_scores import Form, Scorer, matrix_of
from jz3.selection.value import Graph, ValueParams, valued
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.value import Value
from jz3.teacher.skill_graph import merged
from jz3.vectors.ngrams import ngram_vectors
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import Written, write_draw

SKILLS, WIDTH = 400, 4_096
MANY_SKILLS, MANY_EDGES, NARROW = 46_490, 1_200_000, 384
"""Skills of the paper; its edges from notes on it; numbers of all-MiniLM-L6-v2."""
FLOOR_SHARE = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rows and edges: seconds")
    parser.add_argument("--value", type=int, metavar="ROWS", help="the stage `value` alone, on so many rows")
    parser.add_argument("--choose", type=int, metavar="ROWS", help="the stage `choose` alone")
    options = parser.parse_args()
    if options.value or options.choose:
        print(json.dumps(_stage(options.value) if options.value else _choice(options.choose)))
        return
    figures: dict[str, float] = {}
    # First, because a new process starts with the peak memory of this one.
    rows = 500 if options.quick else 100_000
    for part in ("value", "choose"):
        once, twice = (_in_a_process(f"--{part}", count) for count in (rows, 2 * rows))
        figures[f"{part}_rows"] = once["rows_a_second"]
        figures[f"{part}_rows_twice"] = twice["rows_a_second"]
        figures[f"{part}_peak_gb"] = twice["peak_gb"]
        figures[f"{part}_bytes_a_row"] = round(max(0.0, twice["peak_gb"] - once["peak_gb"]) * 1e9 / rows)
    rng = np.random.default_rng(0)
    few = _scorer(rng, SKILLS, 2_000, WIDTH, "linear")
    texts = _unit(rng, 1_000 if options.quick else 20_000, WIDTH)
    figures["rows_400_skills"] = _rate(few, texts)
    figures["rows_one_vector"] = _rate(few.by_one_vector, texts)
    many = _scorer(rng, MANY_SKILLS, MANY_EDGES // 10 if options.quick else MANY_EDGES, NARROW, "linear")
    texts = _unit(rng, 64 if options.quick else 8_192, NARROW)
    turns = [
        (_rate(many, texts), _rate(lambda rows: _product(rows, many), texts))
        for _ in range(1 if options.quick else 3)
    ]
    figures["rows_46490_skills"] = max(ours for ours, _ in turns)
    figures["half_of_product"] = round(max(ours / theirs for ours, theirs in turns), 3)
    quadratic = Scorer(many.skills_KD, many.matrix, "quadratic", many.floor, None)
    figures["rows_46490_skills_quadratic"] = _rate(quadratic, texts[:1_024])
    figures["merge_seconds"] = _merge_seconds(500 if options.quick else 10_000)
    for name, figure in figures.items():
        print(f"{name:>30} {figure:>14,}")
    print(json.dumps(figures))


def _unit(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    drawn = rng.standard_normal((rows, width), dtype=np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _graph(rng: np.random.Generator, skills: int, edges: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables of Concept and ConceptEdge with drawn counts."""
    names = [f"{number:05}" for number in range(skills)]
    ends = np.sort(rng.integers(0, skills, (edges, 2)), axis=1)
    ends = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
    concepts = {"concept_id": names, "kind": "skill", "name": names, "count": rng.integers(1, 900, skills)}
    sides = {"one": [names[one] for one in ends[:, 0]], "other": [names[one] for one in ends[:, 1]]}
    return (
        pl.DataFrame(concepts, schema=Concept.create_empty().schema),
        pl.DataFrame(
            sides | {"count": rng.integers(2, 90, len(ends))}, schema=ConceptEdge.create_empty().schema
        ),
    )


def _scorer(rng: np.random.Generator, skills: int, edges: int, width: int, form: Form) -> Scorer:
    vectors = _unit(rng, skills, width)
    floor = float(np.quantile(vectors[:200] @ vectors[200:400].T, FLOOR_SHARE))
    return Scorer(vectors, matrix_of(*_graph(rng, skills, edges), "graph", "count"), form, floor, None)


def _product(rows: np.ndarray, scorer: Scorer) -> None:
    for at in range(0, len(rows), 256):
        rows[at : at + 256] @ scorer.skills_KD.T


def _rate(score: Callable[[np.ndarray], object], texts: np.ndarray) -> int:
    """Rows per CPU second; the first call compiles."""
    score(texts[:2])
    started = time.process_time()
    score(texts)
    return round(len(texts) / (time.process_time() - started))


def _merge_seconds(count: int) -> float:
    words = sorted({word for family in FAMILIES for word in family.words})
    names = Counter(
        {
            f"{words[n % len(words)]} of {words[(n * n) % 331]} {words[(7 * n) % 287]}": n % 9 + 1
            for n in range(count)
        }
    )
    started = time.process_time()
    merged(names, lambda some: ngram_vectors(some, WIDTH, 512), 0.9)
    return round(time.process_time() - started, 2)


def _in_a_process(part: str, rows: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, part, str(rows)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _stage(rows: int) -> dict[str, float]:
    """The stage `value` on problems of the built-in writer; each appears many times under different ids."""
    written = [
        write_draw(family, "cot", values, family.name)
        for family in FAMILIES
        for values in distinct_draws(family, "teacher", 8, "mass")
    ]
    tokenizer = train_tokenizer([one.solution for one in written], 2_000)
    rng = np.random.default_rng(1)
    concepts, edges = _graph(rng, SKILLS, 2_000)
    words = sorted({word for family in FAMILIES for word in family.words})
    names = [f"{words[n % len(words)]} of {words[(3 * n + 1) % len(words)]}" for n in range(SKILLS)]
    graph = Graph(Concept.validate(concepts.with_columns(name=pl.Series(names))), ConceptEdge.validate(edges))
    params = ValueParams.model_validate(
        {
            "method": "mass",
            "form": "linear",
            "adjacency": "graph",
            "weights": "count",
            "floor": {"quantile": FLOOR_SHARE, "references": 500},
            "most_skills": None,
            "encoder": {"kind": "spelling", "dimensions": WIDTH, "most_words": 512},
            "seed": 0,
        }
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Out(Problem, folder / "problems").sink(_problems(rows, written))
        references = Problem.validate(next(_problems(500, written)))
        started = time.process_time()
        found = valued(
            In(Problem, folder / "problems"),
            references,
            graph,
            lambda texts: ngram_vectors(texts, WIDTH, 512),
            tokenizer,
            params,
        )
        Out(Value, folder / "values").sink(found)
        return _took(rows, started)


def _choice(rows: int) -> dict[str, float]:
    """The stage `choose`: half of the tokens of such problems, by drawn values."""
    family = FAMILIES[0]
    written = [write_draw(family, "cot", distinct_draws(family, "teacher", 1, "mass")[0], family.name)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pool, values = In(Problem, folder / "pool"), In(Value, folder / "values")
        Out(Problem, pool.path).sink(_problems(rows, written))
        Out(Value, values.path).sink(_values(pool))
        started = time.process_time()
        chosen = choose(pool, values, [], ChooseParams(share=0.5, by="value", seed=0))
        Out(Problem, folder / "chosen").sink(chosen_rows(pool, chosen.ids))
        Out(Reject, folder / "rejects").write(chosen.rejects)
        return _took(rows, started)


def _values(pool: In[Problem]) -> Iterator[pl.DataFrame]:
    rng = np.random.default_rng(2)
    for frame in pool.columns("problem_id", rows=FRAME_ROWS):
        lengths = rng.integers(20, 400, frame.height)
        drawn = {
            "problem_id": frame["problem_id"],
            "value": rng.random(frame.height),
            "solution_tokens": lengths,
        }
        rows = pl.DataFrame(drawn).with_columns(method=pl.lit("mass"))
        yield pl.concat([Value.create_empty(), rows], how="diagonal")


def _problems(rows: int, written: Sequence[Written]) -> Iterator[pl.DataFrame]:
    for start in range(0, rows, FRAME_ROWS):
        numbers = range(start, min(start + FRAME_ROWS, rows))
        yield pl.DataFrame(
            [
                {
                    "problem_id": f"{number:032}",  # as long as those of content
                    "source": "web",
                    "kind": "cot",
                    "problem": written[number % len(written)].problem,
                    "solution": written[number % len(written)].solution,
                }
                for number in numbers
            ],
            schema=Problem.create_empty().schema,
        )


def _took(rows: int, started: float) -> dict[str, float]:
    """Rows per CPU second since then, and the peak memory of this process."""
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"rows_a_second": round(rows / seconds), "peak_gb": round(peak, 3)}


if __name__ == "__main__":
    main()
