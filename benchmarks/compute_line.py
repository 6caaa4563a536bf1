"""What choosing cost and gained in the recorded comparison, and how far a choice reached.

    python benchmarks/compute_line.py            # reads docs/comparison/*.csv alone; seconds
    python benchmarks/compute_line.py --clone CLONE --student TABLE --student TABLE   # renews students.csv

1. The compute line: for each selector whose choice was trained on, the CPU seconds of choosing, of the
   candidates that it chose from, and of one training of the final model, beside what its arm gained over as
   many drawn without it: the mean over training seeds of paired differences, with 95 % by t.
2. By seed, on all families and on those of the targets, and the least gain that so many seeds would have
   shown with a power of 80 %.
3. How far a choice reached: which families the candidates were of that it took, which the teacher's problems
   from the same texts are of, which the student wrote in the end, and how much that swings with the seed of
   the student alone.

The record's `stages.csv`, `choices.csv` and `families.csv` are of the run that the other tables are of
(`python -m tests.compare_figures CLONE` writes them all); docs/influence.md shows these tables. A TABLE of
`students.csv` is `data/problems/candidates` of a copy of CLONE in which `finetune.initial.seed` was changed
and `dvc repro parse@candidates` run: the first student is CLONE's own.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.selecting.differences import Difference, Shares
from benchmarks.selecting.reach import CHANCE, VALUE, students_of

RECORD = Path(__file__).parents[1] / "docs/comparison"
SCOPES = {"accuracy": "all families", "seeds_and_texts": "the targets' families"}
"""Columns of the arms; the families of seeds and texts include those of the targets."""


@dataclass(frozen=True)
class Selector:
    """An arm that a selector chose for, the arm that it is compared with, and its stages."""

    name: str
    arm: str
    beside: str
    choosing: tuple[str, ...]
    candidates: tuple[str, ...]
    """Stages that wrote the candidates and that nothing else needs."""
    rule: float | None
    """How many times larger than the selector's model the trained model must be for choosing to pay: Yin and
    Rush, Compute-Constrained Data Selection, 2024, find 10 for gradients and 5 for perplexity.
    """
    ratio: float | None
    """How many times larger it is here."""


SELECTORS = (
    Selector(
        "value (gradients)",
        "jiuzhang",
        "jiuzhang_random",
        ("warmup", "attribute", "select@boosted"),
        ("compose@candidates", "finetune@initial", "synthesize@candidates", "parse@candidates"),
        10.0,
        1.0,  # the reference model is the base of the final one
    ),
    Selector(
        "skills (MASS)",
        "mass",
        "mass_length_matched",
        ("skills@mass", "value@mass", "choose@mass"),
        (),
        None,  # it reads no model
        None,
    ),
)


def percent(share: float, places: int = 1) -> str:
    return f"{100 * share:.{places}f} %"


def record(name: str) -> pl.DataFrame:
    return pl.read_csv(RECORD / f"{name}.csv", infer_schema_length=None)


def difference(selector: Selector, column: str = "accuracy") -> Difference:
    """The difference on the test draw."""
    arms = record("test_arms").select("set", "seed", column)
    one, beside = (arms.filter(set=name).drop("set") for name in (selector.arm, selector.beside))
    both = one.join(beside, on="seed", suffix="_beside", validate="1:1").sort("seed")
    return Difference((both[column] - both[f"{column}_beside"]).to_list())


def seconds(stages: Iterable[str]) -> float:
    known = dict(record("stages").iter_rows())
    return sum(known[stage] for stage in stages)


def training_seconds(arm: str) -> float:
    """Seconds of training one final model, mean over the seeds."""
    models = record("test_arms").filter(set=arm)["model"]
    return seconds(f"pretrain@{model}" for model in models) / models.len()


def compute_line() -> list[list[str]]:
    """A row for each selector."""
    return [
        [
            selector.name,
            f"`{selector.arm}` beside `{selector.beside}`",
            f"{seconds(selector.choosing):.1f}",
            f"{seconds(selector.candidates):.1f}",
            f"{training_seconds(selector.arm):.1f}",
            f"{found.mean:+.1f} ± {found.half:.1f}",
            f"{found.least:.1f}",
            f"{selector.ratio:.0f} (rule: {selector.rule:.0f})" if selector.ratio else "none",
        ]
        for selector in SELECTORS
        for found in (difference(selector),)
    ]


LINE_HEAD = (
    "selector", "arms", "choosing, CPU s", "its candidates, CPU s", "a training, CPU s", "gain, points",
    "least to show", "trained model to choosing one",
)  # fmt: skip


def by_seed() -> list[list[str]]:
    """Differences of each selector on all families and on those of the targets."""
    return [
        [
            selector.name,
            scope,
            *(f"{one:+.1f}" for one in found.by_seed),
            f"{found.mean:+.1f} ± {found.half:.1f}",
            f"{found.least:.1f}",
        ]
        for selector in SELECTORS
        for column, scope in SCOPES.items()
        for found in (difference(selector, column),)
    ]


def seeds_head() -> list[str]:
    seeds = record("test_arms").filter(set=SELECTORS[0].arm)["seed"].sort()
    return ["selector", "on", *(f"seed {seed}" for seed in seeds), "mean, 95 %", "least to show"]


def choices() -> list[list[str]]:
    """How far each choice of prompts reached."""
    return [
        [
            f"`{row['selection']}`",
            f"{row['chosen']:,}",
            f"{row['shared']:,}",
            percent(row["chosen_covered"]),
            percent(row["taught_covered"]),
            percent(row["same_family"]),
            percent(row["same_by_level"]),
        ]
        for row in record("choices").iter_rows(named=True)
    ]


CHOICES_HEAD = (
    "choice", "texts", "in both", "candidates of their families", "teacher's of their families",
    "both of one family", "by level alone",
)  # fmt: skip


def shares(column: str) -> Shares:
    """Shares for value's choice and for the random choice."""
    rows = {row["selection"]: row for row in record("choices").iter_rows(named=True)}
    value, chance = rows[VALUE], rows[CHANCE]
    return Shares(value[column], value["read"], chance[column], chance["read"])


