"""DVC with a lock file that costs less: `python -m jz3.graph.dvc_process ARGUMENTS OF DVC`.

After each stage DVC reads and writes the whole of `dvc.lock`, which has 11,000 lines at 142 stages. Three
things make that slow, and none of them changes a byte of what it writes:

- DVC reads the file by a parser that keeps comments, of which it has none. The parser by which DVC reads the
  same file everywhere else takes a fifth of the time (measured: 0.09 and 0.51 s for 5,300 lines).
- It reads and writes all stages, and one has changed. The lines of the others stay as they are: 0.01 s in
  place of 0.4 s, once a process has read the file (measured: 5,300 lines).
- Python collects the file's many small objects over and over: a sixth of DVC's time (measured).
"""

import gc
import io
import marshal
import re
import sys
from os import PathLike
from typing import Any, TextIO, cast

from dvc.cli import main
from dvc.utils.serialize import _yaml  # pyright: ignore[reportPrivateUsage]: DVC has no setting for it

COLLECTIONS = (20_000, 50, 100)
"""Objects until the garbage collector runs, and runs until it looks at older ones (chosen; Python's own are
700, 10, 10)."""
HEAD = "schema: '2.0'\nstages:\n"
"""How DVC begins the lock file; the stages follow, each with its name indented by two."""
OF_A_STAGE = re.compile(r"^  [^\s?#-].*\n(?:   .*\n|\n)*", re.MULTILINE)
"""The lines of a stage: its name, and what is indented further."""
SHARED = re.compile(r"[:-] [&*]id\d+\b")
"""A value that is there twice: where it is named, or where it is meant. DVC counts them through the file."""

of_any_file = _yaml.parse_yaml_for_update
write_whole = _yaml._dump  # pyright: ignore[reportPrivateUsage]
_known: dict[str, bytes] = {}
"""What the lines of a stage hold: its name and data, as `marshal` writes them."""
_lines: dict[bytes, str] = {}
"""The reverse."""


def of_lock_file(text: str, path: str | PathLike[str]) -> object:
    """What a YAML file of DVC's holds, ready to be changed and written again."""
    if not str(path).endswith("dvc.lock"):
        return of_any_file(text, path)
    parts = OF_A_STAGE.findall(text, len(HEAD)) if text.startswith(HEAD) else []
    if len(HEAD) + sum(map(len, parts)) == len(text) and _are_apart(parts):
        new = [part for part in parts if part not in _known]
        try:
            found = _yaml.parse_yaml(HEAD + "".join(new), path)["stages"] if new else {}
            if len(found) == len(new):
                for part, stage in zip(new, found.items(), strict=True):
                    _known[part] = marshal.dumps(stage, 2)
                    _lines[_known[part]] = part
                return {"schema": "2.0", "stages": dict(marshal.loads(_known[part]) for part in parts)}
        except (ValueError, _yaml.YAMLError):  # such as a date, which marshal does not know
            pass
    return _yaml.parse_yaml(text, path)


def _are_apart(parts: list[str]) -> bool:
    return sum(SHARED.search(part) is not None for part in parts) < 2


def write(data: object, stream: TextIO) -> None:
    """Write a YAML file of DVC's; of a lock file only the stages whose lines are not known."""
    if isinstance(data, dict) and list(data) == ["schema", "stages"] and data["schema"] == "2.0":
        stages = cast("dict[str, Any]", data["stages"])
        parts = [_lines_of(name, stage) for name, stage in stages.items()]
        if parts and _are_apart(parts):
            stream.write(HEAD + "".join(parts))
            return
        for part in parts:  # each with its own shared values, which a copy by marshal has twice
            stages |= _yaml.parse_yaml(HEAD + part, "dvc.lock")["stages"]
    write_whole(data, stream)


def _lines_of(name: str, stage: Any) -> str:  # noqa: ANN401 (whatever DVC notes)
    try:
        known = _lines.get(marshal.dumps((name, stage), 2))
    except ValueError:  # DVC's own form of a stage that has just run
        known = None
    if known:
        return known
    alone = io.StringIO()
    write_whole({"schema": "2.0", "stages": {name: stage}}, alone)
    return alone.getvalue().removeprefix(HEAD)


if __name__ == "__main__":
    gc.set_threshold(*COLLECTIONS)
    _yaml.parse_yaml_for_update = of_lock_file
    _yaml._dump = write  # pyright: ignore[reportPrivateUsage]
    sys.exit(main())
