"""What `dvc repro` would run, and why: each stale stage with all reasons.

DVC only says that a parameter is `modified`; this gives the number and its old and new values. Everything is
read through DVC's own classes from dvc.yaml, dvc.lock and params.yaml, so both always agree on what is stale.
After an edit of code `dvc repro` first lists the code (`code.py`) and then knows what to run; here the list
is computed without being written. Writes nothing except DVC's own index of file hashes. Takes about two
seconds on the whole graph, two more after an edit of code, plus hashing what has changed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jz3.graph.code import CODE_STAGE, LISTS, Code, read_list
from jz3.graph.repository import locked, name_of, opened, stages

if TYPE_CHECKING:
    from dvc.dependency import ParamsDependency
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import PipelineStage
    from dvc_data.hashfile.hash_info import HashInfo

Kind = Literal["param", "dep", "out", "command", "new", "upstream"]

IN_CACHE = "in the cache"
NOT_IN_CACHE = "not in the cache"


@dataclass(frozen=True)
class Reason:
    """One thing that makes a stage stale.

    `before` is what dvc.lock records, and `after` the present state (a parameter's value, a file's md5, the
    command); None means absent. For an output that is not in the workspace `after` is IN_CACHE (`dvc
    checkout` restores it) or None; for one that is correct but lost from the cache it is NOT_IN_CACHE.
    """

    kind: Kind
    what: str
    """A dotted parameter, a path (for edited code, its module), or the name of an upstream stage."""
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Stale:
    """A stage that `dvc repro` would run, with all its reasons."""

    stage: str
    reasons: list[Reason]

    @property
    def only_missing(self) -> bool:
        """Whether nothing has changed and only outputs are missing: `dvc pull` or `dvc checkout` may restore
        them.
        """
        return all(reason.kind == "out" and reason.after in (None, IN_CACHE) for reason in self.reasons)


def stale_stages(root: Path) -> list[Stale]:
    """Every stage that would run, upstream first. Raises RepositoryError if DVC cannot read the graph.

    A stage downstream of a stale one has a reason `upstream`: it runs unless the upstream stage gives the
    same bytes. A missing input is no reason if nothing else differs: the stage that makes it has one.
    """
    entries = locked(root)
    with opened(root) as repo:
        return list(_stale(repo, entries))


def _stale(repo: "Repo", entries: Mapping[str, Any]) -> Iterator[Stale]:
    seen: dict[str, str | None] = {}
    makers = {out.fs_path: stage for stage in stages(repo) for out in stage.outs}
    changing: set[str] = set()
    code: Code | None = None
    for stage in stages(repo):
        reasons = [*_own_reasons(stage, entries, makers, seen, code), *_upstream(stage, makers, changing)]
        if reasons and name_of(stage) == CODE_STAGE:
            code = Code(Path(repo.root_dir))
        found = Stale(name_of(stage), reasons)
        if reasons:
            yield found
        if not found.only_missing:
            changing.add(name_of(stage))


def _own_reasons(
    stage: "PipelineStage",
    entries: Mapping[str, Any],
    makers: Mapping[str, "PipelineStage"],
    seen: dict[str, str | None],
    code: Code | None,
) -> Iterator[Reason]:
    """The reasons of a stage itself; for `code`, that the present lists are out of date."""
    from dvc.dependency import ParamsDependency

    entry = entries.get(name_of(stage))
    if entry is None:
        yield Reason("new", name_of(stage), None, None)
        return
    if stage.changed_stage():
        yield Reason("command", "cmd", _text(entry.get("cmd")), _text(stage.cmd))
    for dep in _looked_at(stage):
        if isinstance(dep, ParamsDependency):
            yield from _param_reasons(dep)
        elif code is not None and dep.def_path.startswith(f"{LISTS}/"):
            yield from _code_reasons(dep, code)
        else:
            yield from _dep_reasons(dep, makers.get(dep.fs_path), seen)
    for out in stage.outs:
        yield from _out_reasons(out, seen)


def _looked_at(stage: "PipelineStage") -> "list[Output]":
    """What a stage reads; nothing for a frozen one (`dvc freeze`), whose inputs `dvc repro` ignores."""
    return [] if stage.frozen else list(stage.deps)


def _param_reasons(dep: "ParamsDependency") -> Iterator[Reason]:
    before: Any = (dep.hash_info and dep.hash_info.value) or {}
    after = dep.read_params()
    for section in dep.params:
        old, new = _flat(section, before.get(section)), _flat(section, after.get(section))
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new or old[name] != new[name]:
                yield Reason("param", name, _shown(old, name), _shown(new, name))


def _dep_reasons(
    dep: "Output", maker: "PipelineStage | None", seen: dict[str, str | None]
) -> Iterator[Reason]:
    before, after = _recorded(dep), _present(dep, seen)
    if after is None and maker is not None and before is not None:
        after = next((_recorded(out) for out in maker.outs if out.fs_path == dep.fs_path), None)
    if before != after or after is None:
        yield Reason("dep", dep.def_path, before, after)


def _code_reasons(dep: "Output", code: Code) -> Iterator[Reason]:
    """Each module that differs from the one that ran, or just the list if the old one no longer exists."""
    text = code.list_of(Path(dep.def_path).stem)
    after, before = _md5_of(text.encode()), _recorded(dep)
    if before == after:
        return
    ran = _list_that_ran(dep)
    if ran is None:
        yield Reason("dep", dep.def_path, before, after)
        return
    now = read_list(text)
    for path in sorted(ran.keys() | now.keys()):
        if ran.get(path) != now.get(path):
            yield Reason("dep", path, ran.get(path), now.get(path))


def _list_that_ran(dep: "Output") -> dict[str, str] | None:
    before = _recorded(dep)
    if before is None:
        return None
    for place in (Path(dep.fs_path), Path(dep.cache.oid_to_path(before))):
        if place.is_file() and _md5_of(content := place.read_bytes()) == before:
            return read_list(content.decode())
    return None


def _md5_of(content: bytes) -> str:
    """As DVC digests a file."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _out_reasons(out: "Output", seen: dict[str, str | None]) -> Iterator[Reason]:
    before, after = _recorded(out), _present(out, seen)
    lost = out.use_cache and out.changed_cache()
    if after is None:
        yield Reason("out", out.def_path, before, None if lost or not out.use_cache else IN_CACHE)
    elif before != after:
        yield Reason("out", out.def_path, before, after)
    elif lost:
        yield Reason("out", out.def_path, before, NOT_IN_CACHE)


