"""Progress of steps that take longer than two seconds: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from jz3.core.terminal import is_quiet

log = logging.getLogger(__name__)

T = TypeVar("T")

DELAY_S = 2.0
"""Steps shorter than this show nothing."""
LINE_EVERY_S = 30.0


class Progress:
    """A bar with rate and time left; without a terminal a line every 30 seconds and one at the end.

    `also` names what else is counted beside the steps, such as tokens: its rate is shown, too.
    """

    def __init__(self, what: str, total: int, unit: str, also: str | None = None) -> None:
        self._what, self._total, self._unit, self._also = what, total, unit, also
        self._done, self._counted, self._started = 0, 0, time.monotonic()
        self._line_at = self._started + LINE_EVERY_S
        self._on_terminal = sys.stderr.isatty() and not is_quiet()
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

    def advance(self, count: int = 1, also: int = 0) -> None:
        self._done += count
        self._counted += also
        if self._also and self._on_terminal:
            self._bar.set_postfix_str(self._second_rate(), refresh=False)
        self._bar.update(count)
        if not self._on_terminal and time.monotonic() >= self._line_at:
            self._line()
            self._line_at = time.monotonic() + LINE_EVERY_S

    def _line(self) -> None:
        seconds = time.monotonic() - self._started
        rate = self._done / seconds if seconds else 0.0
        left = (self._total - self._done) / rate if rate else 0.0
        log.info(
            "%s: %d of %d %s, %.1f/s%s, %.0f s left",
            self._what,
            self._done,
            self._total,
            self._unit,
            rate,
            f", {self._second_rate()}" if self._also else "",
            left,
        )

    def _second_rate(self) -> str:
        return f"{self._counted / max(time.monotonic() - self._started, 1e-9):,.0f} {self._also}/s"


def progress(rows: Iterable[T], what: str, total: int, unit: str) -> Iterator[T]:
    """The rows, counted as they pass."""
    with Progress(what, total, unit) as bar:
        for row in rows:
            yield row
            bar.advance()
