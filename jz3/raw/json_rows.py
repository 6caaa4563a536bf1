"""Rows of JSON: an object per line, or one list of objects."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jz3.raw.lines import lines, read_bytes
from jz3.raw.row import Odd, Row, not_utf8, of_wide, shown, whole_values, wide


def _number(text: str) -> float | str:
    """A decimal; one that no float holds (`1e400`) stays a text, because infinity is another value."""
    value = float(text)
    return value if math.isfinite(value) else text


_DECODER = json.JSONDecoder(strict=False, parse_float=_number)


def json_lines(file: Path) -> Iterator[tuple[str, Row | Odd]]:
    """Each line that is not blank."""
    for number, line in lines(file):
        if isinstance(line, Odd):
            yield f"line {number}", line
        elif not line.isspace():
            yield f"line {number}", _object(line)


def json_file(file: Path) -> Iterator[tuple[str, Row | Odd]]:
    """A file with one list of objects or one object over several lines; any other has an object per line."""
    first = next(json_lines(file), None)
    if first is None or isinstance(first[1], dict):
        yield from json_lines(file)
        return
    data = read_bytes(file)
    value: Any = data if isinstance(data, Odd) else _parsed(data)
    if isinstance(value, Odd):
        yield from json_lines(file)
        return
    for number, row in enumerate(value if isinstance(value, list) else [value], 1):
        yield f"entry {number}", _checked(row, json.dumps(row).encode())


def _object(line: bytes) -> Row | Odd:
    row = _parsed(line)
    return row if isinstance(row, Odd) else _checked(row, line)


def _checked(row: Any, line: bytes) -> Row | Odd:  # noqa: ANN401 (any JSON)
    if isinstance(row, dict):
        return row
    return Odd("not_an_object", f"the row is a {type(row).__name__}, no object", shown(line))


def _parsed(data: bytes) -> Any:  # noqa: ANN401 (any JSON, or Odd)
    """Parse JSON. Integers have up to Python's limit of 4,300 digits, and texts have no lone surrogates. Tabs
    and other control characters may be unescaped in texts.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return not_utf8(data, error)
    try:
        value = _DECODER.decode(text)
        return whole_values(value) if "\\ud" in text or "\\uD" in text else value
    except RecursionError:
        return Odd("not_json", "it is nested too deep", shown(data))
    except ValueError as error:
        if wide(data):
            return of_wide(data)
        return Odd("not_json", str(error), shown(data))
