"""The command line. Commands import what they need when they run, so that `jz3 --help` answers at once."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jz3.cli import (
    curating,
    exporting,
    fetching,
    grading,
    graph,
    judging,
    looking,
    profiles,
    publishing,
    sharing,
    writing,
)
from jz3.cli.completing import models, stages
from jz3.cli.extras import names_the_extra
from jz3.cli.output import Json, show
from jz3.cli.overview import show_overview
from jz3.cli.root import root
from jz3.core.ending import ends_in_one_line
from jz3.core.errors import UserError


class Commands(TyperGroup):
    """Runs a command; user errors, a full disk and Ctrl-C become one line on stderr and an exit status."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 (the group's own signature)
        with ends_in_one_line("jz3", "run it again"), names_the_extra(ctx):
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: object) -> None:  # noqa: ANN401, ARG002 (the group's own signature)
        show_overview(self, ctx)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (as typer calls it)
    if wanted:
        from importlib.metadata import version

        typer.echo(f"jz3 {version('jz3')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    name="jz3",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A build system for mathematical-reasoning data. `dvc repro` builds; these commands inspect it.",
)


@app.callback()
def options(
    *,
    version: Annotated[  # noqa: ARG001 (its callback does the work)
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="print the version"),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="say on stderr what is being done; -vv everything",
        ),
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="only results and errors: no progress, no remarks")
    ] = False,
) -> None:
    """Options of every command, before its name: `jz3 -q curate ...`."""
    import logging

    if quiet:
        logging.disable(logging.WARNING)
    elif verbose:
        level = logging.INFO if verbose == 1 else logging.DEBUG
        logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s", datefmt="%H:%M:%S")


def layout(
    *,
    check: Annotated[bool, typer.Option("--check", help="exit with 1 if a file has another layout")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="rewrite the files in it")] = False,
    json: Json = False,
) -> None:
    """Compare profiles, params.yaml and execution.yaml with the layout in which DVC writes them.

    In that layout `dvc exp run -S` changes one line.

    Example: jz3 layout --fix
    """
    from jz3.graph.layout import fix_layout, wrong_layout

    place = root()
    wrong = wrong_layout(place)
    lines = [f"{file} is not laid out as DVC writes it" for file in wrong]
    show("\n".join(lines) or "every file is laid out as DVC writes it", {"files": wrong}, json=json)
    if fix:
        fix_layout(place)
    elif check and wrong:
        raise UserError("The layout of these files is not DVC's. Run `jz3 layout --fix`.")


def deps(
    *,
    check: Annotated[bool, typer.Option("--check", help="exit with 1 if dvc.yaml is wrong")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="rewrite them in dvc.yaml")] = False,
    json: Json = False,
) -> None:
    """Compare what dvc.yaml repeats: that each stage depends on its code, and the lists of graph.yaml.

    Example: jz3 deps --check
    """
    from jz3.graph.deps import differences, wrong_lists
    from jz3.graph.deps import fix as rewrite

    place = root()
    found, lists = differences(place), wrong_lists(place)
    lines = [
        line
        for stage, (missing, extra) in found.items()
        for line in (
            *(f"{stage} lacks {file}" for file in missing),
            *(f"{stage} lists {file}, which is not its own" for file in extra),
        )
    ]
    lines += [f"{one.stage} --{one.flag} does not list the paths that graph.yaml asks for" for one in lists]
    document = {
        "code": {stage: {"lacks": missing, "extra": extra} for stage, (missing, extra) in found.items()},
        "lists": {
            f"{one.stage} --{one.flag}": {
                "lacks": sorted({*one.wanted} - {*one.found}),
                "extra": sorted({*one.found} - {*one.wanted}),
            }
            for one in lists
        },
    }
    show("\n".join(lines), document, json=json)
    if fix:
        rewrite(place)
    elif check and lines:
        raise UserError("Paths listed in dvc.yaml are wrong. Run `jz3 deps --fix`.")


def fill(
    stage: Annotated[
        str,
        typer.Argument(
            help="a stage with rows in the row store, such as synthesize@candidates", autocompletion=stages
        ),
    ],
    *,
    part: Annotated[str, typer.Option("--slice", help="n/m: slice n of m")] = "1/1",
) -> None:
    """Compute the rows of one slice of a stage that the row store lacks; write no outputs. For job arrays.

    It downloads nothing: use `jz3 store pull` for rows, `jz3 pull` for outputs too, `jz3 fetch` for raw data.

    Example: jz3 fill synthesize@candidates --slice 3/8
    """
    import logging

    from jz3.graph.fill import fill_stage, read_slice

    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {stage} {part} %(message)s")
    fill_stage(root(), stage, read_slice(part))


def join(
    *,
    once: Annotated[bool, typer.Option("--once", help="stop after the first training")] = False,
) -> None:
    """Take part in the trainings of a stage that runs on another machine (execution.yaml:launcher: torchrun).

    Run it on each machine except the stage's, in a clone that sees the same files; Ctrl-C ends it.

    Example: jz3 join
    """
    import logging

    from jz3.lm.launch import join_trainings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    join_trainings(once=once)


