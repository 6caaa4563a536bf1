"""Shell completion for names of the clone: stages, profiles and models. Only reads text, which takes
milliseconds, and offers nothing outside a clone or if a file is malformed.
"""

import re
from collections.abc import Iterable
from pathlib import Path

_STAGE = re.compile(r"^  ([\w@.-]+):$", re.MULTILINE)
_MODELS = re.compile(r"^models:\n((?:  .*\n|\n|#.*\n)*)", re.MULTILINE)
_NAME = re.compile(r"^  ([\w.-]+):", re.MULTILINE)


def stages(incomplete: str) -> list[str]:
    """Stages and groups of dvc.yaml, and the instances that have run according to dvc.lock."""
    names = {*_STAGE.findall(_stages(_text("dvc.yaml"))), *_STAGE.findall(_stages(_text("dvc.lock")))}
    return _fitting(names, incomplete)


def profiles(incomplete: str) -> list[str]:
    """Files of `profiles/`."""
    root = _root()
    return _fitting((file.stem for file in (root / "profiles").glob("*.yaml")) if root else (), incomplete)


def models(incomplete: str) -> list[str]:
    """Models of graph.yaml."""
    section = _MODELS.search(_text("graph.yaml"))
    return _fitting(_NAME.findall(section[1]) if section else (), incomplete)


def models_and_files(incomplete: str) -> list[str]:
    """Models, and files of the working directory."""
    place, name = Path(incomplete).parent, incomplete.rpartition("/")[2]
    there = (
        [f"{incomplete.removesuffix(name)}{found.name}" for found in place.iterdir()]
        if place.is_dir()
        else []
    )
    return _fitting((*models(incomplete), *there), incomplete)


def _root() -> Path | None:
    from jz3.core.remedies import repository_of

    return repository_of(Path.cwd())


def _text(name: str) -> str:
    root = _root()
    file = root / name if root else None
    return file.read_text(errors="replace") if file and file.is_file() else ""


def _stages(text: str) -> str:
    """The entries under `stages:`."""
    return re.split(r"^(?=\S)", text.partition("stages:\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
