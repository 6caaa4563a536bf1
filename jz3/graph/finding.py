"""What `jz3 doctor` finds."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "lacks"]


@dataclass(frozen=True)
class Finding:
    """One line. `lacks` means that the profile in use cannot run; `note` is only good to know."""

    what: str
    state: State
    found: str
    remedy: str | None = None
