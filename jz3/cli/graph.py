"""Commands that inspect the graph: stale stages and why, the cost of a run, where rows went."""

from pathlib import Path
from typing import Annotated

import typer

from jz3.cli.completing import profiles, stages
from jz3.cli.fetching import remark_absent
from jz3.cli.output import Json, say, show, show_blocks
from jz3.cli.root import root


def why(
    stage: Annotated[
        str,
        typer.Argument(help="a stage such as mix@jiuzhang, or a group such as mix", autocompletion=stages),
    ],
    *,
    json: Json = False,
) -> None:
    """Say why a stage would run: changed parameters (old and new value), files, and library versions.

    Example: jz3 why mix@jiuzhang
    """
    from jz3.graph.why import as_json, as_text
    from jz3.graph.why import why as reasons

    found = reasons(root(), stage)
    say(as_json(found) if json else as_text(found))


def repro(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="stages or groups; by default the whole graph", metavar="[STAGE]...", autocompletion=stages
        ),
    ] = None,
    *,
    most: Annotated[
        int | None, typer.Option("--most", min=1, help="the most stages to run at once, if memory is short")
    ] = None,
    json: Json = False,
) -> None:
    """Run what `dvc repro` would, as many stages at once as the machine's cores and GPUs have room for.

    Each takes the cores and GPUs that execution.yaml gives it.

    Example: jz3 repro grade
    """
    import logging

    from jz3.core.terminal import duration
    from jz3.graph.at_once import Room, build, cores_here, work_of
    from jz3.workers.batch import visible_gpus

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    place = root()
    work = work_of(place, names or [])
    gpus = visible_gpus() if any(needs.gpus for needs in work.needs.values()) else []
    built = build(place, work, Room(cores_here(), gpus, most=most))
    ran = f"{len(built.ran)} stages in {duration(built.seconds)}" if built.ran else "nothing is stale"
    show(ran, {"stages": built.ran, "seconds": round(built.seconds, 1)}, json=json)


def plan(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="a profile other than the one in use, as if nothing were built",
            autocompletion=profiles,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say what would run and what it costs: rows to do, rows the store has, tokens, USD, hours. Needs no key.

    Example: jz3 plan --profile paper
    """
    from jz3.graph.plan import plan as planned
    from jz3.graph.plan_shown import as_json, blocks

    place = root()
    found = planned(place, profile)
    show_blocks([as_json(found)] if json else blocks(found))
    remark_absent(place, profile)


def trace(
    identity: Annotated[str, typer.Argument(help="id of a problem, or its first characters", metavar="ID")],
    *,
    json: Json = False,
) -> None:
    """Follow a problem back to its source and licence, and forward to block, checkpoint and benchmark items.

    Example: jz3 trace 001b7fc5
    """
    from jz3.graph.trace import as_json, as_text
    from jz3.graph.trace import trace as follow

    steps = follow(root(), identity)
    say(as_json(steps) if json else as_text(steps))


def ledger(*, json: Json = False) -> None:
    """Account for every row of the graph; fail if read is not kept + rejected + failed.

    Example: jz3 ledger
    """
    from jz3.graph.ledger import accounts, as_json, table_of

    found = accounts(root())
    show_blocks([as_json(found) if json else table_of(found)])


def compute(*, json: Json = False) -> None:
    """Show the CPU and wall seconds of generation, selection and curation behind each arm, in this clone.

    Example: jz3 compute
    """
    from jz3.graph.compute import as_json, table_of
    from jz3.graph.compute import compute as added_up

    found = added_up(root())
    show_blocks([as_json(found) if json else table_of(found)])


def doctor(*, json: Json = False) -> None:
    """Check what this machine and this clone have for the graph, and say how to get what is missing.

    Example: jz3 doctor
    """
    from jz3.graph.doctor import as_json, as_text, examine

    findings = examine(root())
    say(as_json(findings) if json else as_text(findings))
    if any(finding.state == "lacks" for finding in findings):
        raise typer.Exit(1)


def report(
    target: Annotated[Path, typer.Argument(help="the file for the stamped copy", metavar="COPY")] = Path(
        "report.html"
    ),
    *,
    stamp: Annotated[bool, typer.Option("--stamp", help="write a copy with date and commit")] = False,
    json: Json = False,
) -> None:
    """Say where the report of the run is; with --stamp, copy it with today's date and the commit.

    Example: jz3 report --stamp report.html
    """
    from datetime import UTC, datetime

    from jz3.report.stamp import report_file, stamp_report

    if stamp:
        stamp_report(root(), target, datetime.now(UTC))
    file = target if stamp else report_file(root())
    show(str(file), str(file), json=json)


def slurm(
    directory: Annotated[Path, typer.Argument(help="a new folder for the job files")],
    *,
    hours: Annotated[
        int, typer.Option("--hours", min=1, help="time limit of a job; it continues in the next")
    ] = 24,
    json: Json = False,
) -> None:
    """Write a Slurm job file for each stage, and submit.sh, which submits them in the order of the graph.

    Example: jz3 slurm jobs
    """
    from jz3.graph.slurm import write_jobs

    files = [str(file) for file in write_jobs(root(), directory, hours)]
    show("\n".join(files), files, json=json)
