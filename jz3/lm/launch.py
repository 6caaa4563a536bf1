"""Starts the ranks of a training, waits for them, and checks what they left.

The stage stays one process. It writes the job into a directory, starts the ranks and reads what the first of
them left. On one machine torchrun starts them (launcher `local`). On several machines each runs an agent of
torchrun, and the agents meet by c10d. Slurm starts the agents (`srun`), or `jz3 join` does, which runs on
each other machine and picks up what a stage announces (`torchrun`). All machines see the same files; no
machine logs in to another.
"""

import json
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from jz3.core.cache import cache_root
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.lm.checkpoints import Checkpoints, step_of
from jz3.lm.preemption import Asked, Preempted, told_of_preemption

log = logging.getLogger(__name__)

STAGE = "JZ3_STAGE_PID"
"""The variable with the process id at whose end the ranks on the same machine end."""
ANNOUNCED = "joining"
"""Folder of $JZ3_STORE with what `jz3 join` takes."""
FAMILIES = ("CUDA_", "FI_", "GLOO_", "HF_", "JZ3_", "NCCL_", "PYTORCH_", "TORCH_", "UCX_")
"""Beginnings of the variables that go to ranks on other machines. NCCL reaches a network through libfabric
(`FI_`) or UCX, and PYTORCH_ALLOC_CONF says how torch shares out a card.
"""
VARIABLES = ("OMP_NUM_THREADS", "PYTHONPATH", "TOKENIZERS_PARALLELISM")
JOIN_S = 3600
"""Seconds that a machine waits for the others (chosen: a queue may provide them one by one)."""
MEET_S = 600
"""Seconds that a machine tries to reach the one where all meet, whose agent may start later (chosen: a shared
file system that is cold gives torch to one machine minutes after another; torchrun's own 60 are too few).
"""
SEEN_S = 60.0
"""Seconds until a file that another machine wrote is visible here: the longest that NFS caches a listing
(`acdirmax` of nfs(5)).
"""
ENDED_S = 40.0
"""Seconds until ranks that were told to end are killed (chosen: torchrun gives its own 30)."""
LOOK_S = 1.0
"""Seconds between two looks of `jz3 join` (chosen: a training starts in half a minute)."""


class RankError(UserError):
    """The ranks of a training did not finish."""


@dataclass(frozen=True)
class Launch:
    """A training by several ranks: `python -m MODULE DIRECTORY` on each."""

    what: str
    module: str
    directory: Path
    left: list[Path]
    """Files that exist once it is done; the first is written last."""
    steps: int
    checkpoints: Checkpoints
    execution: Execution

    @property
    def of_a_machine(self) -> int:
        """Ranks on each machine."""
        return self.execution.ranks // self.execution.nodes


class Announcement(BaseModel):
    """What another machine must know to join a training."""

    meeting: str
    """Name of the rendezvous, new for each start."""
    endpoint: str
    nodes: int
    ranks: int
    """Ranks on each machine."""
    module: str
    directory: Path
    folder: Path
    """The folder in which the stage runs."""
    environment: dict[str, str]


def run_ranks(launch: Launch) -> None:
    """Start the ranks and wait. Raises RankError if they do not leave what they should."""
    launch.left[0].unlink(missing_ok=True)
    asked = Asked(launch.directory)
    asked.look(of_ranks=True)  # clear what was asked of an earlier run
    environment = _environment(launch.execution)
    command, announcement = _command(launch, environment)
    with (
        _announced(announcement) if announcement else nullcontext(),
        told_of_preemption(asked, by_file=True),
    ):
        # A group of its own: signals that a scheduler sends to a whole job reach the ranks through the stage.
        status = _waited_for(subprocess.Popen(command, env=environment, process_group=0))
    missing = _missing(launch, wait=status == 0 and launch.execution.nodes > 1)
    if missing and asked.to_end:
        checkpoint = launch.checkpoints.latest()
        raise Preempted(launch.what, step_of(checkpoint) if checkpoint else 0, launch.steps)
    if missing:
        raise RankError(
            f"the ranks of {launch.what} ended with status {status} and left no {missing[0]}; "
            f"{launch.execution.ranks} ranks were to train it. Read their messages above; run it again to go "
            f"on from the last checkpoint."
        )
    if status:  # ZeRO-3 sometimes aborts while the interpreter shuts down
        log.info("the ranks ended with status %d after everything was written and checked", status)


def _waited_for(running: subprocess.Popen[bytes]) -> int:
    """The exit status; if the stage is interrupted, it first tells the ranks to end."""
    try:
        return running.wait()
    except BaseException:
        running.terminate()
        try:
            running.wait(ENDED_S)
        except subprocess.TimeoutExpired:
            running.kill()
        raise


