"""Fills the store with the rows that a stage asks for and the store lacks.

It works in batches if a result may depend on its batch (`fill`, `fill_windows`), or as a stream if the engine
forms its own batches (`fill_stream`).

The missing requests are put into one defined order and cut into batches before the first runs, and the
stage's own process commits each batch as a whole. So a killed run loses only the batches in flight (one per
worker) and continues with the same batches; a result that depends on its batch (batched floating point) is
still the same. A kill during the milliseconds of a commit keeps the rows that are complete; the rest of that
batch then makes a batch of its own. With one worker, the batches run in this process; with more, each goes to
the next free actor of Ray (jz3/workers/actors.py). The caller opens the crew, for one call or for many.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from jz3.core.errors import UserError
from jz3.core.progress import Progress
from jz3.store.records import parsed
from jz3.store.row_store import Operation, open_store, request_key
from jz3.store.writer import RowWriter
from jz3.workers.batch import Batch, Computed, Lost, Request, Work
from jz3.workers.crew import Crew

log = logging.getLogger(__name__)

Order = Callable[[Request], Any]
Compute = Callable[[Iterable[Mapping[str, Request]]], Generator[tuple[str, dict[str, Any]] | Lost]]
Streamed = tuple[str, Request, Mapping[str, Any]] | Lost
"""Key, request and result of a row that is done."""
StreamWork = Callable[[Iterator[tuple[str, Request]]], Generator[Streamed | None]]
"""Takes rows (key, request) as it has room for them, and yields finished ones in any order; it yields None
now and then if none is ready.
"""

COMMIT_S = 60.0
"""The most seconds that a row of a stream waits for its commit, which a kill may cost (chosen; a commit is
one fsync, some milliseconds).
"""


def fill(
    operation: Operation,
    requests: Sequence[Request],
    work: Work,
    *,
    order: Order,
    batch_rows: int,
    what: str,
    crew: Crew,
    tokens: Callable[[Mapping[str, Any]], int] | None = None,
) -> list[dict[str, Any]]:
    """The result of each request, in the order of the requests; equal requests are computed once.

    - `work`: gets at most `batch_rows` requests and returns a result for each, in order.
    - `order`: the order of requests in batches; equal ones are sorted by key.
    - `tokens`: counts the tokens of a result, so that their rate is shown.

    Raises UserError if a row kills every worker that it is given to.
    """

    def compute(windows: Iterable[Mapping[str, Request]]) -> Generator[tuple[str, dict[str, Any]] | Lost]:
        return fill_windows(operation, windows, work, order=order, batch_rows=batch_rows, crew=crew)

    return fill_by(operation, requests, compute, what=what, tokens=tokens)


def fill_by(
    operation: Operation,
    requests: Sequence[Request],
    compute: Compute,
    *,
    what: str,
    tokens: Callable[[Mapping[str, Any]], int] | None,
) -> list[dict[str, Any]]:
    """Like `fill`, but `compute` yields the rows of windows once they are in the store."""
    store = open_store()
    keys = [request_key(operation, request) for request in requests]
    results = store.known(operation, keys)
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in results}
    log.info("%s: %d rows, %d of them to compute", what, len(requests), len(missing))
    with (
        Progress(what, len(missing), "rows", also="tokens" if tokens else None) as bar,
        closing(compute([missing])) as rows,
    ):
        try:
            for row in rows:
                if isinstance(row, Lost):
                    raise UserError(
                        f"{what}: row {row.key} {row.reason}; a result was expected. "
                        f"Give each worker more memory, or fewer rows at once (execution.generation_batch)."
                    )
                key, result = row
                results[key] = result
                bar.advance(1, tokens(result) if tokens else 0)
        except KeyboardInterrupt as interrupt:
            known = len({*keys} & {*results})
            interrupt.add_note(
                f"{what} has {known} of {len({*keys})} rows in the row store and goes on there"
            )
            raise
    return [results[key] for key in keys]


def fill_windows(
    operation: Operation,
    windows: Iterable[Mapping[str, Request]],
    work: Work,
    *,
    order: Order,
    batch_rows: int,
    crew: Crew,
) -> Generator[tuple[str, dict[str, Any]] | Lost]:
    """Yield key and result of each row once its batch is committed; for more rows than fit into memory.

    A window (key to request, all missing in the store) is ordered and cut into batches on its own, and is
    read only when workers have nothing else to do.
    """
    batches = (batch for window in windows for batch in cut(window, order, batch_rows))
    with open_store().writer(operation) as writer:
        for outcome in crew.compute(batches, work):
            if isinstance(outcome, Lost):
                yield outcome
            else:
                yield from _committed(outcome, writer)


def fill_stream(
    operation: Operation,
    windows: Iterable[Mapping[str, Request]],
    work: StreamWork,
    *,
    order: Order,
    commit_rows: int,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[tuple[str, dict[str, Any]] | Lost]:
    """Yield key and result of each row once it is committed: after COMMIT_S or `commit_rows` rows, whichever
    comes first. `work` takes rows from one window after another without a break, each window in its order.
    However this ends, rows that were done are kept.
    """
    asked = (
        (key, window[key])
        for window in windows
        for key in sorted(window, key=lambda key: (order(window[key]), key))
    )
    done: list[tuple[str, dict[str, Any]] | Lost] = []
    oldest = 0.0
    with open_store().writer(operation) as writer, closing(work(asked)) as rows:
        try:
            for row in rows:
                if row is not None:
                    oldest = oldest if done else clock()
                    done.append(row if isinstance(row, Lost) else _appended(row, writer))
                if done and (len(done) >= commit_rows or clock() - oldest >= COMMIT_S):
                    writer.commit()
                    yield from done
                    done = []
        finally:
            writer.commit()
        yield from done


def _appended(row: tuple[str, Request, Mapping[str, Any]], writer: RowWriter) -> tuple[str, dict[str, Any]]:
    key, request, result = row
    return key, parsed(writer.append(key, request, result))


def cut(window: Mapping[str, Request], order: Order, batch_rows: int) -> Iterator[Batch]:
    """Batches of at most `batch_rows`, by `order`, then by key."""
    ordered = sorted(window, key=lambda key: (order(window[key]), key))
    for start in range(0, len(ordered), batch_rows):
        keys = ordered[start : start + batch_rows]
        yield Batch(keys, [window[key] for key in keys])


def _committed(done: Computed, writer: RowWriter) -> list[tuple[str, dict[str, Any]]]:
    """The results as the store will return them. `zip` raises ValueError if a worker lost a row."""
    batch = done.batch
    rows = [
        (key, parsed(writer.append(key, request, result)))
        for key, request, result in zip(batch.keys, batch.requests, done.results, strict=True)
    ]
    writer.commit()
    return rows
