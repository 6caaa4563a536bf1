"""params.yaml, typed: a section for each stage, a frozen model for each section."""

from functools import reduce
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jz3.core.errors import UserError

PARAMS_FILE = Path("params.yaml")


class Params(BaseModel):
    """Base of every stage's parameters. No field has a default: values are only in params.yaml.

    Numbers written as text are read as numbers (YAML 1.1 takes `1e-5` for a string, and DVC writes it like
    that).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


Seed = Annotated[int, Field(ge=0, lt=1 << 32)]
"""The range that numpy, torch and a server all accept."""


Share = Annotated[float, Field(gt=0, le=1)]
"""A part of a whole."""


class ParamsError(UserError):
    """params.yaml is not what a stage needs."""


P = TypeVar("P", bound=BaseModel)


def load_params(model: type[P], section: str, file: Path = PARAMS_FILE) -> P:
    """The section of params.yaml at a dotted name, such as `dedup` or `ingest.web`."""
    document = read_sections(file)
    try:
        values: Any = reduce(lambda level, key: level[key], section.split("."), document)
    except (KeyError, TypeError) as error:
        raise ParamsError(
            f"{file} has no section '{section}'; its sections are {', '.join(document)}. "
            f"Add it, or write a whole profile with `jz3 profile`."
        ) from error
    return _fitting(model, values, file, [section])


def load_document(model: type[P], file: Path) -> P:
    """Read a whole file that has no sections, such as execution.yaml."""
    return _fitting(model, read_sections(file), file, [])


def read_sections(file: Path) -> dict[str, Any]:
    """The top level of a file of the profile in use, such as all sections of params.yaml."""
    try:
        document: Any = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise ParamsError(
            f"{file} does not exist; it was expected as a part of the profile in use. "
            f"Run `jz3 profile embedded`."
        ) from error
    except (
        OSError,
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # no text, no date, nested too deep
        reason = " ".join(str(error).split())
        raise ParamsError(f"{file} is not YAML: {reason}. Fix it, or run `jz3 profile embedded`.") from error
    if not isinstance(document, dict):
        raise ParamsError(
            f"{file} is not a mapping; names with values were expected. Run `jz3 profile embedded`."
        )
    return document


def _fitting(model: type[P], values: object, file: Path, place: list[str]) -> P:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join([*place, *map(str, e['loc'])])}: {e['msg']}"
            + ("" if e["type"] == "missing" else f" (it is {e['input']!r:.60})")
            for e in error.errors()
        )
        raise ParamsError(
            f"{file} does not fit {model.__name__}: {wrong}. Fix these lines; docs/parameters.md says what "
            f"each means, and the profiles in profiles/ have lines to copy."
        ) from error
