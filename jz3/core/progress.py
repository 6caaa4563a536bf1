"""Progress of steps that take longer than two seconds: a bar on a terminal, otherwise plain lines."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from jz3.core.terminal import duration, is_quiet, without_name

log = logging.getLogger(__name__)

T = TypeVar("T")

DELAY_S = 2.0
"""Steps shorter than this show nothing."""
LINE_EVERY_S = 30.0
FIRST = 0.02
"""Share that must be done before a line estimates the time left (chosen: the first rows take longest)."""
SCALED = 100_000
"""From this many steps a bar counts in thousands (chosen: below, the digits are as short)."""


class Progress:
    """A bar with rate and time left; without a terminal, a line every 30 seconds and one at the end.

    `also` names something that is counted in addition to the steps, such as tokens: its rate is shown, too.
    """

    _place, _stage = "", ""
    _left: tuple[Callable[[], float | None], ...] = ()

    @classmethod
    def within(cls, place: str, stage: str, left: Callable[[], float | None]) -> None:
        """Make each later bar of the process begin with the place and the stage, as log lines do anyway, and
        end with the time left of the whole run: `left` returns it in seconds, or None if it is not known.
        """
        cls._place, cls._stage, cls._left = place, stage, (left,)

    def __init__(self, what: str, total: int, unit: str, also: str | None = None) -> None:
        self._what, self._total, self._unit, self._also = what, total, unit, also
        self._done, self._counted, self._started = 0, 0, time.monotonic()
        self._line_at = self._started + LINE_EVERY_S
        self._on_terminal = sys.stderr.isatty() and not is_quiet()
        self._note = ""
        self._bar = tqdm(
            total=total,
            desc=f"{self._place}{self._stage} {without_name(what, self._stage)}".strip(),
            unit=f" {unit}",
            bar_format=self._format(),
            delay=DELAY_S,
            disable=not self._on_terminal,
            unit_scale=total >= SCALED,
            dynamic_ncols=True,
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

    def advance(self, count: int = 1, also: int = 0, note: str | None = None) -> None:
        """Count steps; `note` is a figure to show beside the rates from now on, such as `loss 1.23`."""
        self._done += count
        self._counted += also
        self._note = note or self._note
        if self._on_terminal:
            self._bar.bar_format = self._format()
        self._bar.update(count)
        if not self._on_terminal and time.monotonic() >= self._line_at:
            self._line()
            self._line_at = time.monotonic() + LINE_EVERY_S

    def _line(self) -> None:
        seconds = time.monotonic() - self._started
        rate = self._done / seconds if seconds else 0.0
        known = self._done >= FIRST * self._total
        left = [f"{duration((self._total - self._done) / rate if rate else 0.0)} left"] if known else []
        log.info(
            "%s: %d of %d %s, %s",
            self._what,
            self._done,
            self._total,
            self._unit,
            ", ".join([*self._figures(f"{rate:.1f}/s"), *left]),
        )

    def _format(self) -> str:
        """The format of a bar: the figures first, times before rates as a narrow terminal cuts the end, then
        the bar.
        """
        whole = [f"run {duration(left)}" for left in (left() for left in self._left) if left is not None]
        said = ["{n_fmt}/{total_fmt}", "{remaining} left", *whole, *self._figures("{rate_noinv_fmt}")]
        return "{desc} " + ", ".join(said) + " {bar}"

    def _figures(self, rate: str) -> list[str]:
        """The note, the rate of the steps, and the rate of what else is counted."""
        return [*([self._note] if self._note else []), rate, *([self._second_rate()] if self._also else [])]

    def _second_rate(self) -> str:
        return f"{self._counted / max(time.monotonic() - self._started, 1e-9):,.0f} {self._also}/s"


def progress(rows: Iterable[T], what: str, total: int, unit: str) -> Iterator[T]:
    """The rows, counted as they are taken."""
    with Progress(what, total, unit) as bar:
        for row in rows:
            yield row
            bar.advance()
