"""What README.md, docs/comparison.md and docs/influence.md show of the comparison:
`python -m tests.compare_figures CLONE`.

CLONE is where the profile `compare` ran. The record, `docs/comparison/*.csv`, consists of tables of that run
as `tabulate` left them; pages and drawing are made from the record alone, so that a test can compare them
with it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import polars as pl

from benchmarks import compute_line
from benchmarks.selecting import reach
from jz3.evaluation.coverage import GROUPS
from jz3.evaluation.mcnemar import SIGNIFICANT
from jz3.report.arms import draw_in_order, height_of
from jz3.report.plots import INK, LINE, ONE, SOFT, THREE, TWO, drawing
from tests.run_figures import table, with_blocks

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs/comparison"
DRAWING = RECORD / "arms.svg"
TABLES = {
    "arms": "pages/arms.csv",
    "test_arms": "test/arms.csv",
    "spread": "pages/spread.csv",
    "test_spread": "test/spread.csv",
    "comparisons": "pages/comparisons.csv",
    "test_comparisons": "test/comparisons.csv",
    "operators": "pages/operators.csv",
    "overlaps": "pages/overlaps.csv",
}
"""Files in data/tables, by their name in the record."""
OF_RUN = {
    "stages": reach.stage_seconds,
    "choices": reach.choices_of,
    "families": reach.families_of,
}
"""Tables computed from the whole clone, by their name in the record."""
PAGES = ("README.md", "docs/comparison.md", "docs/influence.md")
HELD = "held_out_test"
COLOURS = {INK: "#7a7f87", SOFT: "#7a7f87", LINE: "#9aa0a8", ONE: "#2f7ed8", TWO: "#d8862f", THREE: "#3f9d5c"}
"""Colours that can be seen both on a light page and on a dark one."""


def record(name: str) -> pl.DataFrame:
    return pl.read_csv(RECORD / f"{name}.csv", infer_schema_length=None)


def in_order(name: str = "test_arms") -> pl.DataFrame:
    """One row for each set, the best first: the model with the lowest seed, with means over the seeds."""
    arms = record(name)
    over_seeds = arms.group_by("set").agg(
        pl.col("accuracy").mean().alias("mean"),
        pl.col("accuracy").std().alias("deviation"),
        pl.col("accuracy").alias("seeds"),
        *(
            pl.col(column).mean().alias(f"mean_{column}")
            for column in (
                "seeds_and_texts",
                "texts_alone",
                "no_data",
                "backward",
                "composed",
                "prose",
                "tool",
            )
        ),
    )
    first = arms.sort("seed").unique("set", keep="first", maintain_order=True)
    return first.join(over_seeds, on="set").sort("mean", "set", descending=[True, False])


def shown(value: float | None, places: int = 1) -> str:
    return "" if value is None else f"{value:.{places}f}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def accuracies() -> str:
    """Sorted by the test draw, means over the training seeds; the interval is that of the first seed."""
    head = [
        "arm",
        "accuracy",
        "95 % interval",
        "over seeds",
        "seeds and texts",
        "texts alone",
        "none",
        "prose",
        "program",
    ]
    rows = [
        [
            f"`{row['set']}`",
            shown(row["mean"]),
            f"{shown(row['low'])} to {shown(row['high'])}",
            f"± {shown(row['deviation'])}",
            *(
                shown(row[f"mean_{name}"])
                for name in ("seeds_and_texts", "texts_alone", "no_data", "prose", "tool")
            ),
        ]
        for row in in_order().iter_rows(named=True)
    ]
    return table(head, rows, right=8)


def budgets() -> str:
    head = [
        "arm", "rows of the recipe", "questions", "tokens of the set", "passes", "tokens of teachers",
        "kept of these", "tokens of students", "distance", "gain", "by gold", "by execution",
        "wrong of those checked",
    ]  # fmt: skip
    rows = [
        [
            f"`{row['set']}`",
            f"{row['synthetic_rows']:,}",
            f"{row['questions']:,}",
            f"{row['tokens']:,}",
            shown(row["passes"]) + (" (starved)" if row["starved"] else ""),
            f"{row['teacher_tokens']:,}",
            "not known"
            if row["teacher_tokens_kept"] is None
            else share(row["teacher_tokens_kept"], row["teacher_tokens"]),
            f"{row['student_tokens']:,}",
            shown(row["distance"], 2),
            shown(row["gain"], 2),
            share(row["by_gold"], row["synthetic_rows"]),
            share(row["by_execution"], row["synthetic_rows"]),
            share(row["checked"] - row["right"], row["checked"]),
        ]
        for row in in_order().iter_rows(named=True)
    ]
    return table(head, rows, right=12)


def asked_otherwise() -> str:
    """Backward and composed, answers, and the second grader: development and test draw."""
    head = [
        "arm",
        "development",
        "test",
        "by math-verify",
        "backward",
        "composed",
        "tokens of an answer",
        "cut",
    ]
    development = {row["set"]: row for row in in_order("arms").iter_rows(named=True)}
    rows = [
        [
            f"`{row['set']}`",
            shown(development[row["set"]]["mean"]),
            shown(row["mean"]),
            shown(row["accuracy_math_verify"]),
            shown(row["mean_backward"]),
            shown(row["mean_composed"]),
            shown(row["answer_tokens"]),
            f"{shown(row['truncated'])} %",
        ]
        for row in in_order().iter_rows(named=True)
    ]
    return table(head, rows, right=7)


def compared(**where: str) -> pl.DataFrame:
    """Compared pairs on the families of the test draw."""
    return record("test_comparisons").filter(benchmark=HELD, **where)


def told_apart() -> str:
    """In the setting `tool`, for each arm the lower arms from which the test tells it apart."""
    pairs = compared(group="all", setting="tool")
    apart = {
        frozenset((row["model"], row["against"]))
        for row in pairs.iter_rows(named=True)
        if row["p_holm"] <= SIGNIFICANT
    }
    order = in_order()["model"].to_list()
    lines = [
        f"- `{model}` from {', '.join(f'`{other}`' for other in below)}"
        for place, model in enumerate(order)
        if (below := [other for other in order[place + 1 :] if frozenset((model, other)) in apart])
    ]
    said = f"By program {len(apart)} of {pairs.height} pairs are told apart"
    return "\n".join([f"{said} (exact McNemar, Holm over all pairs, 5 %):", "", *lines])


def beside_instructions() -> str:
    """`jiuzhang` and `instruct_only` by group: means over the seeds, and the first seed's interval."""
    means = record("test_spread").filter(benchmark=HELD, setting="both")
    pairs = compared(setting="both")
    names = {"all families": "all", "seeds or texts": None} | {group: group for group in GROUPS}
    rows = []
    for shown_as, group in names.items():
        ours, theirs = (
            means.filter(group=shown_as, set=name)["accuracy"].item()
            for name in ("jiuzhang", "instruct_only")
        )
        pair = (
            pairs.filter(group=group, model="jiuzhang", against="instruct_only").to_dicts() if group else []
        )
        rows.append(
            [
                shown_as,
                shown(ours),
                shown(theirs),
                f"{0.0 + ours - theirs:+.1f}",
                *(
                    [f"{one['difference']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]" for one in pair]
                    or [""]
                ),
            ]
        )
    head = ["families", "`jiuzhang`", "`instruct_only`", "difference", "first seed alone"]
    return table(head, rows, right=4)


