"""Which of the right solutions of each seed are kept (OpenMathInstruct-1): preferably those with code, and
equally many per seed.

Fair downsampling takes one row of each seed, round after round, until there are as many as wanted. Seeds and
the rows of a seed are ordered by hash, so that a larger number includes a smaller one, whatever the order of
the seeds. (The released code shuffles without a seed.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from jz3.core.hashing import draw_order

Prefer = Literal["none", "all", "majority_code", "majority_text", "any_code"]
"""Which of a seed's solutions are kept; all of them if the condition does not hold:

- `none`: all
- `all`: those with code, even if there are none
- `any_code`: those with code, if there are any
- `majority_code`: those with code, if they are more than half
- `majority_text`: those with code or those without, whichever are more than half
"""


@dataclass(frozen=True)
class RightRow:
    """A right row."""

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
    """The forms that are kept. Half of an odd number is rounded down, as in the released code."""
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
    """The rows left out if `wanted` are drawn in rounds; empty if there are no more than that."""
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