def lm_eval(
    model: Annotated[
        str, typer.Argument(help="a model of graph.yaml whose answers are graded", autocompletion=models)
    ],
    directory: Annotated[Path, typer.Argument(help="the parent of the model's output folder")],
    *,
    json: Json = False,
) -> None:
    """Write a model's results and samples in the layout of lm-eval.

    Example: jz3 lm-eval jiuzhang lm-eval-out
    """
    import polars as pl

    from jz3.core.artifacts import In, InFiles
    from jz3.core.graph_file import read_graph
    from jz3.core.params import PARAMS_FILE, load_params
    from jz3.evaluation.answer import AnswerParams
    from jz3.evaluation.lm_eval import Answered, export_lm_eval
    from jz3.tables.grade import Grade
    from jz3.tables.item import Item
    from jz3.tables.response import Response

    place = root()
    found = read_graph(place)
    answer, graded = found.stage(f"answer@{model}"), found.stage(f"grade@{model}")
    answered = Answered(
        model=model,
        items=In(Item, place / answer.path("items")).read(),
        responses=In(Response, place / answer.path("responses")).read(),
        grades=pl.concat(In(Grade, place / graded.path(flag)).read() for flag in ("grades", "test_grades")),
        params=load_params(AnswerParams, answer.section, place / PARAMS_FILE),
        shots=InFiles(place / answer.path("shots")),
    )
    files = [str(file) for file in export_lm_eval(answered, directory)]
    show("\n".join(files), files, json=json)


def influence(
    targets: Annotated[Path, typer.Argument(help="a table of targets, as `tasks` writes it")],
    scores: Annotated[Path, typer.Argument(help="output file for the scores, .parquet")],
    *,
    values: Annotated[
        Path | None, typer.Option(help="output file for values that `select` can read, .parquet")
    ] = None,
    json: Json = False,
) -> None:
    """Score the sketched candidate problems for other targets; no candidate goes through the model again.

    Example: jz3 influence my-targets.parquet my-scores.parquet
    """
    from jz3.core.artifacts import In, InDir, Out
    from jz3.core.execution import EXECUTION_FILE, load_execution
    from jz3.core.graph_file import read_graph
    from jz3.graph.sketched import sketched_by
    from jz3.influence.sketch_scores import sketch_scores
    from jz3.influence.values import influence_values
    from jz3.tables.checkpoints_manifest import CheckpointsManifest
    from jz3.tables.influence_score import InfluenceScore
    from jz3.tables.sketch import Sketch
    from jz3.tables.target import Target
    from jz3.tables.value import Value

    place, out = root(), Out(InfluenceScore, scores)
    for file, what in ((scores, "scores"), (values, "values")):
        if file is not None and file.suffix != ".parquet":
            raise UserError(
                f"{file} does not end in .parquet; a file name with this ending was expected. Give it a name "
                f"such as {what}.parquet."
            )
    out.must_be_free()
    if values is not None:
        Out(Value, values).must_be_free()
    items = In(Target, targets).read()
    sketch = sketched_by(read_graph(place))
    found = sketch_scores(
        In(Sketch, place / sketch.path("sketches")),
        items,
        InDir(CheckpointsManifest, place / sketch.path("checkpoints")),
        load_execution(place / EXECUTION_FILE),
    )
    out.write(found)
    if values is not None:
        Out(Value, values).write(influence_values(found))
    tasks = sorted(set(found["task"]))
    text = f"{found['problem_id'].n_unique()} problems for {', '.join(tasks) or 'no task'}: {scores}"
    show(text, {"problems": found["problem_id"].n_unique(), "tasks": tasks}, json=json)


def vendi(
    table: Annotated[Path, typer.Argument(help="a table of problems, such as data/problems/candidates")],
    *,
    json: Json = False,
) -> None:
    """Measure in how many directions the problems of a table differ, from their sketches (G-Vendi).

    Example: jz3 vendi data/problems/candidates
    """
    from jz3.core.artifacts import In
    from jz3.core.graph_file import read_graph
    from jz3.graph.sketched import sketched_by
    from jz3.influence import vendi as of_sketches
    from jz3.tables.problem import Problem
    from jz3.tables.sketch import Sketch

    place = root()
    problem_ids = In(Problem, table).read()["problem_id"]
    sketches = In(Sketch, place / sketched_by(read_graph(place)).path("sketches"))
    found = of_sketches.vendi(sketches, problem_ids)
    alone = ", ".join(f"{name} {score:.1f}" for name, score in found.at_checkpoints.items())
    text = (
        f"G-Vendi {found.score:.1f} of {found.sketched} problems ({alone}); {found.without} of "
        f"{len(problem_ids)} have no sketch"
    )
    document = {
        "vendi": found.score,
        "problems": found.sketched,
        "without_sketch": found.without,
        "at_checkpoints": found.at_checkpoints,
    }
    show(text, document, json=json)


COMMANDS = {
    "A run of the graph": (
        profiles.profile,
        fetching.fetch,
        graph.doctor,
        graph.repro,
        graph.plan,
        graph.why,
        graph.report,
        graph.ledger,
        graph.compute,
        graph.trace,
        influence,
        vendi,
        lm_eval,
        grading.regrade,
    ),
    "Own files": (
        curating.curate,
        curating.dedup,
        curating.decontaminate,
        curating.filter_,
        curating.execute,
        grading.grade,
        judging.judge,
        looking.look,
        exporting.export,
        writing.init,
        writing.write,
    ),
    "Clusters and sharing": (
        fill,
        join,
        graph.slurm,
        sharing.push,
        sharing.pull,
        publishing.publish,
        sharing.verify,
    ),
    "Work on jz3": (deps, layout, profiles.parameters),
}
"""Commands by the heading under which `jz3 --help` lists them, in this order."""

for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__.strip("_").replace("_", "-"), rich_help_panel=heading)(command)
app.add_typer(sharing.store, name="store", rich_help_panel="Clusters and sharing")


def main() -> None:
    """The command `jz3`."""
    app()