def against_jiuzhang() -> str:
    """Macro over families, prose and program together: paired differences with intervals over families."""
    pairs = compared(setting="both")
    rows = []
    for other in in_order()["model"].to_list():
        cells = []
        for group in ("all", *GROUPS):
            pair = pairs.filter(
                pl.col("group") == group,
                ((pl.col("model") == "jiuzhang") & (pl.col("against") == other))
                | ((pl.col("model") == other) & (pl.col("against") == "jiuzhang")),
            )
            for row in pair.iter_rows(named=True):
                sign = 1 if row["model"] == other else -1
                # Adding 0.0 turns minus zero into zero.
                found, *ends = (0.0 + sign * row[name] for name in ("difference", "low", "high"))
                cells.append(f"{found:+.1f} [{min(ends):+.1f}, {max(ends):+.1f}]")
        if cells:
            rows.append([f"`{other}`", *cells])
    return table(["arm minus `jiuzhang`", "all families", *GROUPS], rows, right=4)


def seconds_of(found: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, str | float]]:
    """CPU seconds by arm, from what `jz3 compute --json` prints."""
    parts = ("before", "generation", "selection", "curation")
    return [
        {"arm": arm}
        | {part: one[part]["cpu"] for part in parts}
        | {"own": round(sum(one[part]["cpu"] for part in parts[1:]), 1)}
        for arm, one in found.items()
    ]


