"""The layout of a process's memory, from /proc/PID/maps, as far as the sandbox needs it."""

from dataclasses import dataclass
from itertools import pairwise

_UNIT_BITS = 32  # the filter compares the high half of an address: units of 4 GB
_VSYSCALL = "[vsyscall]"  # at the top of the kernel's half, the same for all processes


@dataclass(frozen=True)
class Layout:
    """Two ranges of addresses, in bytes: program and heap below; libraries, mappings and stack above."""

    lower: range
    upper: range

    def with_room(self, size: int) -> tuple[range, range]:
        """The ranges after `size` more bytes: the heap grows upwards, mappings downwards."""
        lower = range(self.lower.start, self.lower.stop + size)
        return lower, range(max(self.upper.start - size, lower.stop), self.upper.stop)

    def mapping_units(self, size: int) -> range:
        """The range, in units of 4 GB, in which a program that needs `size` more bytes may ask for
        mappings.
        """
        start = max(self.upper.start - size, 0) >> _UNIT_BITS
        # One unit lower, because freed memory leaves gaps, so that later mappings may lie lower.
        return range(max(start - 1, 1), (self.upper.stop >> _UNIT_BITS) + 1)


def layout_of(maps: str) -> Layout:
    """The layout described by the lines of a `maps` file, divided at the largest gap."""
    lines = [line.split(maxsplit=5) for line in maps.splitlines() if not line.endswith(_VSYSCALL)]
    spans = sorted(tuple(int(address, 16) for address in line[0].split("-")) for line in lines)
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    last_lower = gaps.index(max(gaps))
    return Layout(
        lower=range(spans[0][0], spans[last_lower][1]), upper=range(spans[last_lower + 1][0], spans[-1][1])
    )
