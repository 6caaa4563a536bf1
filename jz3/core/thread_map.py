"""Process a stream with several threads, in the order of the stream and in bounded memory.

It pays if the work releases Python's lock (polars, compiled loops, compression).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def thread_map(function: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """`map(function, items)` with up to `threads` calls at once. At most `threads` + 1 items or results are
    held in memory. An exception is raised at the position of its item.
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
