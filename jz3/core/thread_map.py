"""Work on a stream by several threads, in the order of the stream and with bounded memory.

It is worth while where the work leaves Python's lock (polars, compiled loops, compression).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def thread_map(function: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """`map(function, items)` with up to `threads` calls at once; as many items and results wait in memory,
    and one more. The first error is raised in its place.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