def _environment(execution: Execution) -> dict[str, str]:
    environment = os.environ | {
        "OMP_NUM_THREADS": str(execution.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    # Not for srun, whose ranks may be on other machines, where this id is another process; Slurm ends them.
    return environment if execution.launcher == "srun" else environment | {STAGE: str(os.getpid())}


def _missing(launch: Launch, *, wait: bool) -> list[str]:
    until = time.monotonic() + (SEEN_S if wait else 0.0)
    while True:
        missing = [file.name for file in launch.left if not file.exists()]
        if not missing or time.monotonic() >= until:
            return missing
        time.sleep(LOOK_S)


def _command(launch: Launch, environment: Mapping[str, str]) -> tuple[list[str], Announcement | None]:
    """The command with which the stage starts its ranks, and what it announces to other machines."""
    execution = launch.execution
    of_a_rank = ["-m", launch.module, str(launch.directory)]
    if execution.launcher == "local":
        count = ["--nproc_per_node", str(execution.ranks)]
        return [*TORCHRUN, "--standalone", *count, *of_a_rank], None
    announcement = Announcement(
        meeting=uuid.uuid4().hex,
        endpoint=f"{execution.rendezvous_host or socket.gethostname()}:{_free_port()}",
        nodes=execution.nodes,
        ranks=launch.of_a_machine,
        module=launch.module,
        directory=launch.directory,
        folder=Path.cwd(),
        environment=_travelling(environment),
    )
    if execution.launcher == "srun":
        if (host := execution.rendezvous_host) is None:
            return [*_srun(execution), *agent_command(announcement, "")], None
        return [*_srun(execution), *_meeting_at(host), *agent_command(announcement, None)], None
    # Where the others do not know its name, its ranks too are met at the address that they know.
    return agent_command(announcement, "is_host=1,", execution.rendezvous_host), announcement


TIMEOUTS = f"join_timeout={JOIN_S},read_timeout={MEET_S}"
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


def agent_command(announcement: Announcement, is_host: str | None, address: str | None = None) -> list[str]:
    """The torchrun command for one machine; `is_host` says whether the others meet there, if that is
    known (None: a variable says it). `address` is the machine's own, where that is not its host name.
    """
    return [
        *TORCHRUN,
        "--nnodes",
        str(announcement.nodes),
        "--nproc_per_node",
        str(announcement.ranks),
        "--rdzv_backend",
        "c10d",
        "--rdzv_id",
        announcement.meeting,
        "--rdzv_endpoint",
        announcement.endpoint,
        *(() if is_host is None else ("--rdzv_conf", f"{is_host}{TIMEOUTS}")),
        *(("--local_addr", address) if address else ()),
        "-m",
        announcement.module,
        str(announcement.directory),
    ]


def _srun(execution: Execution) -> list[str]:
    """Start a task on each machine of the stage's allocation, with the stage's environment.

    Raises RankError where there is no allocation: srun would queue for one of its own, without GPUs.
    """
    nodes = str(execution.nodes)
    outside = None
    if shutil.which("srun") is None:
        outside = "there is no srun here"
    elif "SLURM_JOB_ID" not in os.environ:
        outside = "SLURM_JOB_ID is not set"
    if outside:
        raise RankError(
            f"execution.yaml:launcher is srun, and {outside}; an allocation of Slurm was expected, with "
            f"{nodes} machines. Run `dvc repro` in one (`salloc --nodes {nodes} ...`, or the job files of "
            f"`jz3 slurm`), or set launcher to local or torchrun."
        )
    # Since 22.05 srun does not inherit the cores per task from the job.
    cores = os.environ.get("SLURM_CPUS_PER_TASK")
    return [
        "srun",
        "--export=ALL",
        "--kill-on-bad-exit=1",
        *("--nodes", nodes),
        *("--ntasks", nodes),
        *("--ntasks-per-node", "1"),
        *(("--cpus-per-task", cores) if cores else ()),
    ]


MEETING_AT = """\
first=0
if [ "$SLURM_NODEID" = 0 ]; then first=1; export PET_LOCAL_ADDR={address}; fi
export PET_RDZV_CONF=is_host=$first,{timeouts}
exec "$@"
"""
"""Starts an agent where machines meet at another address than the host name of the first, which is the
stage's: torch takes a machine for the host by the address of its host name alone, and then none would be, of
a second network. Torchrun reads options that are not on its command line from variables.
"""


def _meeting_at(address: str) -> list[str]:
    return ["sh", "-c", MEETING_AT.format(address=shlex.quote(address), timeouts=TIMEOUTS), "sh"]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _travelling(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(environment.items())
        if name != STAGE and (name.startswith(FAMILIES) or name in VARIABLES)
    }


@contextmanager
def _announced(announcement: Announcement) -> Generator[None]:
    """While open, `jz3 join` finds it. Readable only for this user: a token of the hub may be in the
    variables.
    """
    folder = cache_root() / ANNOUNCED
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{announcement.directory.name}.json"
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(announcement.model_dump_json())
    part.replace(file)
    nodes = announcement.nodes
    log.info("%d machines are to train; run `jz3 join` on %d others", nodes, nodes - 1)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def join_trainings(*, once: bool) -> None:
    """Join each training that a stage on another machine announces, for ever or only once.

    Raises RankError if that one did not end well.
    """
    known = set[str]()
    while True:
        for announcement in _announcements():
            if announcement.meeting in known:
                continue
            known.add(announcement.meeting)
            status = _take_part(announcement)
            log.info("%s: the ranks of this machine ended with status %d", announcement.directory, status)
            if once and status:
                raise RankError(
                    f"the ranks of this machine ended with status {status}; 0 was expected. Read their "
                    f"messages above, and those of the stage."
                )
            if once:
                return
        time.sleep(LOOK_S)


def _announcements() -> list[Announcement]:
    found: list[Announcement] = []
    for file in sorted((cache_root() / ANNOUNCED).glob("*.json")):
        try:
            found.append(Announcement.model_validate(json.loads(file.read_text())))
        except FileNotFoundError:  # the training has just ended
            continue
    return found


def _take_part(announcement: Announcement) -> int:
    own = {name: value for name, value in os.environ.items() if name.startswith("CUDA_")}  # its own GPUs
    environment = {**os.environ, **announcement.environment, **own, STAGE: str(os.getpid())}
    command = agent_command(announcement, "is_host=0,")
    return subprocess.run(command, env=environment, cwd=announcement.folder, check=False).returncode
