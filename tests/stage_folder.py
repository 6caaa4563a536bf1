"""A folder in which a stage can run as a process: the files of a profile, with the changes of a test.

A stage reads its parameters, its execution and the graph from the folder that it runs in. This is the one
place that knows which files these are.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PROFILES = {
    "params.yaml": "profiles",
    "execution.yaml": "profiles/execution",
    "graph.yaml": "profiles/graphs",
}
"""Each file in use, and the folder that has it for every profile."""


def stage_folder(
    path: Path,
    profile: str | None = "test",
    root: Path = ROOT,
    params: Mapping[str, Any] | None = None,
    execution: Mapping[str, Any] | None = None,
) -> Path:
    """Make `path` where there is none, and fill it with the files of a profile and with `dvc.yaml`.

    - `profile`: one of `root`; None takes the files that are in use there.
    - `params`, `execution`: new values by dotted name, such as `{"answer.prose.shots": {}}`. Each name must
      be in the profile.
    """
    path.mkdir(parents=True, exist_ok=True)
    for name, folder in PROFILES.items():
        shutil.copy(root / folder / f"{profile}.yaml" if profile else root / name, path / name)
    shutil.copy(root / "dvc.yaml", path / "dvc.yaml")
    set_values(path / "params.yaml", params or {})
    set_values(path / "execution.yaml", execution or {})
    return path


def set_values(file: Path, values: Mapping[str, Any]) -> None:
    """Change a YAML file by dotted names; KeyError for a name that is not in it."""
    if not values:
        return
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for dotted, value in values.items():
        *above, last = dotted.split(".")
        section = document
        for name in above:
            section = section[name]
        if last not in section:
            raise KeyError(f"{file} has no {dotted}")
        section[last] = value
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
