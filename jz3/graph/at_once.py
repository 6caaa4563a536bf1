"""Run the graph with as many stages at once as the machine has room for: `jz3 repro`.

`dvc repro` runs one stage after another, however many cores or GPUs are idle; but a small model trains nearly
as fast on one core as on two, and a GPU waits while programs run. Here a stage starts as soon as its inputs
are there and what it needs of the machine (`needs_of`) is free; stages at the head of the longest waiting
chain start first. Each runs through `dvc repro --single-item`, alone or with others in turn, so DVC writes
what a plain `dvc repro` would write.

Stages that ask teachers run one at a time, because a provider's limits and the caps on money are counted
within a process.
"""

import asyncio
import logging
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jz3.core.errors import UserError
from jz3.core.execution import EXECUTION_FILE, Execution, load_execution
from jz3.core.graph_file import Graph, Stage, read_graph
from jz3.core.params import PARAMS_FILE, read_sections
from jz3.core.whole_run import expected
from jz3.evaluation.arms import ASKING
from jz3.graph.needs import Needs, needs_of
from jz3.graph.stale import stale_stages

log = logging.getLogger(__name__)

DVC = (sys.executable, "-m", "jz3.graph.dvc_process")
REPRO = (*DVC, "--wait-for-lock", "repro", "--single-item")
FAILED = re.compile(r"failed to reproduce '([^']+)'")
"""How DVC's output names a stage that failed."""
QUIET = "-q"
"""DVC's option for less output, which stages follow, too."""
OF_A_STAGE = re.compile(r"\d\d:\d\d:\d\d ")
"""How a stage's own lines begin; DVC's lines are shown only if a stage fails."""
TURN_S = 30.0
"""Seconds up to which several ready stages share a process of DVC (chosen: many times the one to three
seconds, measured, that DVC takes to open a graph of 70 to 180 stages and to write its lock file)."""
LONGEST_LINE = 1 << 24
"""Bytes of a line (chosen: more than a command may have; DVC prints the long one of a stage that reads every
model)."""
UNKNOWN_S = 10.0
"""Seconds assumed for a stage whose time is not known (chosen: most only read and write rows)."""


class NotBuiltError(UserError):
    """A stage failed, or needs more GPUs than there are."""


QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Holds the CPU microseconds that a container may use per period, and the period (cgroups(7), version 2)."""


def cores_here(quota: Path = QUOTA) -> int:
    """The number of cores that this process may use, taking a container's CPU share into account."""
    here = len(os.sched_getaffinity(0))
    if not quota.is_file():
        return here
    share, _, period = quota.read_text().strip().partition(" ")
    return here if share == "max" else max(1, min(here, int(share) // int(period)))


@dataclass
class Room:
    """The free resources of the machine."""

    cores: int
    gpus: list[str]
    """The free GPUs, named as in CUDA_VISIBLE_DEVICES."""
    teacher: bool = True
    """Whether no running stage asks a teacher."""
    most: int | None = None
    """The most stages at once; None means as many as there is room for."""
    running: int = 0
    """Running stages; if there are none, a stage may start that wants more cores than the machine has."""

    def has(self, needs: Needs, name: str) -> bool:
        """Whether a stage can start now."""
        cores = needs.cores <= self.cores or self.running == 0
        fewer = self.most is None or self.running < self.most
        return cores and fewer and needs.gpus <= len(self.gpus) and (self.teacher or not _asks(name))

    def take(self, needs: Needs, name: str) -> list[str]:
        """Reserve what a stage needs; return the GPUs that it gets."""
        gpus = self.gpus[: needs.gpus]
        del self.gpus[: needs.gpus]
        self.cores -= needs.cores
        self.teacher = self.teacher and not _asks(name)
        self.running += 1
        return gpus

    def give_back(self, needs: Needs, name: str, gpus: list[str]) -> None:
        """Release what a finished stage had reserved."""
        self.gpus += gpus
        self.cores += needs.cores
        self.teacher = self.teacher or _asks(name)
        self.running -= 1


@dataclass(frozen=True)
class Work:
    """The stages to consider, and their dependencies."""

    stages: Mapping[str, Stage]
    reads: Mapping[str, frozenset[str]]
    """For each stage, those among them that it reads from."""
    needs: Mapping[str, Needs]
    seconds: Mapping[str, float]

    @cached_property
    def ahead(self) -> dict[str, float]:
        """Seconds from the start of each stage to the end of the longest chain that waits for it."""
        found: dict[str, float] = {}
        for name in reversed([*self.stages]):  # each after all that read from it
            after = [found[other] for other, above in self.reads.items() if name in above]
            found[name] = self.seconds[name] + max(after, default=0.0)
        return found

    def turn(self, begun: Collection[str], done: Collection[str], room: Room) -> list[str]:
        """The stages to start now in one process of DVC, one after another; empty if no ready one has room.

        After the first come stages that are the only readers of the one before. While the turn is short,
        ready stages follow for which other cores have no room, because DVC takes seconds to open a large
        graph. None needs more than the first.
        """
        ready = [name for name in self._ready(begun, done) if room.has(self.needs[name], name)]
        if not ready:
            return []
        ready.sort(key=lambda name: (self.ahead[name], name), reverse=True)
        first = ready[0]
        chosen = [first]
        while len(after := self._after(chosen, begun, done)) == 1 and self._fits(first, after[0]):
            chosen += after
        for name in ready[max(room.cores, 1) :]:
            longer = sum(self.seconds[one] for one in (*chosen, name))
            if longer <= TURN_S and self._fits(first, name):
                chosen.append(name)
        return chosen

    def _ready(self, begun: Collection[str], done: Collection[str]) -> list[str]:
        return [name for name, above in self.reads.items() if name not in begun and above <= set(done)]

    def _after(self, chosen: list[str], begun: Collection[str], done: Collection[str]) -> list[str]:
        """The stages that are ready once the last of the chosen is done, and were not before."""
        later = self._ready({*begun, *chosen}, {*done, *chosen})
        return [name for name in later if chosen[-1] in self.reads[name]]

    def _fits(self, first: str, name: str) -> bool:
        """Whether a stage can follow another with the resources that the other has."""
        has, needs = self.needs[first], self.needs[name]
        return needs.gpus == has.gpus and needs.cores <= has.cores and not _asks(name)


def work_of(root: Path, targets: Sequence[str]) -> Work:
    """The stale stages among the targets and everything that they depend on (by default the whole graph).

    Raises GraphError or RepositoryError.
    """
    graph, execution = read_graph(root), load_execution(root / EXECUTION_FILE)
    sections = read_sections(root / PARAMS_FILE)
    stale = {one.stage for one in stale_stages(root)} & _with_sources(graph, targets)
    stages = {stage.name: stage for stage in graph.ordered() if stage.name in stale}
    reads = {name: frozenset(_above(graph, stage)) & stages.keys() for name, stage in stages.items()}
    needs = {name: needs_of(stage, sections, execution) for name, stage in stages.items()}
    return Work(stages, reads, needs, _seconds(root, stages, execution))


def _with_sources(graph: Graph, targets: Sequence[str]) -> set[str]:
    todo = [stage for target in targets for stage in _named(graph, target)] or list(graph.stages)
    found: set[str] = set()
    while todo:
        stage = todo.pop()
        if stage.name not in found:
            found.add(stage.name)
            todo += [graph.stage(name) for name in _above(graph, stage)]
    return found


def _named(graph: Graph, target: str) -> list[Stage]:
    return graph.of(target) or [graph.stage(target)]


def _above(graph: Graph, stage: Stage) -> set[str]:
    return {above.name for path in stage.reads if (above := graph.writer(path)) is not None}


def _seconds(root: Path, names: Iterable[str], execution: Execution) -> dict[str, float]:
    known = expected(root, execution.planning.stage_seconds)
    return {name: known(name) or UNKNOWN_S for name in names}


def _asks(name: str) -> bool:
    return name.partition("@")[0] in ASKING


@dataclass
class Built:
    """The result of a run."""

    ran: list[str] = field(default_factory=list[str])
    """Stages in the order in which they ended."""
    seconds: float = 0.0


def build(root: Path, work: Work, room: Room) -> Built:
    """Run the stages of `work`. If one fails, raises NotBuiltError once the running ones have ended."""
    for name, needs in work.needs.items():
        if needs.gpus > len(room.gpus):
            raise NotBuiltError(
                f"{name} needs {needs.gpus} GPUs by execution.yaml, and {len(room.gpus)} are visible; as "
                f"many were expected. Set ranks or workers to fewer, or check CUDA_VISIBLE_DEVICES."
            )
    return asyncio.run(_build(root, work, room))


async def _build(root: Path, work: Work, room: Room) -> Built:
    built, began = Built(), time.monotonic()
    begun: set[str] = set()
    running: dict[asyncio.Task[list[str]], tuple[list[str], list[str]]] = {}
    failed: list[str] = []
    try:
        while True:
            while not failed and (turn := work.turn(begun, built.ran, room)):
                begun.update(turn)
                gpus = room.take(work.needs[turn[0]], turn[0])
                log.info("%s: %d of %d begun", ", ".join(turn), len(begun), len(work.stages))
                running[asyncio.create_task(_run(root, turn, gpus))] = (turn, gpus)
            if not running:
                break
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                turn, gpus = running.pop(task)
                room.give_back(work.needs[turn[0]], turn[0], gpus)
                done = task.result()
                built.ran += done
                failed += turn[len(done) : len(done) + 1]
    except asyncio.CancelledError:  # Ctrl-C reaches the stages as well; each ends in its own line
        await asyncio.wait(running)
        raise
    built.seconds = time.monotonic() - began
    if failed:
        left = len(work.stages) - len(built.ran) - len(failed)
        raise NotBuiltError(
            f"{' and '.join(sorted(failed))} failed, as shown above; {len(built.ran)} stages are done and "
            f"{left} wait. Fix it and run `jz3 repro` again: it continues there."
        )
    return built


async def _run(root: Path, turn: list[str], gpus: list[str]) -> list[str]:
    """Run stages one after another; return those that are done: all, unless one fails."""
    environment = {**os.environ, **({"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {})}
    quiet = () if log.isEnabledFor(logging.INFO) else (QUIET,)
    process = await asyncio.create_subprocess_exec(
        *REPRO, *turn, *quiet, cwd=root, env=environment, stdout=PIPE, stderr=STDOUT, limit=LONGEST_LINE
    )
    assert process.stdout is not None
    others: list[str] = []
    async for line in process.stdout:
        text = line.decode(errors="replace").rstrip()
        if OF_A_STAGE.match(text):
            sys.stderr.write(f"{text}\n")
        else:
            others.append(text)
    if await process.wait() == 0:
        return turn
    said = "\n".join((*others, ""))
    sys.stderr.write(said)
    found = FAILED.search(said)
    return turn[: turn.index(found[1])] if found and found[1] in turn else []
