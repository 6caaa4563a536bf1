"""Grades the responses of an older run again, by today's rules and without a model.

Responses, items and the old grades of a revision come from DVC's cache; nothing in the working tree is read
or changed. The certificates' findings on an item stay as they were.

The cost is reading the revision (some seconds) and grading (docs/evaluation.md has the rate).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from jz3.core.artifacts import In, Out
from jz3.core.errors import UserError
from jz3.evaluation.certificates import Contamination
from jz3.evaluation.grade import GradeParams, grade
from jz3.tables.grade import Grade
from jz3.tables.item import Item
from jz3.tables.response import Response

RESPONSES, ITEMS, GRADES = "data/responses", "data/tasks/items.parquet", "data/grades"
TEST_GRADES = "data/test_grades"  # missing in older runs, which had no test benchmarks
"""The places of a run's tables: outputs of `answer`, `benchmarks` and `grade` in dvc.yaml."""


class RegradeError(UserError):
    """The revision has no responses that can be graded."""


@dataclass(frozen=True)
class Regraded:
    """A model's responses under the old rules and the present ones."""

    model: str
    responses: int
    correct_then: int
    correct_now: int
    changed: int
    """Responses whose strict verdict changed."""
    grades: str
    """The path of the new table of Grade."""


def regrade(root: Path, revision: str, folder: Path, params: GradeParams) -> list[Regraded]:
    """Write the new grades of every model of a revision into `folder`, and say how verdicts changed."""
    with TemporaryDirectory(prefix="jz3-regrade-") as scratch:
        models = _fetched(root, revision, Path(scratch))
        items = In(Item, Path(scratch) / ITEMS).read()
        return [_regraded(Path(scratch), model, items, folder, params) for model in models]


def as_text(found: Sequence[Regraded]) -> str:
    """A line for each model."""
    return "\n".join(
        f"{one.model}: {one.responses} responses, {one.correct_then} correct then, {one.correct_now} now, "
        f"{one.changed} verdicts changed: {one.grades}"
        for one in found
    )


def as_rows(found: Sequence[Regraded]) -> list[dict[str, Any]]:
    """JSON rows for scripts, one for each model."""
    return [asdict(one) for one in found]


def _fetched(root: Path, revision: str, scratch: Path) -> list[str]:
    """Fetch the tables of a revision into `scratch`, at their paths in the repository; return its models."""
    from dvc.exceptions import DvcException
    from dvc.fs.dvc import DVCFileSystem
    from dvc.repo import Repo
    from dvc.scm import RevError, resolve_rev

    try:
        with Repo(str(root)) as repo:
            resolve_rev(repo.scm, revision)  # for an unknown revision the file system is merely empty
        files = DVCFileSystem(url=str(root), rev=revision)
        found = sorted(files.find(RESPONSES)) if files.exists(RESPONSES) else []
        models = [Path(path).stem for path in found if path.endswith(".parquet")]
        lacking = [
            path
            for path in (ITEMS, *(f"{GRADES}/{model}.parquet" for model in models))
            if not files.exists(path)
        ]
        if not models or lacking:
            raise RegradeError(
                f"the revision {revision} has no {lacking[0] if models else RESPONSES}; a run with "
                f"responses, items and grades was expected. `dvc exp show` and `git log dvc.lock` list runs."
            )
        folders = (RESPONSES, GRADES, *([TEST_GRADES] if files.exists(TEST_GRADES) else []))
        for path in (ITEMS, *(f"{folder}/{model}.parquet" for folder in folders for model in models)):
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            files.get_file(path, str(scratch / path))
    except (DvcException, RevError, FileNotFoundError) as error:
        reason = " ".join(str(error).split())
        raise RegradeError(
            f"the run of {revision} cannot be read: {reason}. A revision whose tables are in DVC's cache was "
            f"expected. `dvc fetch` brings what a remote has."
        ) from error
    return models


def _regraded(scratch: Path, model: str, items: pl.DataFrame, folder: Path, params: GradeParams) -> Regraded:
    responses = In(Response, scratch / RESPONSES / f"{model}.parquet").read()
    kept = [scratch / folder / f"{model}.parquet" for folder in (GRADES, TEST_GRADES)]
    then = pl.concat(In(Grade, path).read() for path in kept if path.is_file())
    unchecked = Contamination(benchmarks=frozenset(), hit_items=frozenset(), certificates={})
    graded, _ = grade(responses, items, unchecked, params)
    said = then.select("response_id", "certificate", "contamination")
    now = graded.drop("certificate", "contamination").join(said, on="response_id", how="inner")
    if now.height != graded.height:
        raise RegradeError(
            f"{graded.height - now.height} responses of {model} have no old grade; one for each was "
            f"expected. Take a revision at which `dvc status` was clean."
        )
    out = Out(Grade, folder / f"{model}.parquet")
    out.must_be_free()
    out.write(Grade.validate(now.select(then.columns)))
    both = then.select("response_id", before="correct").join(now, on="response_id")
    return Regraded(
        model=model,
        responses=now.height,
        correct_then=int(then["correct"].sum()),
        correct_now=int(now["correct"].sum()),
        changed=both.filter(pl.col("before") != pl.col("correct")).height,
        grades=str(folder / f"{model}.parquet"),
    )
