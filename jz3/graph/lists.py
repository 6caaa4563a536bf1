"""The lists in dvc.yaml that follow from the rest of it: a stage's inputs from every source, recipe or model.

DVC can repeat a stage for each entry of a mapping, but no stage can depend on `each of these`. So the paths
have to be written out, and this module writes them. `meta.lists` of a stage says what belongs into a list:

    meta:
      lists:
        grades: {grades: [grade]}    # --grades takes what each `grade@...` names under --grades
        measured: {metrics: ["*"]}   # --measured takes what each stage above names under --metrics, if any

The top-level plots of trainings are such lists, too: one line for each instance of the stages that the
section names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ruamel.yaml.scalarstring import FoldedScalarString

from jz3.core.graph_file import Graph, GraphError, Stage

LIVE = "data/live/"
"""The folder in which trainings record what differs from run to run (`jz3.core.artifacts.Plot.live`)."""


@dataclass(frozen=True)
class ListOf:
    """A list in dvc.yaml: its present paths, and the right ones."""

    stage: str
    flag: str
    found: tuple[str, ...]
    wanted: tuple[str, ...]


def lists_of(document: Any, graph: Graph) -> list[ListOf]:  # noqa: ANN401 (ruamel's round-trip tree)
    """Every list of the commands, in the order of dvc.yaml."""
    return [
        ListOf(
            stage=name,
            flag=flag,
            found=tuple(_lines(body["cmd"]).get(f"--{flag.replace('_', '-')}", [])),
            wanted=tuple(
                dict.fromkeys(
                    path
                    for other, bases in of.items()
                    for path in graph.paths(_named(bases, name, other, document, graph), other)
                )
            ),
        )
        for name, body in _with_lists(document)
        for flag, of in body["meta"]["lists"].items()
    ]


def check_certificates(graph: Graph) -> None:
    """Raises GraphError if a model is graded with a certificate for another recipe than that of its set."""
    certificates = {stage.path("verdicts"): stage.path("certificate") for stage in graph.of("decontaminate")}
    if not certificates:  # a graph of a user's own, which certifies nothing
        return
    for stage in graph.of("grade"):
        found, training = stage.path("synthetic"), stage.path("training")
        mixed_by = graph.writer(training)
        assert mixed_by is not None, f"no stage leaves {training}"
        wanted = certificates[mixed_by.path("decontaminated")]
        if found != wanted:
            raise GraphError(
                f"{stage.name} reads {found}, but its model was trained on {training}; the certificate of "
                f"that set, {wanted}, was expected. Name the recipe of the set in graph.yaml, at `models`."
            )


def write_lists(document: Any, graph: Graph) -> None:  # noqa: ANN401 (ruamel's round-trip tree)
    """Correct every list in commands, dependencies and plots."""
    bodies = dict(_with_lists(document))
    for found in lists_of(document, graph):
        body = bodies[found.stage]
        lines = _lines(body["cmd"])
        lines[f"--{found.flag.replace('_', '-')}"] = list(found.wanted)
        body["cmd"] = _folded(lines)
        deps = body["deps"]  # changed in place: ruamel keeps the comments of a list by position
        for place in reversed([place for place, dep in enumerate(deps) if dep in found.found]):
            del deps[place]
        deps.extend(sorted(found.wanted))
    for plot in document.get("plots", []):
        for entry in plot.values():
            if all(str(file).startswith(LIVE) for file in entry["y"]):
                _replace(entry["y"], _live(entry["y"], graph))


def _replace(found: Any, wanted: dict[str, str]) -> None:  # noqa: ANN401 (ruamel's round-trip tree)
    """Replace all keys. ruamel keeps what follows a mapping (an empty line, a comment) with its last key."""
    after = [found.ca.items.pop(key) for key in list(found) if key in found.ca.items]
    found.clear()
    found.update(wanted)
    if after and found:
        found.ca.items[list(found)[-1]] = after[-1]


def _with_lists(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (ruamel's round-trip tree)
    """Name and body of each stage that has lists; that of a `foreach` stage is under `do`."""
    for name, stage in document["stages"].items():
        body = stage.get("do", stage)
        if "lists" in body.get("meta", {}):
            yield name, body


def _named(bases: list[str], reader: str, flag: str, document: Any, graph: Graph) -> list[str]:  # noqa: ANN401 (ruamel's round-trip tree)
    """The stages that a list names; for `*` all above its reader in dvc.yaml that have the flag."""
    if bases != ["*"]:
        return bases
    above = takewhile(lambda name: name != reader, document["stages"])
    return [name for name in above if any(flag in stage.flags for stage in graph.of(name))]


def _lines(command: str) -> dict[str, list[str]]:
    """A command as flags with their values; the words before the first flag are under the empty flag."""
    lines: dict[str, list[str]] = {"": []}
    values = lines[""]
    for word in command.split():
        if word.startswith("--"):
            values = lines[word] = []
        else:
            values.append(word)
    return lines


def _folded(flags: dict[str, list[str]]) -> FoldedScalarString:
    """The command with a line for each flag and its value, or for each of its values if there are several."""
    lines = [" ".join(flags.pop(""))]
    for flag, values in flags.items():
        lines += [flag, *values] if len(values) > 1 else [" ".join([flag, *values])]
    text = FoldedScalarString(" ".join(lines))
    places: list[int] = []
    for line in lines[:-1]:
        places.append((places[-1] + 1 if places else 0) + len(line))
    text.fold_pos = places  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return text


def _live(files: Any, graph: Graph) -> dict[str, str]:  # noqa: ANN401 (ruamel's round-trip tree)
    """`data/live/STAGE/INSTANCE/plots/metrics/X.tsv` for each instance of the stages named so far."""
    bases = dict.fromkeys(str(file).removeprefix(LIVE).partition("/")[0] for file in files)
    tail, column = next((str(file).rpartition("/plots/")[2], column) for file, column in files.items())
    return {f"{_notes(stage)}/plots/{tail}": column for base in bases for stage in graph.of(base)}


def _notes(stage: Stage) -> str:
    return f"{LIVE}{stage.name.replace('@', '/')}"
