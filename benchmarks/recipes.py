"""How well the filters of each recipe find planted errors, and how fast writer and `augment` are.

    python benchmarks/recipes.py            # 3 seeds of each of 64 families; some minutes
    python benchmarks/recipes.py --quick    # 1 seed of every eighth family, seconds
    python benchmarks/recipes.py errors     # a part: errors or speed

`errors` runs each recipe with the problem writer that errs on purpose (jz3/writer/erring/planted.py) and
reports for every rule what was wrong with the answers that it rejected, and for every kind of error what
became of it. For each recipe it gives `recall` and `precision` of answers (compared with gold, execution or a
label) and of texts (compared with what they were written from), and the `wrong` share of kept rows, by
readers of their own. SynthLLM makes up its questions: as published nothing confirms an answer, and
`synthllm_by_votes` keeps what two of three agree on. DART-Math's solutions are compared with gold by
`balance`. About JiuZhang's problems and the skills of MASS nothing is known beforehand: only their form is
read. `metamath_draws`: whether five draws of a masked question decide as computing does.

`speed` is CPU time of this process, with the server's threads left out: requests of new problems (`write`),
of every other task (the slowest is `task`), of the mix of each recipe (of MASS its skills); microseconds that
`augment` adds to a row beside calls, programs, the grader and, in RV-Syn, composing; questions masked; graphs
composed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import dataframely as dy

from benchmarks.erring import draws, speed, writing
from benchmarks.erring.accounts import REASONS, Account, Check, account
from benchmarks.erring.runs import (
    RECIPES,
    beginnings_of,
    execution,
    params_of,
    prompts_of,
    run,
    seeds_of,
    walked,
)
from jz3.store.row_store import open_store
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.augment import augment
from jz3.teacher.beginnings import Seeds
from jz3.teacher.taught import AugmentParams
from jz3.writer.server import ERRING_MODEL, MODEL

QUICK_EVERY = 8
FATES = ("at once", "later", "kept", "harmless")


def seeds(*, quick: bool) -> dy.DataFrame[SeedProblem]:
    """Seed problems of a run."""
    return seeds_of(1, every=QUICK_EVERY) if quick else seeds_of(3)


def beginnings(params: AugmentParams, *, quick: bool) -> Seeds:
    """Seed problems or passages for the run of a recipe."""
    return beginnings_of(params, 1, every=QUICK_EVERY) if quick else beginnings_of(params, 3)


def measure_errors(*, quick: bool) -> dict[str, float]:
    """Run each recipe with the teacher that errs."""
    figures: dict[str, float] = {}
    for name in RECIPES:
        params = params_of(name, ERRING_MODEL)
        found = account(run(beginnings(params, quick=quick), params))
        show(name, found)
        for sort, check in (("answers", found.answers), ("texts", found.texts)):
            figures |= {
                f"{name}_{sort}_{what}": round(share, 4)
                for what, share in (("recall", check.recall), ("precision", check.precision))
                if share is not None
            }
        figures[f"{name}_wrong"] = round(found.wrong / found.kept, 4)
    by_draws = draws.decided(seeds(quick=quick))
    print(
        f"\nmetamath_draws: rejected are {by_draws.found} of {by_draws.with_another} maskings with a second "
        f"value, and {by_draws.lost} of {by_draws.unique} without one"
    )
    figures["metamath_draws_recall"] = round(by_draws.recall, 4)
    figures["metamath_draws_precision"] = round(by_draws.precision, 4)
    by_stage = {
        "dart": writing.solutions(seeds(quick=quick)),
        "mass": writing.skills(seeds_of(1, every=QUICK_EVERY) if quick else seeds_of(10)),
        "jiuzhang": writing.problems(speed.writing(100 if quick else 4_000)),
    }
    for name, written in by_stage.items():
        print(f"\n{name}: {written.asked} asked, {written.kept} kept, {written.wrong} of them wrong")
        print(
            f"  {written.harmful} with harm, of which {percent(written.recall)} rejected; precision "
            f"{percent(written.precision)}"
        )
        table("rule", written.by_rule, REASONS)
        table("kind", written.by_kind, FATES)
        figures[f"{name}_wrong"] = round(written.wrong / written.kept, 4)
    return figures


def show(recipe: str, found: Account) -> None:
    """The tables of a recipe, as docs/recipes.md has them."""
    print(
        f"\n{recipe}: {found.kept} rows kept, {found.wrong} of them wrong; {found.with_errors} with an error"
    )
    for sort, check in (("answers", found.answers), ("texts", found.texts)):
        print(f"  {sort}: {check_line(check)}")
    table("rule", found.by_rule, REASONS)
    table("kind", found.by_kind, FATES)


def check_line(check: Check) -> str:
    """Counts and shares of a check."""
    return (
        f"{check.harmful} with harm, {check.at_once} rejected at once and {check.later} later "
        f"(recall {percent(check.recall)}, at once {percent(check.recall_at_once)}); "
        f"{check.rejected} rejected, {check.false} of them right (precision {percent(check.precision)})"
    )


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def table(head: str, rows: Mapping[str, Counter[str]], columns: tuple[str, ...]) -> None:
    """The columns that have a count."""
    there = [column for column in columns if any(row[column] for row in rows.values())]
    print(f"  | {' | '.join([head, *there])} |")
    print(f"  |{'---|' * (len(there) + 1)}")
    for name, row in rows.items():
        print(f"  | {' | '.join([f'`{name}`', *(str(row[column] or '') for column in there)])} |")


def measure_speed(*, quick: bool) -> dict[str, float]:
    """Rates of the writer, and what `augment` adds."""
    rate = speed.rate(speed.writing(200 if quick else 8_000))
    slowest, figures = float("inf"), {"write": round(rate)}
    print(f"\nwrite: {rate:,.0f} requests a second of CPU")
    for name in (name for name in RECIPES if "name" not in RECIPES[name]):
        params = params_of(name, MODEL)
        some = beginnings(params, quick=quick)
        augment(some, prompts_of(params.recipe.name), params, execution())
        requests = speed.requests_of(walked(some, params, open_store()), params)
        tasks = {task: speed.rate(asked) for task, asked in speed.by_task(requests).items()}
        mix, erring = speed.rate(requests), speed.rate(requests, ERRING_MODEL)
        own = added_apart(name, quick=quick)
        slowest = min(slowest, *tasks.values())
        print(f"{name}: mix {mix:,.0f} requests a second of CPU, {erring:,.0f} with errors")
        print("  " + ", ".join(f"{task} {found:,.0f}" for task, found in tasks.items()))
        print(
            f"  augment adds {own.own:.0f} us a row; beside that calls {own.calls:.0f}, programs "
            f"{own.programs:.0f}, grader {own.grader:.0f}, composing {own.composing:.0f}; {own.rows:,} rows"
        )
        figures |= {f"{name}_mix": round(mix), f"{name}_us": round(own.own)}
    beside = {
        task: speed.rate(asked)
        for task, asked in speed.by_task(speed.beside_recipes(seeds(quick=quick))).items()
    }
    slowest = min(slowest, *beside.values())
    print("beside these: " + ", ".join(f"{task} {found:,.0f}" for task, found in beside.items()))
    figures["mass_mix"] = round(beside["skills"])
    graphs = speed.graphs_per_second(seeds(quick=quick), params_of("rvsyn", MODEL))
    masked = speed.maskings_per_second(speed.questions(1 if quick else 40))
    print(f"masking: {masked:,.0f} questions a second of CPU; composing: {graphs:,.0f} graphs")
    return figures | {"task": round(slowest), "masked": round(masked), "composed": round(graphs)}


def added_apart(recipe: str, *, quick: bool) -> speed.Added:
    """What a recipe adds, measured in a process that has not read the texts of the run."""
    command = [sys.executable, __file__, "--added", recipe, *(["--quick"] if quick else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return speed.Added(**json.loads(done.stdout.splitlines()[-1]))


PARTS = {"errors": measure_errors, "speed": measure_speed}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all, if none is named")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--added", metavar="RECIPE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.added:
        params = params_of(arguments.added, MODEL)
        own = speed.added(beginnings(params, quick=arguments.quick), params)
        print(json.dumps(asdict(own)))
        return
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as store:
        os.environ["JZ3_STORE"] = store
        for name in arguments.parts or PARTS:
            figures |= PARTS[name](quick=arguments.quick)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
