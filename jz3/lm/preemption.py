"""Signals of a scheduler before it takes a machine away: SIGUSR1 asks for a checkpoint, SIGTERM to end with
one.

The step in progress is finished first, because half a step cannot be kept. Telling one of several ranks is
enough; the stage that started them receives the signals itself and passes them on by a file in the training's
directory.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from jz3.core.errors import UserError

SAVE, END = 1, 2
"""What may be asked for; the greater of two counts."""
ASKED_OF_RANKS = "asked-of-ranks"
"""A file beside the checkpoints that holds one of the two numbers."""


class Preempted(UserError):  # noqa: N818 (what was asked for)
    """A training was asked to end and has left a checkpoint."""

    exit_status = 128 + signal.SIGTERM

    def __init__(self, what: str, step: int, steps: int) -> None:
        super().__init__(
            f"{what} was asked to stop (SIGTERM) and did so at step {step} of {steps}, leaving a checkpoint; "
            f"all steps were expected. Run it again: it goes on at step {step}."
        )


class Asked:
    """What this process was asked for since the last look."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / ASKED_OF_RANKS
        self._asked = 0

    def note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a handler)
        self._asked = max(self._asked, END if number == signal.SIGTERM else SAVE)

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """Pass the signal on to the ranks, from the stage that waits for them."""
        self.note(number, frame)
        part = self._file.with_name(f"{ASKED_OF_RANKS}.part")
        part.write_text(str(self._asked))
        part.replace(self._file)

    @property
    def to_end(self) -> bool:
        return self._asked == END

    def look(self, *, of_ranks: bool) -> int:
        """Return 0, SAVE or END and reset it. The first rank also reads the file."""
        asked, self._asked = self._asked, 0
        if of_ranks and self._file.exists():
            asked = max(asked, int(self._file.read_text()))
            self._file.unlink()
        return asked


@contextmanager
def told_of_preemption(asked: Asked, *, by_file: bool) -> Generator[None]:
    """Note the two signals in `asked` until the block ends; with `by_file`, pass them on to ranks, too."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    handler = asked.pass_on if by_file else asked.note
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
