"""Who computes batches: this process, or actors of Ray that start with the first batch and stay for the rest.

    with open_crew(workers_of(execution)) as crew:
        results = fill(operation, requests, work, crew=crew, ...)

Promises: what each worker has loaded for a work stays loaded, over any number of calls, until the block ends;
where there is no batch, nothing is started. Costs the start of Ray and its workers once (4.6 s for two of
them on two busy cores), and the memory of every work at once.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from jz3.workers.batch import Batch, Computed, Lost, Work, Workers

if TYPE_CHECKING:
    from jz3.workers.actors import Actors


@contextmanager
def open_crew(workers: Workers) -> Generator["Crew"]:
    """A crew that ends with the block."""
    with ExitStack() as at_end:
        yield Crew(workers, at_end)


class Crew:
    """Workers, started when first needed."""

    def __init__(self, workers: Workers, at_end: ExitStack) -> None:
        self.at_end = at_end
        """What to close with the crew, in this process."""
        self._workers = workers
        self._works: list[Work] = []
        self._actors: Actors | None = None

    def compute(self, batches: Iterator[Batch], work: Work) -> Iterator[Computed | Lost]:
        """Yield every batch as it is done, and the rows that were lost, in the order in which workers finish.

        Only one call may run at a time. A work that equals that of an earlier call counts as the same work.
        """
        if self._workers.count == 1 and self._workers.address is None:
            kept = self._kept(work)
            yield from (Computed(batch, kept(batch.requests)) for batch in batches)
            return
        first = next(batches, None)
        if first is not None:
            yield from self._started().compute(chain([first], batches), work)

    def _kept(self, work: Work) -> Work:
        if work not in self._works:
            self._works.append(work)
        return self._works[self._works.index(work)]

    def _started(self) -> "Actors":
        if self._actors is None:
            from jz3.workers.actors import started

            self._actors = self.at_end.enter_context(started(self._workers))
        return self._actors
