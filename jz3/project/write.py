"""Runs the graph of a project, and reports the result: rows, tokens, cost, and what the rest would take."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.project.project import (
    CODE,
    Order,
    check_benchmarks,
    check_corpus,
    is_project,
    settle,
    start,
    write_code,
)


@dataclass(frozen=True)
class Written:
    """What a run left. Rows and tokens are counted once, whenever they were paid for."""

    project: str
    wanted: int
    passages: int
    asked: int
    """Problems asked for: at most one per passage, and no more than wanted or than the trial allows."""
    answered: int
    written: int
    """Answers that are problems."""
    kept: int
    rejected: Mapping[str, int]
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """None if execution.yaml has no price for the model."""
    model: str

    @property
    def left(self) -> int:
        """Problems that are wanted and have a passage, but were not asked for."""
        return min(self.wanted, self.passages) - self.asked


def begin(folder: Path, corpus: Path, against: tuple[Path, ...], order: Order) -> None:
    """Create the project, as `jz3 init` does, or apply an order to an existing one."""
    if is_project(folder):
        check_corpus(folder, corpus)
        check_benchmarks(folder, against)
        _under_dvc(folder)
        settle(folder, order)
        write_code(folder)
        return
    start(folder, corpus, against)
    _under_dvc(folder)
    settle(folder, order)


def _under_dvc(folder: Path) -> None:
    """Make DVC know the folder, also where an earlier command ended before it did."""
    if (folder / ".dvc/config").is_file():
        return
    _dvc(folder, "init", "-q", "-f", "--subdir" if _in_git(folder) else "--no-scm")
    _dvc(folder, "config", "core.analytics", "false")


def run(folder: Path, wanted: int) -> Written:
    """Run what changed since the last run. Raises UserError where a stage ends with an error."""
    try:
        _dvc(folder, "repro")
    except UserError as error:
        raise UserError(f"{error}{why_nothing(folder)}") from error
    return _account(folder, wanted)


def why_nothing(folder: Path) -> str:
    """Why a run left nothing to curate, as a sentence after its error; empty if it left something."""
    if _ran(folder, "sample") and not _metrics(folder, "sample")["passages"].get("texts"):
        return (
            f" The texts gave no passage to write a problem from: {folder}/data/rejects/ingest.parquet holds "
            f"what was rejected, with the reasons."
        )
    if _ran(folder, "distill") and not _metrics(folder, "distill")["rows"]["kept"]:
        return (
            f" No answer of the teacher is a problem: {folder}/data/rejects/distill.parquet and "
            f"{folder}/data/failures/distill.parquet hold them, with the reasons."
        )
    return ""


def told(written: Written) -> str:
    """The result as lines for people."""
    rejected = ", ".join(f"{rule} {count}" for rule, count in written.rejected.items())
    cost = "no price in execution.yaml" if written.cost_usd is None else f"{written.cost_usd:.2f} USD"
    lines = [
        f"asked {written.asked:,} of {written.wanted:,}: {written.answered:,} answered, "
        f"{written.failed:,} failed; {written.kept:,} kept" + (f", rejected: {rejected}" if rejected else ""),
        f"{written.model}: {_tokens(written, 1)}; {cost}",
    ]
    if written.passages < written.wanted:
        lines.append(f"the texts give {written.passages:,} passages, one problem each: add texts for more")
    if written.left and written.asked:
        share = written.left / written.asked
        usd = "" if written.cost_usd is None else f", {share * written.cost_usd:.2f} USD"
        rest = f"the other {written.left:,} would take about {_tokens(written, share)}{usd}"
        lines.append(f"{rest}: run it without --limit")
    return "\n".join([*lines, f"{written.project}/data/curated/kept.jsonl"])


def _tokens(written: Written, times: float) -> str:
    read, made = times * written.prompt_tokens, times * written.completion_tokens
    return f"{read:,.0f} tokens read, {made:,.0f} written"


def document(written: Written) -> dict[str, Any]:
    """The result as a document for programs."""
    return asdict(written) | {"left": written.left}


def _account(folder: Path, wanted: int) -> Written:
    sample, distill = (_metrics(folder, stage) for stage in ("sample", "distill"))
    curated = json.loads((folder / "data/curated/manifest.json").read_text())["rows"]
    rows = distill["rows"]
    return Written(
        project=str(folder),
        wanted=wanted,
        passages=sample["passages"].get("texts", 0),
        asked=rows["read"],
        answered=distill["answered"],
        written=rows["kept"],
        kept=curated["kept"],
        rejected=rows["rejected"] | curated["rejected"],
        failed=rows["failed"],
        prompt_tokens=distill["prompt_tokens"],
        completion_tokens=distill["completion_tokens"],
        cost_usd=distill["cost_usd"] if distill["priced"] or distill["provider"] == "writer" else None,
        model=distill["model"],
    )


def _ran(folder: Path, stage: str) -> bool:
    return (folder / f"data/metrics/{stage}.json").is_file()


def _metrics(folder: Path, stage: str) -> dict[str, Any]:
    return json.loads((folder / f"data/metrics/{stage}.json").read_text())


def _in_git(folder: Path) -> bool:
    asked = ["git", "rev-parse", "--is-inside-work-tree"]
    try:
        return not subprocess.run(asked, cwd=folder, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return False


def _dvc(folder: Path, *words: str) -> None:
    """Run DVC in the folder, with the Python and the jz3 that run this."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": f"{CODE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, stdout=sys.stderr
    ) as running:
        status = waited_for(running)
    if status:
        raise UserError(
            f"`dvc {' '.join(words)}` ended with status {status} in {folder}; 0 was expected, and "
            f"what is above says why. Run the same command again: answers that came are kept."
        )


def waited_for(running: "subprocess.Popen[bytes]") -> int:
    """The exit status. Ctrl-C reaches DVC and its stage, too: they end by themselves, and this ends last.

    `subprocess.run` would kill DVC after a quarter of a second, and its stage would go on alone.
    """
    try:
        return running.wait()
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running.wait()
        interrupt.add_note("it goes on with the stage that was interrupted, and answers that came are kept")
        raise
