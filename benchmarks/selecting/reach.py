"""What the record of the comparison keeps from a clone: the seconds of its stages, and the families of the
problems between a choice of prompts and a training set.

A family is the one of the writer's catalogue that reads a problem. Costs some ten seconds.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from jz3.core.artifacts import In
from jz3.core.whole_run import took
from jz3.tables.problem import Problem
from jz3.writer.catalogue import read

VALUE, CHANCE = "boosted", "boosted_random"
"""The selections by value and by chance of the profile `compare`, and the KD sets of these names."""
KD_SETS = ("initial", VALUE, CHANCE)
WRITTEN = ("candidates", "jiuzhang", "jiuzhang_random")


def stage_seconds(clone: Path) -> pl.DataFrame:
    """CPU seconds of each stage of a clone, as it ran last."""
    rows = [(stage, round(one.cpu, 1)) for stage, one in sorted(took(clone).items())]
    return pl.DataFrame(rows, schema={"stage": pl.String, "cpu": pl.Float64}, orient="row")


def _problems(table: Path) -> pl.DataFrame:
    """Problems, each with the writer's family that reads it."""
    rows = In(Problem, table).read().select("prompt_id", "level", "problem")
    readings = (read(text) for text in rows["problem"])
    names = [reading.family.name if reading else None for reading in readings]
    return rows.with_columns(family=pl.Series(names, dtype=pl.String))


def _covered(clone: Path) -> list[str]:
    return pl.read_parquet(clone / "data/tasks/targets.parquet")["subject"].unique().sort().to_list()


def families_of(clone: Path) -> pl.DataFrame:
    """The share of the targets' families in the KD sets and in what students wrote."""
    tables = {f"kd/{name}.parquet": "teacher" for name in KD_SETS}
    tables |= {f"problems/{name}": "student" for name in WRITTEN}
    return pl.DataFrame(
        {"table": table.removesuffix(".parquet"), "of": writer} | _counted(clone / "data" / table, clone)
        for table, writer in tables.items()
    )


def students_of(clone: Path, tables: Sequence[Path]) -> pl.DataFrame:
    """The same of the clone's own student and of others, whose seeds count from 1."""
    every = (clone / "data/problems/candidates", *tables)
    return pl.DataFrame({"seed": seed} | _counted(table, clone) for seed, table in enumerate(every))


def _counted(table: Path, clone: Path) -> dict[str, int | float]:
    """A text that no family reads counts as outside the targets' families."""
    found = _problems(table)["family"].to_list()
    covered = {*_covered(clone)}
    return {
        "rows": len(found),
        "covered": round(sum(name in covered for name in found) / len(found), 4),
        "families": len({*found} - {None}),
    }


def choices_of(clone: Path) -> pl.DataFrame:
    """For each choice, whether its candidates, and the teacher's problems from the same prompts, belong to
    the targets' families, and how often both belong to one family; `same_by_level` is how often they would if
    the teacher drew by level alone, as it does for the initial prompts. Shares are of the problems that
    families read.
    """
    covered = _covered(clone)
    data = clone / "data"
    initial, candidates = _problems(data / "kd/initial.parquet"), _problems(data / "problems/candidates")
    drawn = initial.group_by("level", "family").agg(rows=pl.len())
    drawn = drawn.with_columns(share=pl.col("rows") / pl.col("rows").sum().over("level"))
    chosen = {
        name: pl.read_parquet(clone / f"data/influence/ranking/{name}.parquet").filter(
            pl.col("rule").is_null()
        )
        for name in KD_SETS[1:]
    }
    shared = chosen[VALUE].join(chosen[CHANCE], on="prompt_id").height
    rows: list[dict[str, str | int | float]] = []
    for name, prompts in chosen.items():
        taught = _problems(data / f"kd/{name}.parquet").join(prompts, on="prompt_id", how="semi")
        asked = candidates.rename({"family": "candidate"}).select("prompt_id", "candidate")
        both = taught.join(asked.drop_nulls(), on="prompt_id").join(
            drawn.select("level", "share", candidate="family"), on=["level", "candidate"], how="left"
        )
        rows.append(
            {
                "selection": name,
                "chosen": prompts.height,
                "shared": shared,
                "taught": taught.height,
                "read": both.height,
                "chosen_covered": _share(both["candidate"].is_in(covered)),
                "taught_covered": _share(both["family"].is_in(covered)),
                "same_family": _share(both["family"] == both["candidate"]),
                "same_by_level": round(float(str(both["share"].fill_null(0.0).mean())), 4),
            }
        )
    return pl.DataFrame(rows)


def _share(flags: pl.Series) -> float:
    return round(int(flags.sum()) / flags.len(), 4)
