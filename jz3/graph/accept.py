"""Cosmetic edits: a comment, a docstring or a line break in a module must not train a model again.

The bytes of a stage's code may change without its meaning. If the syntax trees of the code that ran (found in
git by its md5) and of the present code are equal without docstrings, dvc.lock may take the new hashes; in
every other case the stage has to run. Docstrings count in a module that reads `__doc__`. The cost is a search
through the git history of each changed file.
"""

import ast
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from jz3.core.errors import UserError
from jz3.graph.deps import is_code
from jz3.graph.repository import base_name, name_of, opened, stages
from jz3.graph.stale import Reason, Stale, stale_stages


class NotCosmetic(UserError):  # noqa: N818 (a verdict about an edit)
    """A stage changed in more than comments, docstrings and layout, or this cannot be ruled out."""


def accept(root: Path, names: Sequence[str]) -> list[str]:
    """Write the new code hashes of stages or groups to dvc.lock; return the stages that had cosmetic edits.

    Raises NotCosmetic if any of them changed in another way; then nothing is written.
    """
    chosen = [stale for stale in stale_stages(root) if {stale.stage, base_name(stale.stage)} & set(names)]
    _check_names(root, names)
    accepted = [stale.stage for stale in chosen if check_cosmetic(root, stale)]
    with opened(root) as repo, repo.lock:
        for stage in [stage for stage in stages(repo) if name_of(stage) in accepted]:
            stage.save(allow_missing=True)
            stage.commit(allow_missing=True, relink=False)
            stage.dvcfile.dump_stages([stage], update_pipeline=False)
    return accepted


def same_meaning(before: str, after: str) -> bool:
    """Whether two modules differ only in comments, docstrings and layout."""
    return _tree(before) == _tree(after)


def _check_names(root: Path, names: Sequence[str]) -> None:
    with opened(root) as repo:
        present = {name for stage in stages(repo) for name in (name_of(stage), base_name(name_of(stage)))}
    unknown = sorted(set(names) - present)
    if unknown:
        raise UserError(
            f"dvc.yaml has no stage {', '.join(unknown)}; a stage or a group such as `mix` was expected."
        )


def check_cosmetic(root: Path, stale: Stale) -> bool:
    """True for edits that may be accepted, False if the stage has none. Others raise NotCosmetic."""
    own = [reason for reason in stale.reasons if reason.kind != "upstream"]
    code = [reason for reason in own if reason.kind == "dep" and is_code(reason.what)]
    missing = [reason for reason in own if Stale(stale.stage, [reason]).only_missing]
    others = [reason for reason in own if reason not in code and reason not in missing]
    if others:
        what = ", ".join(f"{reason.kind} {reason.what}" for reason in others)
        raise NotCosmetic(
            f"{stale.stage} differs in more than code: {what}; only edits of comments, docstrings and layout "
            f"can be accepted. Run `dvc repro`."
        )
    for reason in code:
        _check_file(root, stale.stage, reason)
    return bool(code)


def _check_file(root: Path, stage: str, reason: Reason) -> None:
    if reason.before is None or reason.after is None:
        raise NotCosmetic(
            f"{stage}: {reason.what} is new or has gone; an edited file was expected. Run `dvc repro`."
        )
    if not reason.what.endswith(".py"):
        raise NotCosmetic(
            f"{stage}: {reason.what} is a template, whose text goes into the stage's output; an "
            f"edit of a Python file was expected. Run `dvc repro`."
        )
    before = _source_that_ran(root, reason.what, reason.before)
    if before is None:
        raise NotCosmetic(
            f"{stage}: the version of {reason.what} that ran (md5 {reason.before}) is not in git, so nothing "
            f"can be compared; a commit that has it was expected. Run `dvc repro`."
        )
    if not same_meaning(before, (root / reason.what).read_text()):
        raise NotCosmetic(
            f"{stage}: {reason.what} has another meaning than the code that ran; the same syntax tree "
            f"without docstrings was expected. Run `dvc repro`."
        )


def _source_that_ran(root: Path, path: str, md5: str) -> str | None:
    """The text of a file at the newest commit in which it has this md5."""
    for commit in _git(root, "log", "--all", "--format=%H", "--", path).decode().split():
        content = _git(root, "show", f"{commit}:./{path}")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
            return content.decode()
    return None


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def _tree(source: str) -> str:
    tree = ast.parse(source)
    if "__doc__" in source:
        return ast.dump(tree)
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            inside = getattr(node, block, None)
            if isinstance(inside, list):
                setattr(node, block, [statement for statement in inside if not _is_text(statement)])  # pyright: ignore[reportUnknownVariableType]
    return ast.dump(tree)


def _is_text(statement: object) -> bool:
    """Whether a statement is a bare string: a docstring, or the text under an attribute."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
