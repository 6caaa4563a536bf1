"""Checks and rewrites the parts of dvc.yaml that follow from other files: `jz3 deps`.

Each stage depends on the list of its code, which the stage `code` leaves (`code.py`), and some stages read
from every source, recipe or model (`lists.py`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from jz3.core.errors import UserError
from jz3.core.graph_file import read_graph
from jz3.core.placing import placed_file
from jz3.graph.code import CODE_STAGE, LISTS, list_path
from jz3.graph.lists import ListOf, check_certificates, lists_of, write_lists


class DepsError(UserError):
    """There is no dvc.yaml."""


def differences(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """For each stage that does not depend on exactly its own list of code: missing lists and superfluous
    ones.
    """
    listed = {name: [dep for dep in body["deps"] if _is_list(dep)] for name, body in _stages(_document(root))}
    return {
        name: (sorted({list_path(name)} - {*found}), sorted({*found} - {list_path(name)}))
        for name, found in listed.items()
        if found != [list_path(name)]
    }


def wrong_lists(root: Path) -> list[ListOf]:
    """The lists in dvc.yaml that do not match what each source, recipe or model leaves."""
    graph = read_graph(root)
    check_certificates(graph)
    return [one for one in lists_of(_document(root), graph) if one.found != one.wanted]


def fix_lists(root: Path) -> None:
    """Rewrite the lists in dvc.yaml; comments and the order of everything else stay."""
    _write(root, _listed(root))


def fix(root: Path) -> None:
    """Rewrite code dependencies and lists in dvc.yaml; comments and the order of everything else stay."""
    document = _listed(root)
    for name, body in _stages(document):
        deps = body["deps"]  # changed in place: ruamel keeps the comments of a list by position
        for place in reversed([place for place, dep in enumerate(deps) if _is_list(dep)]):
            del deps[place]
        deps.insert(0, list_path(name))
    _write(root, document)


def _listed(root: Path) -> Any:  # noqa: ANN401 (ruamel's round-trip tree)
    """dvc.yaml with its lists put right."""
    document, graph = _document(root), read_graph(root)
    check_certificates(graph)
    write_lists(document, graph)
    return document


def _write(root: Path, document: Any) -> None:  # noqa: ANN401 (ruamel's round-trip tree)
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
    """Name and body of each stage except `code`; the body of a `foreach` stage is under `do`."""
    for name, stage in document["stages"].items():
        if name != CODE_STAGE:
            yield name, stage.get("do", stage)


def _is_list(dep: object) -> bool:
    return isinstance(dep, str) and dep.startswith(f"{LISTS}/")
