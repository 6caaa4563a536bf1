"""Rows as lines of JSON."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read(file: str) -> list[dict[str, Any]]:
    with Path(file).open() as lines:
        return [json.loads(line) for line in lines]


def write(file: str, rows: Iterable[dict[str, Any]]) -> None:
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows))
