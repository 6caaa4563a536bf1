"""Which of the right solutions of each seed are kept (OpenMathInstruct-1): those with code, and as many of
each seed as of any other.

Fair downsampling takes one row of each seed, round after round, until so many are taken as are wanted. Seeds
and the rows of a seed come in the order of hashes, so that a larger number keeps what a smaller one holds,
whatever the order of the seeds. (The released code shuffles without a seed.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from jz3.core.hashing import draw_order

Prefer = Literal["none", "all", "majority_code", "majority_text", "any_code"]
"""Which of a seed's solutions stay: `none` rules nothing out; `all`: those with code; `any_code`: the same,
where there are any; `majority_code`: the same, where they are more than half; `majority_text`: of code and
text what is more than half.
"""


@dataclass(frozen=True)
class RightRow:
    """A row that is right."""

    row_id: str
    seed_id: str
    code: bool
    """Whether it has a program."""


def beside_preferred(rows: Sequence[RightRow], prefer: Prefer) -> set[str]:
    """The rows that the preference leaves out."""
    by_seed: dict[str, list[RightRow]] = defaultdict(list)
    for row in rows:
        by_seed[row.seed_id].append(row)
    out: set[str] = set()
    for some in by_seed.values():
        kept = _kept_forms(sum(row.code for row in some), len(some), prefer)
        out |= {row.row_id for row in some if row.code not in kept}
    return out


def _kept_forms(with_code: int, whole: int, prefer: Prefer) -> tuple[bool, ...]:
    """Half of an odd number is rounded down, as in the released code."""
    most_code, most_text = with_code > whole // 2, whole - with_code > whole // 2
    match prefer:
        case "none":
            return (True, False)
        case "all":
            return (True,)
        case "any_code":
            return (True,) if with_code else (True, False)
        case "majority_code":
            return (True,) if most_code else (True, False)
        case "majority_text":
            return (True,) if most_code else (False,) if most_text else (True, False)


def not_drawn(rows: Sequence[RightRow], wanted: int, seed: int) -> set[str]:
    """The rows that are left out, where `wanted` are drawn in rounds; none where there are no more."""
    if wanted >= len(rows):
        return set()
    ordered = sorted(
        rows,
        key=lambda row: (
            draw_order(seed, row.seed_id),
            row.seed_id,
            draw_order(seed, row.row_id),
            row.row_id,
        ),
    )
    taken = in_rounds((row.seed_id, row.row_id) for row in ordered)[:wanted]
    return {row.row_id for row in rows} - set(taken)


def in_rounds(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Rows (group and name) in the order in which rounds take them: the first of each group, the second of
    each, and so on; groups in the order of their first rows.
    """
    by_group: dict[str, list[str]] = defaultdict(list)
    for group, name in rows:
        by_group[group].append(name)
    longest = max(map(len, by_group.values()), default=0)
    return [names[turn] for turn in range(longest) for names in by_group.values() if turn < len(names)]
