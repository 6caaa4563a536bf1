"""The position of a stage in the run of the whole graph, and about how long the rest takes.

`dvc repro` starts each stage in a process of its own and tells it no more than its name (DVC_STAGE). So the
stages of a clone share notes in a file among DVC's temporary ones: how long each took, and which of them the
current `dvc` has started. No stage watches that file, and nothing of it reaches an output. `jz3 compute` adds
up the seconds. If every stage is up to date, none is started and nothing of this is read. The cost is some
milliseconds per stage, and a second after an edit of dvc.yaml or graph.yaml, for DVC to give the order.
"""

import contextlib
import fcntl
import hashlib
import logging
import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from jz3.core.parent import starter
from jz3.core.terminal import duration

log = logging.getLogger(__name__)

NOTES = Path(".dvc/tmp/jz3-run.json")
READ_BY_DVC = ("dvc.yaml", "graph.yaml")
"""The files that determine the order of the stages."""
USUAL = "usual"
"""The key, in the seconds of stages, for stages that are not named."""


class _Step(BaseModel):
    """A stage in DVC's order."""

    reads: list[str]
    """The stages that it reads from."""
    leaves: list[str]


class _Notes(BaseModel):
    """What the stages of a clone note for one another."""

    graph: str = ""
    """Digest of the files that `steps` was made from."""
    steps: dict[str, _Step] = {}
    seconds: dict[str, float] = {}
    """Wall-clock seconds of each stage in its last run here."""
    cpu_seconds: dict[str, float] = {}
    """CPU seconds of the same runs: of the process and of those that it started and waited for."""
    dvc: str = ""
    """The identity of the current `dvc`; `began` is when it started its first stage."""
    began: float = 0.0
    ran: list[str] = []


@dataclass(frozen=True)
class Asked:
    """The `dvc` that started this stage, and what it was asked for."""

    identity: str
    words: tuple[str, ...]
    """The words of its command line."""

    def has(self, letter: str, word: str) -> bool:
        """Whether an option was given, such as `-q`, `-fq` or `--quiet`."""
        return any(one == word or re.fullmatch(rf"-[a-zA-Z]*{letter}[a-zA-Z]*", one) for one in self.words)


def asked_of_dvc() -> Asked:
    """The `dvc` from /proc; without /proc, only its process id is known."""
    pid = starter()
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return Asked(str(pid), ())
    started = stat[stat.rindex(")") + 2 :].split()[
        19
    ]  # proc(5): field 22, in ticks since the machine started
    return Asked(f"{pid} {started}", tuple(words))


@dataclass(frozen=True)
class WholeRun:
    """The run as the current stage sees it."""

    stage: str
    place: int
    of: int
    ahead: tuple[str, ...]
    """Stages that will run after this one: they read from one that ran, or their outputs are missing."""
    took: dict[str, float]
    """Seconds of this stage and of those ahead, as far as they are known."""
    began: float
    """When the first stage of this run began."""
    ran: int

    def left(self, so_far: float) -> float | None:
        """Seconds until the whole run ends, None if none are known; this stage has run for `so_far`
        seconds.
        """
        if not self.took:
            return None
        return sum(self.took.get(name, 0.0) for name in self.ahead) + max(
            self.took.get(self.stage, 0.0) - so_far, 0.0
        )

    def __str__(self) -> str:
        left = self.left(0.0)
        return f"stage {self.place} of {self.of}" + (
            f", about {duration(left)} left" if left and left >= 1 else ""
        )

    def headline(self) -> str | None:
        """The line to print at the end of the last stage; None for other stages."""
        if self.ahead or self.of == 1:
            return None
        others = f", {self.of - self.ran} as they were" if self.of > self.ran else ""
        return f"the whole run took {duration(time.time() - self.began)}: {self.ran} stages ran{others}"


def enter(stage: str, asked: Asked, measured: dict[str, float], root: Path = Path()) -> WholeRun | None:
    """Note that a stage begins. Returns None if DVC's order does not have it.

    `measured` gives seconds of stages, or of all instances of one, for those that have not run here yet. They
    are scaled by this machine's speed on the stages that have.
    """
    texts = [(root / file).read_bytes() for file in READ_BY_DVC if (root / file).is_file()]
    graph = hashlib.blake2b(b"\0".join(texts), digest_size=16).hexdigest()
    with _changed(root) as notes:
        if notes.graph != graph:
            notes.graph, notes.steps = graph, _steps(root)
        if stage in notes.steps:
            if notes.dvc != asked.identity:
                notes.dvc, notes.began, notes.ran = asked.identity, time.time(), []
            notes.ran = [*dict.fromkeys([*notes.ran, stage])]
    if stage not in notes.steps:
        return None
    wanted = _wanted(notes.steps, asked)
    if stage in wanted:  # the order is not certain, so what a stage that ran depends on counts as looked at
        seen = _with_sources(notes.steps, notes.ran)
        place, of = len(seen & wanted), len(wanted)
        later = [name for name in notes.steps if name in wanted - seen]
    else:
        order = list(notes.steps)
        place, of = order.index(stage) + 1, len(order)
        later = order[place:]
    ahead = _will_run(later, notes, root)
    took = {
        name: seconds
        for name in (stage, *ahead)
        if (seconds := _seconds(name, notes.seconds, measured)) is not None
    }
    return WholeRun(stage, place, of, tuple(ahead), took, notes.began, len(notes.ran))


