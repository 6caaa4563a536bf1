"""DVC with a lock file that costs less: `python -m jz3.graph.dvc_process ARGUMENTS OF DVC`.

After each stage DVC reads and writes the whole of `dvc.lock`, which has 11,000 lines at 142 stages. Two
things make that slow, and neither changes a byte of what it writes:

- DVC reads the file by a parser that keeps comments, of which it has none. The parser by which DVC reads the
  same file everywhere else takes a fifth of the time (measured: 0.09 and 0.51 s for 5,300 lines).
- Python collects the file's many small objects over and over: a sixth of DVC's time (measured).
"""

import gc
import sys
from os import PathLike

from dvc.cli import main
from dvc.utils.serialize import _yaml  # pyright: ignore[reportPrivateUsage]: DVC has no setting for it

COLLECTIONS = (20_000, 50, 100)
"""Objects until the garbage collector runs, and runs until it looks at older ones (chosen; Python's own are
700, 10, 10)."""

of_any_file = _yaml.parse_yaml_for_update


def of_lock_file(text: str, path: str | PathLike[str]) -> object:
    """What a YAML file of DVC's holds, ready to be changed and written again."""
    parse = _yaml.parse_yaml if str(path).endswith("dvc.lock") else of_any_file
    return parse(text, path)


if __name__ == "__main__":
    gc.set_threshold(*COLLECTIONS)
    _yaml.parse_yaml_for_update = of_lock_file
    sys.exit(main())
