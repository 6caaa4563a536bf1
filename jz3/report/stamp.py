"""A copy of the report that says when it was made and from which commit.

The stage's own page says neither, so that the same inputs give the same bytes.
"""

import subprocess
from datetime import datetime
from pathlib import Path

from jz3.core.errors import UserError
from jz3.core.graph_file import read_graph
from jz3.core.placing import is_within, placed_file
from jz3.report.page import TITLE, StampError, stamped


def report_file(root: Path) -> Path:
    """The page that the stage `report` leaves. Raises StampError if there is none yet."""
    file = root / read_graph(root).path("report", "pages") / "index.html"
    if not file.is_file():
        raise StampError(f"{file} does not exist; the report was expected there. Run `dvc repro report`.")
    return file


def stamp_report(root: Path, target: Path, now: datetime) -> None:
    """Write the copy. Raises UserError if the folder is in no git repository, or if the copy would replace
    what the stage left.
    """
    if is_within(target, report_file(root).parent):
        raise UserError(
            f"{target} is inside the folder that the stage `report` leaves, and DVC watches; a place of its "
            f"own was expected for a copy. Give another path."
        )
    text = f"Copied on {now:%Y-%m-%d %H:%M %Z} from commit {_commit(root)}."
    page = stamped(report_file(root).read_text(encoding="utf-8"), text)
    with placed_file(target, _foreign) as part:
        part.write_text(page, encoding="utf-8")


def _foreign(file: Path) -> str | None:
    """Why a file is not a copy of a report; a new copy may replace only such copies."""
    is_copy = file.is_file() and TITLE in file.read_text(encoding="utf-8", errors="replace")
    return None if is_copy else "it is no copy of a report"


def _commit(root: Path) -> str:
    """The commit that is checked out, and whether tracked files differ from it."""
    commit = _git(root, "rev-parse", "HEAD").strip()
    edited = _git(root, "status", "--porcelain", "--untracked-files=no").strip()
    return f"{commit}, with edits" if edited else commit


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            f"git {' '.join(words)} failed in {root}: {done.stderr.strip()}; a clone with a commit was "
            f"expected. Run this in one."
        )
    return done.stdout
