"""Values that differ between workers, so that a result with one would not be reproducible.

Addresses are the same in all workers if the kernel can fix them. If it refuses, a program that prints one has
no result: it is `unstable`. The same holds for a folder or user that only one worker has.
"""

import re
from dataclasses import dataclass

# Not the digits of a fraction, nor part of a word.
_NUMBER = re.compile(r"(?<![\w.])(?:0[xX][0-9a-fA-F]+|[0-9]+)(?!\w|\.[0-9])")
_LONGEST_NUMBER = 20  # digits of the largest 64-bit number
_HASH_SHIFT = 4  # Python's hash of an object is its address without the lowest four bits


@dataclass(frozen=True)
class Marks:
    """The marks of one worker."""

    folder: str
    """The programs' folder, if it is the worker's own; otherwise empty."""
    uid: int | None
    """The user of the programs, if it is the worker's own."""
    address_ranges: tuple[range, ...]
    """Addresses of its programs, in bytes; empty if they are the same in all workers."""

    def in_text(self, text: str) -> str:
        """The worker's own value in a text, as a reason; empty if there is none."""
        if self.folder and self.folder in text:
            return "it prints the folder that it ran in, which is another one each time"
        numbers = {int(found, 0 if found[:2] in ("0x", "0X") else 10) for found in _numbers(text)}
        if self.uid in numbers:
            return "it prints the number of its user, which is another one in each worker"
        if any(self._is_address(number) for number in numbers):
            return "it prints an address, and addresses are others each time on this machine"
        return ""

    def _is_address(self, number: int) -> bool:
        return any(number in place or number << _HASH_SHIFT in place for place in self.address_ranges)


def _numbers(text: str) -> list[str]:
    return [found for found in _NUMBER.findall(text) if len(found) <= _LONGEST_NUMBER]
