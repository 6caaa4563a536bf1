"""A system's pipeline in a folder of its own: laid out, run, counted."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.servers.teaching import calls_of

ROOT = Path(__file__).parent.parent.parent
FILES = ROOT / "benchmarks/rebuild"
TALLY = "REBUILD_TALLY"
"""Environment variable: the folder in which the steps of a run count their rows, a separate one per
project.
"""
LIMIT_S = 900
"""The most seconds of one run of a system: after that, it hangs."""
SKIPPED = shutil.ignore_patterns("__pycache__", "requirements.txt")


@dataclass(frozen=True)
class Run:
    """What one run cost, and what it left."""

    calls: int
    rows: int
    seconds: float
    status: int
    said: str
    """The end of its output."""


class Project:
    """A system's pipeline in a folder of its own, with a home and caches of its own."""

    def __init__(self, name: str, folder: Path, server: str, environments: Path) -> None:
        self.name, self.folder, self.server = name, folder, server
        self.about: Mapping[str, Any] = yaml.safe_load((FILES / "systems.yaml").read_text())[name]
        self.path = folder / "project"
        self._bin = environment_of(name, self.about, environments)

    def lay(self, texts: list[dict[str, str]]) -> None:
        """Write the sources, as a clone of a repository has them."""
        self.path.mkdir(parents=True)
        for code in self.about.get("code", []):
            shutil.copytree(ROOT / code, self.path / code, ignore=SKIPPED)
        for lay in self.about["lays"]:
            shutil.copytree(FILES / lay, self.path, dirs_exist_ok=True, ignore=SKIPPED)
        for file, (old, new) in self.about.get("replaces", {}).items():
            text = (self.path / file).read_text()
            assert old in text, (file, old)
            (self.path / file).write_text(text.replace(old, new))
        inside = self.path / self.about.get("in", "")
        for module in (FILES / "common").glob("*.py"):
            text = module.read_text()
            if package := self.about.get("imports"):
                text = re.sub(r"^from (answers|tally) ", rf"from {package}.\1 ", text, flags=re.MULTILINE)
            (inside / module.name).write_text(text)
        shutil.copytree(FILES / "common/templates", self.path / "templates")
        (self.path / "texts").mkdir()
        write_texts(self.path, texts)
        if self.name == "jz3":
            shutil.copy(ROOT / "profiles/execution/embedded.yaml", self.path / "execution.yaml")

    def setup(self) -> None:
        if command := self.about.get("setup"):
            must_succeed(self.name, self.run(command))

    def run(self, command: str | None = None, kill_at: int | None = None) -> Run:
        """Run the system's command, or another; status -9 if the server had answered `kill_at` calls."""
        tally = self.folder / "tally"
        shutil.rmtree(tally, ignore_errors=True)
        tally.mkdir()
        before, started = calls_of(self.server), time.monotonic()
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", command or self.about["run"]],
                cwd=self.path,
                env=self._environment(tally),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while process.poll() is None and time.monotonic() - started < LIMIT_S:
                if kill_at is not None and calls_of(self.server) - before >= kill_at:
                    break
                time.sleep(0.01)
            seconds = time.monotonic() - started
            end_all(process, f"{TALLY}={tally}")
        counts = {file.name: file.stat().st_size for file in tally.iterdir()}
        rows = sum(counts.get(step, 0) for step in ("parse", "filter", "dedup", "grade"))
        said = (self.folder / "log").read_text(errors="replace")[-2_000:]
        return Run(calls_of(self.server) - before, rows, seconds, process.returncode, said)

    def rows(self) -> dict[str, tuple[str, str, bool]]:
        """The final rows by id; none if there is no table."""
        file = self.path / self.about["rows"]
        if not file.exists():
            return {}
        if file.suffix == ".parquet" or file.is_dir():
            import polars as pl

            rows = pl.read_parquet(file if file.is_file() else file / "**/*.parquet").to_dicts()
        else:
            rows = [json.loads(line) for line in file.read_text().splitlines()]
        return {row["id"]: (row["problem"], row["answer"], row["right"]) for row in rows}

    def lines(self) -> int:
        """Lines of its own code, without blank lines, comments and one-line docstrings."""
        files = [
            file
            for lay in self.about["lays"]
            for file in (FILES / lay).rglob("*")
            if file.suffix in (".py", ".yaml") or file.name == "Makefile"
        ]
        lines = [line.strip() for file in files for line in file.read_text().splitlines()]
        return sum(bool(line) and not line.startswith(("#", '"""')) for line in lines)

    def _environment(self, tally: Path) -> dict[str, str]:
        """Everything that a system keeps outside its project goes under this home."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("LANG", "TERM", "TMPDIR") if name in os.environ}
        return kept | {
            "PATH": f"{self._bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "JZ3_STORE": str(home / "jz3"),
            TALLY: str(tally),
            "OPENAI_BASE_URL": f"{self.server}/v1",
            "OPENAI_API_KEY": "loopback",
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
            "DVC_NO_ANALYTICS": "1",
            "DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1",
            **self.about.get("environment", {}),
        }


def environment_of(name: str, about: Mapping[str, Any], environments: Path) -> Path:
    """The folder of a system's programs, made from its requirements on first use and named by their
    content.
    """
    if "packages" not in about:
        return Path(sys.executable).parent
    requirements = FILES / about["packages"]
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:8]
    place = environments / f"{name}-{digest}"
    if not (place / "ready").exists():
        print(f"making the environment of {name} in {place}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        install = [place / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", requirements]
        subprocess.run(install, check=True, stdout=sys.stderr)
        (place / "ready").touch()
    return place / "bin"


def end_all(process: "subprocess.Popen[bytes]", marked: str) -> None:
    """End a command with everything that it started, including workers in sessions of their own (such as
    Ray's): all carry the mark of this run in their environment.
    """
    with suppress(ProcessLookupError):  # all of it has already ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while left := pids_with(marked):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def pids_with(marked: str) -> list[int]:
    """Running processes whose environment has `NAME=VALUE`; a dead one that waits for its parent has none."""
    found: list[int] = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # another user's, or gone in the meantime
            if marked.encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def must_succeed(name: str, run: Run) -> None:
    if run.status:
        raise SystemExit(f"{name} ended with status {run.status}:\n{run.said}")


def write_texts(path: Path, texts: list[dict[str, str]]) -> None:
    (path / "texts/texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
