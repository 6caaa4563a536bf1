"""What a scheduler says before it takes a machine away: SIGUSR1 for a checkpoint, SIGTERM to end with one.

The step in flight is done first: half a step cannot be kept. Of several ranks it is enough that one is told;
the stage that started them is told itself, and passes it on by a file in the training's directory.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from jz3.core.errors import UserError

SAVE, END = 1, 2
"""What is asked for; the greater counts."""
ASKED_OF_RANKS = "asked-of-ranks"
"""A file beside the checkpoints, with one of the two numbers."""


class Preempted(UserError):  # noqa: N818 (what was asked for)
    """A training was asked to end and has left a checkpoint."""

    exit_status = 128 + signal.SIGTERM

    def __init__(self, what: str, step: int, steps: int) -> None:
        super().__init__(
            f"{what} was asked to end (SIGTERM) and did so at step {step} of {steps}, with a checkpoint of "
            f"it; all steps were expected. Run it again: it goes on at step {step}."
        )


class Asked:
    """What this process was asked for since it was last looked at."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / ASKED_OF_RANKS
        self._asked = 0

    def note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a handler)
        self._asked = max(self._asked, END if number == signal.SIGTERM else SAVE)

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """Send the signal on to the ranks, from the stage that waits for them."""
        self.note(number, frame)
        part = self._file.with_name(f"{ASKED_OF_RANKS}.part")
        part.write_text(str(self._asked))
        part.replace(self._file)

    @property
    def to_end(self) -> bool:
        return self._asked == END

    def look(self, *, of_ranks: bool) -> int:
        """0, SAVE or END; then it is forgotten. The first rank looks into the file, too."""
        asked, self._asked = self._asked, 0
        if of_ranks and self._file.exists():
            asked = max(asked, int(self._file.read_text()))
            self._file.unlink()
        return asked


@contextmanager
def told_of_preemption(asked: Asked, *, by_file: bool) -> Generator[None]:
    """The two signals are noted in `asked` until the block ends; `by_file` for ranks, too."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    handler = asked.pass_on if by_file else asked.note
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
