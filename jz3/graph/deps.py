"""The code that a stage depends on: the import closure of its file, as explicit dependencies in dvc.yaml.

DVC does not follow Python imports (treeverse/dvc#9195): a hand-written list silently goes stale, and so do
the results. Here the list follows from the code. Modules that cannot change what a stage computes, only
whether and how fast it does, are left out on purpose (EXEMPT): a better log line or another pace must not
call a paid teacher again. Modules that decide ids, draws, order and the bytes of tables are watched. Empty
`__init__.py` files are left out because they can change nothing; so is that of a top-level package, whose
names are for users and are imported lazily.

A module that renders templates keeps them in `templates/` beside it: a stage that runs a module of such a
package also depends on the templates.

The lists of a stage's inputs from every source, recipe and model are kept up to date in the same way
(`lists.py`).
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from jz3.core.errors import UserError
from jz3.core.graph_file import read_graph
from jz3.core.placing import placed_file
from jz3.graph.lists import ListOf, check_certificates, lists_of, write_lists


class DepsError(UserError):
    """A stage of dvc.yaml has no code."""


_CORE = """
account artifacts budget cache ending errors execution fan_in foreign frames matching params parent placing
progress remedies stage terminal thread_map whole_run
"""
_CALLS = """
asking batch_files batch_protocol batch_records batch_results batches calls endpoint guardian message_batches
outage outcomes pace received refusals secrets servers spending streaming transport
"""
EXEMPT = (
    "jz3/store/",
    "jz3/workers/",
    *(f"jz3/core/{name}.py" for name in _CORE.split()),
    *(f"jz3/generation/{name}.py" for name in _CALLS.split()),
)
"""Folders and modules that no stage depends on. Golden tests guard them: artifacts
(`tests/core/test_golden.py`), keys and rows of the store.
"""
PACKAGES = ("jz3", "stages")
TEMPLATES = "templates"
"""The folder of a package with the templates that its modules render."""


def is_code(path: str) -> bool:
    """Whether a dependency is code or a template, as opposed to data."""
    return path.endswith(".py") or path.startswith(tuple(f"{package}/" for package in PACKAGES))


def closure(root: Path, stage: str) -> list[str]:
    """The sorted paths under `root` of a stage's code: its file and all modules of ours that it imports."""
    first = root / "stages" / f"{stage}.py"
    if not first.is_file():
        raise DepsError(f"dvc.yaml has the stage {stage}; {first} was expected to run it. Write it.")
    return imports_of(root, first)


def imports_of(root: Path, first: Path) -> list[str]:
    """The sorted paths under `root` of a file and all modules of ours that it imports, except EXEMPT ones."""
    waiting, seen = [first], set[Path]()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        waiting.extend(path for name in _imported(file, root) for path in _files(name, root))
    templates = {path for file in seen for path in (file.parent / TEMPLATES).glob("*.*")}
    paths = (file.relative_to(root).as_posix() for file in seen | templates if file.stat().st_size)
    return sorted(path for path in paths if not path.startswith(EXEMPT))


def differences(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """For each stage whose code dependencies are not its closure: missing ones and superfluous ones."""
    listed = listed_code(root)
    return compared({stage: closure(root, stage) for stage in listed}, listed)


def compared(
    wanted: Mapping[str, list[str]], listed: Mapping[str, list[str]]
) -> dict[str, tuple[list[str], list[str]]]:
    """For each stage that differs: wanted paths that are not listed, and listed ones that are not wanted."""
    return {
        stage: (sorted({*files} - {*listed[stage]}), sorted({*listed[stage]} - {*files}))
        for stage, files in wanted.items()
        if {*files} != {*listed[stage]}
    }


def listed_code(root: Path) -> dict[str, list[str]]:
    """The code dependencies of each stage in dvc.yaml."""
    return {
        stage: [str(dep) for dep in body["deps"] if _is_code(dep)] for stage, body in _stages(_document(root))
    }


def wrong_lists(root: Path) -> list[ListOf]:
    """The lists in dvc.yaml that do not match what each source, recipe or model leaves."""
    graph = read_graph(root)
    check_certificates(graph)
    return [one for one in lists_of(_document(root), graph) if one.found != one.wanted]


def fix_lists(root: Path) -> None:
    """Rewrite the lists in dvc.yaml; comments and the order of everything else stay."""
    document, graph = _document(root), read_graph(root)
    check_certificates(graph)
    write_lists(document, graph)
    _yaml().dump(document, root / "dvc.yaml")


def fix(root: Path) -> None:
    """Rewrite code dependencies and lists in dvc.yaml; comments and the order of everything else stay."""
    document, graph = _document(root), read_graph(root)
    check_certificates(graph)
    write_lists(document, graph)
    for stage, body in _stages(document):
        deps = body["deps"]  # changed in place: ruamel keeps the comments of a list by position
        for place in reversed([place for place, dep in enumerate(deps) if _is_code(dep)]):
            del deps[place]
        for place, file in enumerate(closure(root, stage)):
            deps.insert(place, file)
    with placed_file(root / "dvc.yaml", lambda _: None) as part:
        _yaml().dump(document, part)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _document(root: Path) -> Any:  # noqa: ANN401 (ruamel's round-trip tree)
    file = root / "dvc.yaml"
    if not file.is_file():
        raise DepsError(f"{file} does not exist; the graph was expected there. Run this in a clone.")
    return _yaml().load(file)


def _stages(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (ruamel's round-trip tree)
    """Each stage's name and body; that of a `foreach` stage is under `do`."""
    for name, stage in document["stages"].items():
        yield name, stage.get("do", stage)


def _is_code(dep: object) -> bool:
    return isinstance(dep, str) and dep.startswith(tuple(f"{p}/" for p in PACKAGES))


def _imported(file: Path, root: Path) -> Iterator[str]:
    """Dotted names that a file imports or mentions anywhere; `from a import b` gives both a and a.b."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _named(node.value, package)


def _named(text: str, package: tuple[str, ...]) -> Iterator[str]:
    """The module that a string names: `jz3.x.y` for `python -m`, `y.py` for a script beside the file."""
    if text.isidentifier() or not text.isascii():
        return
    if text.endswith(".py") and text.removesuffix(".py").isidentifier():
        yield ".".join([*package, text.removesuffix(".py")])
    elif all(part.isidentifier() for part in text.split(".")):
        yield text


def _files(name: str, root: Path) -> Iterator[Path]:
    """The files that run when a dotted name of ours is imported: its module, and packages below the top."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for length in range(2, len(parts) + 1):
        path = root.joinpath(*parts[:length])
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                yield file
