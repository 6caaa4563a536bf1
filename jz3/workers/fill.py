"""Fills the store with the rows that a stage asks for and the store has not.

The missing requests are put into one stated order and cut into batches before the first runs, and each batch
is committed whole. So a killed run loses the batch in flight and nothing else, and goes on with the same
batches: where a result depends on its batch (batched floating point), it is still the same.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jz3.core.progress import Progress
from jz3.store.rows import Operation, open_store, request_key

log = logging.getLogger(__name__)

Request = Mapping[str, Any]


def fill(
    operation: Operation,
    requests: Sequence[Request],
    work: Callable[[Sequence[Request]], Sequence[Mapping[str, Any]]],
    *,
    order: Callable[[Request], Any],
    batch_rows: int,
    what: str,
) -> list[dict[str, Any]]:
    """The result of each request, in the order of the requests; equal requests are computed once.

    `work` gets at most `batch_rows` requests and gives a result for each, in order. Batches follow `order`,
    then the key.
    """
    store = open_store()
    keys = [request_key(operation, request) for request in requests]
    results = store.known(operation, keys)
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in results}
    ordered = sorted(missing, key=lambda key: (order(missing[key]), key))
    log.info("%s: %d rows, %d of them to compute", what, len(requests), len(ordered))
    with store.writer(operation) as writer, Progress(what, len(ordered), "rows") as bar:
        for start in range(0, len(ordered), batch_rows):
            batch = ordered[start : start + batch_rows]
            for key, result in zip(batch, work([missing[key] for key in batch]), strict=True):
                results[key] = writer.append(key, missing[key], result)
            writer.commit()
            bar.advance(len(batch))
    return [results[key] for key in keys]