def carried() -> str:
    """Whether the families of a choice's candidates carry over to what the teacher writes from the texts."""
    chosen, taught = shares("chosen_covered"), shares("taught_covered")
    whole, half = (taught.power(true) for true in (chosen.difference, chosen.difference / 2))
    return (
        f"Value's candidates are of the targets' families more often than chance's by {_points(chosen)}, the "
        f"teacher's problems from the same texts by {_points(taught)}. Had the whole difference of the "
        f"candidates carried over, so many rows would have shown it with a power of {percent(whole, 0)}, a "
        f"half of it with {percent(half, 0)}."
    )


def _points(found: Shares) -> str:
    return f"{100 * found.difference:+.1f} ± {100 * found.half:.1f} points"


def families() -> list[list[str]]:
    """The families of the tables between the choice and the training set."""
    return [
        [f"`{row['table']}`", row["of"], f"{row['rows']:,}", percent(row["covered"]), f"{row['families']}"]
        for row in record("families").iter_rows(named=True)
    ]


FAMILIES_HEAD = ("table", "written by", "rows", "of the targets' families", "families")


def students() -> list[list[str]]:
    """Students taught in the same way on the same prompts, with other seeds."""
    return [
        [f"{row['seed']}", f"{row['rows']:,}", percent(row["covered"]), f"{row['families']}"]
        for row in record("students").iter_rows(named=True)
    ]


STUDENTS_HEAD = ("seed of the student", "problems", "of the targets' families", "families")


def figures() -> Iterator[tuple[str, float]]:
    for selector in SELECTORS:
        key = re.sub(r"\W+", "_", selector.name).strip("_").lower()
        found = difference(selector)
        yield f"choosing_{key}", round(seconds(selector.choosing), 1)
        yield f"training_{key}", round(training_seconds(selector.arm), 1)
        yield f"gain_{key}", round(found.mean, 2)
        yield f"gain_{key}_half", round(found.half, 2)
        yield f"would_show_{key}", round(found.least, 2)
    for row in record("choices").iter_rows(named=True):
        yield f"taught_covered_{row['selection']}", row["taught_covered"]
        yield f"chosen_covered_{row['selection']}", row["chosen_covered"]
    for row in record("families").iter_rows(named=True):
        yield f"covered_{row['table'].replace('/', '_')}", row["covered"]
    taught, chosen = shares("taught_covered"), shares("chosen_covered")
    yield "taught_difference", round(taught.difference, 4)
    yield "taught_difference_half", round(taught.half, 4)
    yield "power_had_all_carried", round(taught.power(chosen.difference), 3)
    shares_of_students = record("students")["covered"].to_list()
    if len(shares_of_students) > 1:
        yield "deviation_of_students", round(stdev(shares_of_students), 4)


def _print(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    for line in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the same: it takes seconds")
    parser.add_argument("--clone", type=Path, help="where the profile `compare` ran")
    parser.add_argument("--student", type=Path, action="append", help="problems of another seed's student")
    arguments = parser.parse_args()
    if arguments.clone:
        students_of(arguments.clone, arguments.student or []).write_csv(RECORD / "students.csv")
    _print(LINE_HEAD, compute_line())
    _print(seeds_head(), by_seed())
    _print(CHOICES_HEAD, choices())
    print(f"{carried()}\n")
    _print(FAMILIES_HEAD, families())
    _print(STUDENTS_HEAD, students())
    said: Mapping[str, float] = dict(figures())
    print(json.dumps(said))


if __name__ == "__main__":
    main()
