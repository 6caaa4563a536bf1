"""The parameters of a step, in a file of its own, so that a change of one is none of another."""

from pathlib import Path

import yaml


def settings(section: str) -> dict[str, float]:
    return yaml.safe_load(Path("params", f"{section}.yaml").read_text())