def compute() -> str:
    """CPU seconds behind each arm."""
    found = record("compute")
    parts = [name for name in found.columns if name != "arm"]
    rows = [
        [f"`{row['arm']}`", *(f"{row[name]:,}" for name in parts)]
        for row in found.sort("own", "arm", descending=[True, False]).iter_rows(named=True)
    ]
    return table(["arm", *(f"{name}, CPU s" for name in parts)], rows, right=len(parts))


def operators() -> str:
    rows = [
        [
            f"`{row['set']}`",
            row["stage"],
            row["operator"],
            f"{row['asked']:,}",
            f"{row['kept']:,}",
            share(row["kept"], row["asked"]),
        ]
        for row in record("operators").iter_rows(named=True)
    ]
    return table(["arm", "stage", "operator", "rows", "kept", "share"], rows, right=3)


def overlaps() -> str:
    """Overlaps of a tenth or more."""
    shared = record("overlaps").filter(pl.col("shared") >= 0.1 * pl.col("questions"), pl.col("shared") > 0)
    rows = [
        [
            f"`{row['set']}`",
            f"`{row['against']}`",
            f"{row['questions']:,}",
            f"{row['shared']:,}",
            share(row["shared"], row["questions"]),
        ]
        for row in shared.sort("set", "against").iter_rows(named=True)
    ]
    return table(["arm", "also in", "questions", "shared", "share"], rows, right=3)


def the_compute_line() -> str:
    return table([*compute_line.LINE_HEAD], compute_line.compute_line(), right=6)


def choice_by_seed() -> str:
    head = compute_line.seeds_head()
    return table(head, compute_line.by_seed(), right=len(head) - 2)


def choices() -> str:
    return table([*compute_line.CHOICES_HEAD], compute_line.choices(), right=6)


def families() -> str:
    return table([*compute_line.FAMILIES_HEAD], compute_line.families(), right=3)


def students() -> str:
    return table([*compute_line.STUDENTS_HEAD], compute_line.students(), right=3)


FIGURES: dict[str, Callable[[], str]] = {
    "accuracies": accuracies,
    "budgets": budgets,
    "asked-otherwise": asked_otherwise,
    "told-apart": told_apart,
    "against-jiuzhang": against_jiuzhang,
    "beside-instructions": beside_instructions,
    "compute": compute,
    "operators": operators,
    "overlaps": overlaps,
    "compute-line": the_compute_line,
    "choice-by-seed": choice_by_seed,
    "choices": choices,
    "carried": compute_line.carried,
    "families": families,
    "students": students,
}


def drawn() -> str:
    """The arms as the report draws them, by means over the seeds on the test draw, in colours of
    their own.
    """
    means = {row["set"]: row for row in in_order().iter_rows(named=True)}
    rows = [{**row, "accuracy": row["mean"]} for row in means.values()]
    with drawing(8.4, height_of(rows)) as figure:
        draw_in_order(figure, rows, {name: row["seeds"] for name, row in means.items()})
        written = StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = written.getvalue()
    for name, seen in COLOURS.items():
        text = text.replace(name, seen)
    return text


def renewed(page: str) -> str:
    return with_blocks(page, "compare", FIGURES)


def main(clone: Path) -> None:
    RECORD.mkdir(exist_ok=True)
    for name, path in TABLES.items():
        shutil.copyfile(clone / "data/tables" / path, RECORD / f"{name}.csv")
    for name, made in OF_RUN.items():
        made(clone).write_csv(RECORD / f"{name}.csv")
    said = subprocess.run(
        [sys.executable, "-m", "jz3", "compute", "--json"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    pl.DataFrame(seconds_of(json.loads(said.stdout))).write_csv(RECORD / "compute.csv")
    DRAWING.write_text(drawn())
    for name in PAGES:
        path = ROOT / name
        path.write_text(renewed(path.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
