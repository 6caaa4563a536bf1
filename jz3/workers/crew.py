"""Who computes batches: this process, or actors of Ray that start with the first batch and stay for the rest.

Promises: what each worker has loaded for a work stays loaded, over any number of calls; where there is no
batch, nothing is started. Costs the start of Ray and its workers once (4.6 s for two of them on two busy
cores), and the memory of every work at once.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING

from jz3.workers.batch import Batch, Computed, Lost, Work, Workers

if TYPE_CHECKING:
    from jz3.workers.actors import Actors


class Crew:
    """Workers of a stage, until the block ends."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._stack = ExitStack()
        self._actors: Actors | None = None

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def compute(self, batches: Iterator[Batch], work: Work) -> Iterator[Computed | Lost]:
        """Every batch as it is done, or the rows that were lost, in whatever order workers finish. One call
        after the other; what is equal to the work of an earlier call is taken for the same.
        """
        if self._workers.count == 1 and self._workers.address is None:
            yield from (Computed(batch, work(batch.requests)) for batch in batches)
            return
        first = next(batches, None)
        if first is not None:
            yield from self._started().compute(chain([first], batches), work)

    def _started(self) -> "Actors":
        if self._actors is None:
            from jz3.workers.actors import started

            self._actors = self._stack.enter_context(started(self._workers))
        return self._actors
