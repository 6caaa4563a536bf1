"""From raw texts to prompts at scale: time and memory of the stages `ingest`, `sample` and `compose`.

    python benchmarks/corpus.py [--rows N] [--quick] [--latex]

N documents of 1,500 characters, all different, as JSON lines; each becomes a passage and each passage a
prompt, with the paper profile's parameters (all passages are drawn). `--latex`: the documents are articles
with formulas, displays and comments, read as those of arXiv are. The stages run one after the other as
`dvc repro` runs them. `cpu_seconds` stays valid if other work uses the cores; `peak_gb` is the greatest
resident memory of a stage's process.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.core.artifacts import In, Out
from jz3.core.params import load_params
from jz3.corpus.sample import SampleParams
from jz3.tables.passage import Passage
from jz3.tables.prompt import Prompt

ROOT = Path(__file__).parent.parent
PROFILE = ROOT / "profiles/paper.yaml"
CHARACTERS = 1_500
WORDS = (ROOT / "README.md").read_text().split()
FORMULAS = [
    r"$x_{1} + 2$", r"\(a \le b\)", r"see~\cite{a, b}", r"\emph{so}", "half of it % a comment\n",
    "\n\\begin{align}\n  a &= b \\\\[4pt]\n  c &= d\n\\end{align}\n", r"$$\sum_{i=1}^{n} \frac{1}{i}$$",
    "one.\n\n",
]  # fmt: skip


@dataclass(frozen=True)
class Used:
    """What the process of a stage used."""

    seconds: float
    cpu_seconds: float
    peak_gb: float


def body(source: str) -> str:
    """A long text to cut documents from: words, and in LaTeX every fourth one a formula or a command."""
    draw = random.Random(0)
    words = draw.choices([word for word in WORDS if "$" not in word], k=50_000)
    if source == "arxiv":
        words = [word if n % 4 else draw.choice(FORMULAS) for n, word in enumerate(words) if "%" not in word]
    return " ".join(words)


def prepare(directory: Path, source: str, rows: int) -> None:
    """Raw documents of one source; the other sources are empty."""
    text = body(source)
    profile = re.sub(r"(allow_missing:) \S+", r"\1 1", PROFILE.read_text())
    (directory / "params.yaml").write_text(profile)
    (directory / "execution.yaml").write_text((PROFILE.parent / "execution" / PROFILE.name).read_text())
    raw = directory / "raw"
    raw.mkdir()
    starts = random.Random(1)
    with (raw / "documents.jsonl").open("w") as file:
        for row in range(rows):
            start = starts.randrange(len(text) - CHARACTERS)
            file.write(json.dumps({"text": f"Text {row}. {text[start : start + CHARACTERS]}"}) + "\n")
    for source in load_params(SampleParams, "sample", PROFILE).quotas:
        Out(Passage, directory / "passages" / source).write(Passage.create_empty())


def run_stage(directory: Path, stage: str, **arguments: str | Path | list[str]) -> Used:
    command = [sys.executable, "-m", f"stages.{stage}"]
    for name, value in arguments.items():
        command += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, env=os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"the stage {stage} failed"
    return Used(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9)


def stages(directory: Path, source: str) -> dict[str, Used]:
    sources = sorted(path.name for path in (directory / "passages").iterdir())
    return {
        "ingest": run_stage(
            directory,
            "ingest",
            params=f"ingest.{source}",
            raw="raw",
            passages=f"passages/{source}",
            rejects="rejects.parquet",
            metrics="metrics/ingest.json",
        ),
        "sample": run_stage(
            directory,
            "sample",
            passages=[f"passages/{source}" for source in sources],
            initial="sample/initial",
            candidates="sample/candidates",
            corpus="sample/corpus",
            metrics="metrics/sample.json",
        ),
        "compose": run_stage(
            directory,
            "compose",
            passages="sample/corpus",
            templates=ROOT / "data/prompts",
            prompts="composed",
            metrics="metrics/compose.json",
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_200_000)
    parser.add_argument("--quick", action="store_true", help="10,000 rows")
    parser.add_argument("--latex", action="store_true", help="articles in LaTeX")
    arguments = parser.parse_args()
    source = "arxiv" if arguments.latex else "web"
    rows = 10_000 if arguments.quick else arguments.rows
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # In a process of its own: a child is charged for the memory that its parent had when it was started.
        preparing = get_context("spawn").Process(target=prepare, args=(directory, source, rows))
        preparing.start()
        preparing.join()
        assert preparing.exitcode == 0, "the documents were not written"
        used = stages(directory, source)
        assert In(Passage, directory / "sample/corpus").rows() == rows
        assert In(Prompt, directory / "composed").rows() == rows
    figures: dict[str, float] = {"rows": rows}
    print("stage        rows   wall s    CPU s  us CPU a row  memory GB")
    for stage, of in used.items():
        per_row = of.cpu_seconds / rows * 1e6
        print(
            f"{stage:7} {rows:9,} {of.seconds:8.1f} {of.cpu_seconds:8.1f} {per_row:13.1f} {of.peak_gb:10.2f}"
        )
        figures |= {
            f"{stage}_seconds": round(of.seconds, 1),
            f"{stage}_cpu_seconds": round(of.cpu_seconds, 1),
            f"{stage}_peak_gb": round(of.peak_gb, 2),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