def leave(stage: str, seconds: float, cpu_seconds: float, root: Path = Path()) -> None:
    """Note how long a stage took."""
    with _changed(root) as notes:
        notes.seconds[stage], notes.cpu_seconds[stage] = round(seconds, 1), round(cpu_seconds, 1)


@dataclass(frozen=True)
class Took:
    """Wall-clock and CPU seconds that a stage took."""

    wall: float
    cpu: float


def took(root: Path) -> dict[str, Took]:
    """What each stage took in its last run in this clone."""
    notes = _read(root)
    return {
        stage: Took(seconds, notes.cpu_seconds[stage])
        for stage, seconds in notes.seconds.items()
        if stage in notes.cpu_seconds
    }


def expected(root: Path, measured: dict[str, float]) -> Callable[[str], float | None]:
    """A function that estimates a stage's wall-clock seconds: as it took here, else as `measured`, else
    None.
    """
    here = _read(root).seconds
    return lambda stage: _seconds(stage, here, measured)


def _wanted(steps: dict[str, _Step], asked: Asked) -> set[str]:
    """The stages that the command names, with all that these read from; empty if it names none."""
    named = {name for name in steps if {name, name.partition("@")[0]} & set(asked.words)}
    return named if asked.has("s", "--single-item") else _with_sources(steps, named)


def _with_sources(steps: dict[str, _Step], names: Iterable[str]) -> set[str]:
    found = set(names)
    for name in reversed(steps):  # each comes before all that it reads from
        if name in found:
            found.update(steps[name].reads)
    return found


def _will_run(later: Iterable[str], notes: _Notes, root: Path) -> list[str]:
    new, found = set(notes.ran), list[str]()
    for name in later:
        step = notes.steps[name]
        if new.intersection(step.reads) or not all((root / path).exists() for path in step.leaves):
            new.add(name)
            found.append(name)
    return found


def _seconds(stage: str, here: dict[str, float], measured: dict[str, float]) -> float | None:
    if stage in here:
        return here[stage]
    known = _measured(stage, measured)
    if known is None:
        return None
    pairs = [(here[name], there) for name in here if (there := _measured(name, measured)) is not None]
    ours, theirs = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return known * ours / theirs if theirs else known


def _measured(stage: str, measured: dict[str, float]) -> float | None:
    return next(
        (measured[name] for name in (stage, stage.partition("@")[0], USUAL) if name in measured), None
    )


def _steps(root: Path) -> dict[str, _Step]:
    """The stages in the order in which `dvc repro` looks at them."""
    from dvc.repo import Repo
    from dvc.repo.reproduce import get_active_graph, plan_repro
    from dvc.stage import PipelineStage

    logging.getLogger("dvc").setLevel(logging.ERROR)  # DVC's own hints are for its own commands
    with Repo(str(root)) as repo:
        graph = get_active_graph(repo.index.graph)
        stages = [stage for stage in plan_repro(graph) if isinstance(stage, PipelineStage)]
        return {
            str(stage.name): _Step(
                reads=[str(above.name) for above in graph.successors(stage) if above in stages],
                leaves=[str(out.def_path) for out in stage.outs],
            )
            for stage in stages
        }


def _read(root: Path) -> _Notes:
    """The notes; empty if there are none or another version wrote them."""
    try:
        return _Notes.model_validate_json((root / NOTES).read_bytes())
    except (OSError, ValidationError):
        return _Notes()


@contextlib.contextmanager
def _changed(root: Path) -> Generator[_Notes]:
    """The notes, to be changed; stages of several simultaneous `dvc repro` wait for one another.

    If the notes cannot be written, later stages lose their estimates and this one loses nothing.
    """
    place = root / NOTES
    with contextlib.ExitStack() as held:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(held.enter_context(place.with_suffix(".lock").open("w")), fcntl.LOCK_EX)
        except OSError as error:
            log.debug("the stages of this clone cannot take turns: %s", error)
        notes = _read(root)
        yield notes
        try:
            with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False) as file:
                file.write(notes.model_dump_json())
            Path(file.name).replace(place)
        except OSError as error:
            log.debug("the time left of the whole run is not known: %s", error)
