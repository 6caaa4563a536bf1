"""The command line. Commands import what they need when they run, so that `jz3 --help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jz3.cli import graph, sharing
from jz3.cli.output import Json, say, show
from jz3.core.errors import UserError

app = typer.Typer(
    name="jz3",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A build system for mathematical-reasoning data. `dvc repro` builds; these look and prepare.",
)

ROOT = Path()


@app.command()
def profile(
    name: Annotated[str, typer.Argument(help="embedded, test, single_gpu or paper")],
    *,
    force: Annotated[bool, typer.Option("--force", help="write over edits of params.yaml")] = False,
    json: Json = False,
) -> None:
    """Write a profile to params.yaml, showing the difference first.

    Example: jz3 profile paper
    """
    from jz3.build.profile import check_no_edits, profile_difference, write_profile

    difference = profile_difference(ROOT, name)
    document = {"profile": name, "difference": difference}
    show(difference or f"params.yaml is the profile {name} already", document, json=json)
    if not force:
        check_no_edits(ROOT)
    write_profile(ROOT, name)


@app.command()
def deps(
    *,
    check: Annotated[bool, typer.Option("--check", help="exit with 1 where dvc.yaml is not right")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="rewrite the code dependencies in dvc.yaml")] = False,
    json: Json = False,
) -> None:
    """Compare the code dependencies in dvc.yaml with what each stage imports.

    Example: jz3 deps --check
    """
    from jz3.build.deps import differences
    from jz3.build.deps import fix as rewrite

    found = differences(ROOT)
    lines = [
        line
        for stage, (missing, extra) in found.items()
        for line in (
            *(f"{stage} lacks {file}" for file in missing),
            *(f"{stage} lists {file}, which it does not import" for file in extra),
        )
    ]
    document = {stage: {"lacks": missing, "extra": extra} for stage, (missing, extra) in found.items()}
    show("\n".join(lines), document, json=json)
    if fix:
        rewrite(ROOT)
    elif check and found:
        raise UserError("dvc.yaml lists other code than the stages import. Run `jz3 deps --fix`.")


@app.command()
def grade(
    file: Annotated[Path, typer.Argument(help="JSON lines with gold, predicted and, if there, benchmark")],
    *,
    responses: Annotated[bool, typer.Option("--responses", help="predicted holds whole responses")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="one verdict a line, in the order of the file")
    ] = False,
) -> None:
    """Judge predicted answers against gold answers.

    Example: jz3 grade answers.jsonl --json
    """
    from jz3.answers.grade_file import as_json, grade_answers, grade_responses, summary

    verdicts = grade_responses(file) if responses else grade_answers(file)
    if json:
        for verdict in verdicts:
            say(as_json(verdict))
    else:
        say(summary(verdicts))


@app.command()
def fill(
    stage: Annotated[str, typer.Argument(help="synthesize@candidates or synthesize@corpus")],
    *,
    part: Annotated[str, typer.Option("--slice", help="n/m: the n-th of m slices of the rows")] = "1/1",
) -> None:
    """Compute what the row store lacks of a slice of a stage's rows, and write no output: for job arrays.

    Example: jz3 fill synthesize@corpus --slice 3/8
    """
    import logging

    from jz3.build.fill import fill_stage, read_slice

    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {stage} {part} %(message)s")
    fill_stage(ROOT, stage, read_slice(part))


for command in (
    graph.plan,
    graph.why,
    graph.accept,
    graph.trace,
    graph.ledger,
    graph.doctor,
    sharing.verify,
    sharing.push,
):
    app.command()(command)
app.add_typer(sharing.store, name="store")


@app.command(name="lm-eval")
def lm_eval(
    model: Annotated[str, typer.Argument(help="a model whose answers are graded: jiuzhang, instruct_only")],
    directory: Annotated[Path, typer.Argument(help="where the folder of the model goes")],
    *,
    json: Json = False,
) -> None:
    """Write a model's results and samples in the layout of lm-eval.

    Example: jz3 lm-eval jiuzhang lm-eval-out
    """
    from jz3.core.artifacts import In, InFiles
    from jz3.core.params import load_params
    from jz3.evaluation.answer import AnswerParams
    from jz3.evaluation.lm_eval import Answered, export_lm_eval
    from jz3.tables.grade import Grade
    from jz3.tables.item import Item
    from jz3.tables.response import Response

    data = ROOT / "data"
    answered = Answered(
        model=model,
        items=In(Item, data / "tasks/items.parquet").read(),
        responses=In(Response, data / f"responses/{model}.parquet").read(),
        grades=In(Grade, data / f"grades/{model}.parquet").read(),
        params=load_params(AnswerParams, "answer"),
        shots=InFiles(data / "raw/shots"),
    )
    files = [str(file) for file in export_lm_eval(answered, directory)]
    show("\n".join(files), files, json=json)


@app.command()
def influence(
    targets: Annotated[Path, typer.Argument(help="a table of targets, as `tasks` writes it")],
    scores: Annotated[Path, typer.Argument(help="where the scores go, a .parquet file")],
    *,
    json: Json = False,
) -> None:
    """Score the sketched candidate problems for other targets; no candidate goes through the model again.

    Example: jz3 influence my-targets.parquet my-scores.parquet
    """
    from jz3.core.artifacts import In, InDir, Out
    from jz3.core.execution import Execution
    from jz3.core.params import load_params
    from jz3.influence.sketch_scores import sketch_scores
    from jz3.tables.checkpoints_manifest import CheckpointsManifest
    from jz3.tables.influence_score import InfluenceScore
    from jz3.tables.sketch import Sketch
    from jz3.tables.target import Target

    found = sketch_scores(
        In(Sketch, ROOT / "data/influence/sketches"),
        In(Target, targets).read(),
        InDir(CheckpointsManifest, ROOT / "data/models/reference"),
        load_params(Execution, "execution"),
    )
    Out(InfluenceScore, scores).write(found)
    tasks = sorted(set(found["task"]))
    text = f"{found['problem_id'].n_unique()} problems for {', '.join(tasks) or 'no task'}: {scores}"
    show(text, {"problems": found["problem_id"].n_unique(), "tasks": tasks}, json=json)


def main() -> None:
    """Run a command; what the user can mend becomes one line on stderr and its exit status."""
    try:
        app()
    except UserError as error:
        print(f"jz3: {error}", file=sys.stderr)  # noqa: T201 (this is the one place that speaks to users)
        sys.exit(error.exit_status)
