"""Progress of steps that take longer than two seconds: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

T = TypeVar("T")

DELAY_S = 2.0
"""Steps shorter than this show nothing."""
LINE_EVERY_S = 30.0


class Progress:
    """A bar with rate and time left; without a terminal a line every 30 seconds and one at the end."""

    def __init__(self, what: str, total: int, unit: str) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._done, self._started = 0, time.monotonic()
        self._line_at = self._started + LINE_EVERY_S
        self._on_terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total, desc=what, unit=unit, delay=DELAY_S, disable=not self._on_terminal, unit_scale=True
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        if not self._on_terminal and time.monotonic() - self._started > DELAY_S:
            self._line()

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._bar.update(count)
        if not self._on_terminal and time.monotonic() >= self._line_at:
            self._line()
            self._line_at = time.monotonic() + LINE_EVERY_S

    def _line(self) -> None:
        seconds = time.monotonic() - self._started
        rate = self._done / seconds if seconds else 0.0
        left = (self._total - self._done) / rate if rate else 0.0
        log.info(
            "%s: %d of %d %s, %.1f/s, %.0f s left",
            self._what,
            self._done,
            self._total,
            self._unit,
            rate,
            left,
        )


def progress(rows: Iterable[T], what: str, total: int, unit: str) -> Iterator[T]:
    """The rows, counted as they pass."""
    with Progress(what, total, unit) as bar:
        for row in rows:
            yield row
            bar.advance()
