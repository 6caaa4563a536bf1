"""Draws by hash: the same key and name always give the same value, on every machine and in any order."""

import hashlib
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Draws:
    """Values drawn from a key; each has a name, so that a further draw does not change any other."""

    key: str

    def bits(self, name: str) -> int:
        """64 bits for a name."""
        digest = hashlib.blake2b(f"{self.key}\x00{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number in [low, high], uniform to within 2^-50 for our ranges."""
        return low + self.bits(name) % (high - low + 1)

    def choice(self, name: str, options: tuple[T, ...]) -> T:
        return options[self.bits(name) % len(options)]

    def weighted(self, name: str, options: tuple[T, ...], weights: tuple[int, ...]) -> T:
        """An option, with probability proportional to its weight."""
        point = self.bits(name) % sum(weights)
        for option, weight in zip(options, weights, strict=True):
            if point < weight:
                return option
            point -= weight
        message = "weights do not cover the draw"
        raise AssertionError(message)
