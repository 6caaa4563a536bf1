"""Bytes of the tensors that are alive while code runs, counted by storage: a view adds none.

Works on real tensors and on fake ones (`FakeTensorMode`), which have shapes but no data. For a training step
the count agrees with torch's allocator (`tests/graph/test_card_memory.py`). Importing this module imports
torch, which takes a second.
"""

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class Alive(TorchDispatchMode):
    """While open, tracks each storage that an operation returns, until nothing refers to it any more.

    Pass tensors that exist before to `hold`; otherwise the first view of one would count as new.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sizes: dict[int, int] = {}
        self.now = 0
        """Bytes alive."""
        self.peak = 0
        """The largest value of `now` so far."""

    def hold(self, tensors: Iterable[torch.Tensor]) -> int:
        """Count tensors that exist already; return the bytes that they add."""
        before = self.now
        for tensor in tensors:
            self._note(tensor.untyped_storage())
        return self.now - before

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 (as torch calls it)
        types: Any,  # noqa: ANN401
        args: Any = (),  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        given = func(*args, **(kwargs or {}))
        for value in tree_iter(given):
            if isinstance(value, torch.Tensor):
                self._note(value.untyped_storage())
        return given

    def _note(self, storage: torch.UntypedStorage) -> None:
        # The storage itself: its Python wrapper lives as long.
        key = storage._cdata  # pyright: ignore[reportPrivateUsage]
        if key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self.now += self._sizes[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)