def _upstream(
    stage: "PipelineStage", makers: Mapping[str, "PipelineStage"], changing: set[str]
) -> Iterator[Reason]:
    above = {name_of(makers[dep.fs_path]) for dep in _looked_at(stage) if dep.fs_path in makers}
    for name in sorted(above & changing):
        yield Reason("upstream", name, None, None)


def _present(out: "Output", seen: dict[str, str | None]) -> str | None:
    """The present md5 of a path; each path is hashed once, however many stages read it."""
    if out.fs_path not in seen:
        seen[out.fs_path] = _md5(out.get_hash()) if out.exists else None
    return seen[out.fs_path]


def _recorded(out: "Output") -> str | None:
    return _md5(out.hash_info)


def _md5(found: "HashInfo | None") -> str | None:
    return found.value if found else None


def _flat(name: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever YAML holds)
    """The leaves of a section by dotted name; empty if the section does not exist."""
    if isinstance(value, dict) and value:
        items: dict[str, Any] = value
        return {leaf: v for key, inner in items.items() for leaf, v in _flat(f"{name}.{key}", inner).items()}
    return {} if value is None and "." not in name else {name: value}


def _shown(values: Mapping[str, Any], name: str) -> str | None:
    return str(values[name]) if name in values else None


def _text(value: Any) -> str | None:  # noqa: ANN401 (DVC does not type it)
    return None if value is None else str(value)
