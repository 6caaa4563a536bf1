"""`docs/parameters.md`: every parameter of every stage, from the types that read params.yaml.

Meaning, type and bounds come from the code; values come from two profiles, which give their sources in
comments.
"""

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jz3.core.budget import Budget
from jz3.core.execution import Execution
from jz3.core.graph_file import GRAPH_FILE, flags_of
from jz3.core.params import Params
from jz3.core.stage import Signature

PAGE = Path("docs/parameters.md")
PROFILES = ("embedded", "paper")
"""The profiles whose values are shown: the one that runs anywhere, and the one with the paper's values."""
LONGEST = 40  # characters of a value; chosen: a table that can be read
HEAD = """# Parameters

`jz3 parameters --fix` writes this page from the types that read `params.yaml` and `execution.yaml`, and a
test checks that the two agree. Values are those of the profiles `embedded` and `paper`; the source of each
number is in `profiles/NAME.yaml`. If a stage has several sections, the values are those of the first. In a
name `*` stands for any key of a mapping, or any entry of a list. If a parameter takes one of several types,
the meaning begins with the type.
"""
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
"""Signs of bounds, by pydantic's names."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: `place` is its dotted name in the section."""

    place: str
    kind: str
    meaning: str


def parameters(model: type[BaseModel], above: str = "", within: str = "") -> Iterator[Parameter]:
    """The fields of a model and of the models in it; `within` names the one of several that fit a place."""
    for name, field in model.model_fields.items():
        place = f"{above}{name}"
        meaning = " ".join((field.description or "").split())
        kind = ", ".join(part for part in (_kind(field.annotation), _bounds(field)) if part)
        yield Parameter(place, kind, f"({within}) {meaning}".strip() if within else meaning)
        nested = list(_models(field.annotation, place))
        for inner, under in nested:
            yield from parameters(inner, f"{under}.", inner.__name__ if len(nested) > 1 else "")


def parameters_page(root: Path) -> str:
    """The correct text of the page."""
    values = [yaml.safe_load((root / f"profiles/{name}.yaml").read_text()) for name in PROFILES]
    execution = [yaml.safe_load((root / f"profiles/execution/{name}.yaml").read_text()) for name in PROFILES]
    parts = [HEAD]
    for name, model in sorted(_of_stages(root).items()):
        parts.append(_section(name, model, [_values(profile, name, model) for profile in values]))
    parts.append(_section("budget", Budget, [profile["budget"] for profile in values]))
    return "".join([*parts, _section("execution.yaml", Execution, execution)])


def fix_page(root: Path) -> None:
    """Write the page."""
    (root / PAGE).write_text(parameters_page(root), encoding="utf-8")


def is_current(root: Path) -> bool:
    """Whether the page is up to date."""
    page = root / PAGE
    return page.is_file() and page.read_text(encoding="utf-8") == parameters_page(root)


def _of_stages(root: Path) -> dict[str, type[Params]]:
    """For each stage with a section the type that reads its parameters, whatever graph is in use."""
    found: dict[str, type[Params]] = {}
    for name, entry in yaml.safe_load((root / GRAPH_FILE).read_text())["stages"].items():
        model = Signature.of(importlib.import_module(f"stages.{name}").main).params
        section = flags_of(entry.get("do", entry)["cmd"]).get("params", (name,))[0]
        if model is not None and section.partition(".")[0] == name:
            found[name] = model
    return found


def _values(profile: Any, name: str, model: type[Params]) -> Any:  # noqa: ANN401 (as YAML gives it)
    """The values that a profile sets for a stage; if it has several sections, those of the first."""
    section = profile.get(name, {})
    is_one = section.keys() <= model.model_fields.keys()
    return section if is_one else next(iter(section.values()))


def _section(title: str, model: type[BaseModel], values: list[Any]) -> str:
    says = " ".join((inspect.getdoc(model) or "").split())
    head = f"| parameter | type | meaning | {' | '.join(PROFILES)} |\n|---|---|---|{'---|' * len(PROFILES)}\n"
    rows = "".join(
        f"| `{one.place}` | {one.kind} | {_cell(one.meaning)} | "
        f"{' | '.join(_value(_at(value, one.place)) for value in values)} |\n"
        for one in parameters(model)
    )
    module = f"{model.__module__.replace('.', '/')}.py"
    return f"\n## {title}\n\n{says} Type `{model.__name__}` in `{module}`.\n\n{head}{rows}"


ABSENT = object()


def _at(values: Any, place: str) -> Any:  # noqa: ANN401 (as YAML gives it)
    """The value at a dotted name, or ABSENT."""
    for key in place.split("."):
        if not isinstance(values, Mapping) or key not in values:
            return ABSENT
        values = values[key]
    return values


def _value(value: object) -> str:
    if value is ABSENT or isinstance(value, dict):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{_cell(text if len(text) <= LONGEST else text[:LONGEST] + ' …')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _kind(hint: Any) -> str:  # noqa: ANN401 (a type)
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(one) for one in inner))
    if origin is dict:
        return f"mapping of {_kind(inner[0])} to {_kind(inner[1])}"
    if origin in (list, tuple, frozenset, set):
        return f"list of {' or '.join(dict.fromkeys(_kind(one) for one in inner if one is not ...))}"
    if hint is NoneType:
        return "null"
    names = {int: "integer", float: "number", str: "text", bool: "true or false"}
    return names.get(hint) or getattr(hint, "__name__", str(hint))


def _bounds(field: FieldInfo) -> str:
    """The bounds of a number, in words."""
    return ", ".join(
        f"{sign} {bound}"
        for one in field.metadata
        for name, sign in SIGNS.items()
        if (bound := getattr(one, name, None)) is not None
    )


def _models(hint: Any, place: str) -> Iterator[tuple[type[BaseModel], str]]:  # noqa: ANN401 (a type)
    """The models in a type, each with the place of its fields."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint, place
        return
    is_several = get_origin(hint) in (dict, list, tuple)
    for inner in get_args(hint):
        yield from _models(inner, f"{place}.*" if is_several else place)
