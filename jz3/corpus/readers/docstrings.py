"""Docstrings of installed packages: mathematics that exists on every machine that runs jz3.

`packages.yaml`: `packages: [{name: sympy, leave_out: [tests]}]`. The packages are read as text, never
imported. Examples after `>>>` are dropped; long string constants of a `*_docs.py` module count as docstrings
(mpmath keeps its texts there). Measured: sympy 1.14.0 has 9,690 docstrings, 4.9 M characters.
"""

import ast
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from jz3.core.errors import UserError
from jz3.corpus.readers.document import RawFileError, Section

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class PackageError(UserError):
    """A package that `packages.yaml` names is not installed."""


def read_docstrings(packages_file: Path, modules: list[str]) -> Iterator[Section]:
    """The docstrings of the packages, or only of modules whose names begin like one of `modules`, if any."""
    for package in _packages(packages_file):
        name = package.name
        origin, licence, folder = _installed(name, packages_file)
        left_out = set(package.leave_out)
        for file in sorted(folder.rglob("*.py")):
            module = ".".join([name, *file.relative_to(folder).with_suffix("").parts])
            wanted = not modules or any(f"{module}.".startswith(f"{prefix}.") for prefix in modules)
            if wanted and left_out.isdisjoint(file.relative_to(folder).parts):
                for qualified_name, text in _texts(file, module):
                    yield Section(qualified_name, origin, licence, 0, text)


class _Package(BaseModel):
    """An entry of `packages.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    leave_out: list[str] = []
    """Folders and files in the package whose docstrings are left out."""


class _Packages(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    packages: list[_Package]


def _packages(file: Path) -> list[_Package]:
    try:
        return _Packages.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).packages
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise RawFileError(
            f"{file} is not a list of packages ({reason}); `packages: [{{name: sympy}}]` was expected."
        ) from error


def _installed(name: str, packages_file: Path) -> tuple[str, str, Path]:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise PackageError(
            f"{packages_file} names the package {name}, which is not installed. "
            f"`pip install {name}`, or take it out of the file."
        )
    distribution = importlib.metadata.distribution(name)
    metadata = distribution.metadata
    licence = metadata["License-Expression"] or metadata["License"] or "unknown"
    return f"{name} {distribution.version}", licence.splitlines()[0], Path(spec.submodule_search_locations[0])


def _texts(file: Path, module: str) -> Iterator[tuple[str, str]]:
    """Each documented object of a module: its qualified name and its text."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named = [*_docstrings(tree, module), *(_constants(tree, module) if file.stem.endswith("_docs") else [])]
    seen: dict[str, int] = {}
    for name, text in named:
        seen[name] = seen.get(name, 0) + 1
        again = f"#{seen[name]}" if seen[name] > 1 else ""
        yield name + again, without_examples(text)


def _docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        child_name = f"{name}.{child.name}" if isinstance(child, DOCUMENTED[1:]) else name
        yield from _docstrings(child, child_name)
    if isinstance(node, DOCUMENTED):
        text = ast.get_docstring(node)
        if text:
            yield name, text


def _constants(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
            continue
        target, text = statement.targets[0], statement.value.value
        if isinstance(target, ast.Name) and isinstance(text, str):
            yield f"{module}.{target.id}", inspect.cleandoc(text)


def without_examples(text: str) -> str:
    """The text without interpreter sessions: from a line that begins with `>>>` to the next blank line."""
    kept: list[str] = []
    in_example = False
    for line in text.splitlines():
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example:
            kept.append(line.rstrip())
    return "\n".join(kept).strip()
