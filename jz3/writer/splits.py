"""Number draws of a family, divided by hash among those who use them.

Promise: which part a draw belongs to depends only on the family and its whole numbers, neither on names and
goods nor on the wording. So a benchmark item never repeats the numbers of a problem of the teacher, the
instruction data or the target tasks, whatever the seeds.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Literal

from jz3.core.errors import UserError
from jz3.writer.draws import Draws
from jz3.writer.family import Family, Values

Part = Literal["benchmark", "target", "instruction", "teacher"]

SHARES: dict[Part, int] = {"benchmark": 10, "target": 10, "instruction": 15, "teacher": 65}
"""Per cent of a family's number draws. Chosen: the teacher writes thousands of problems, the others tens per
family; a family has at least 150 number draws (tested), so that the smallest part has about 15.
"""

ATTEMPTS = 10_000


class TooFewDrawsError(UserError):
    """A family has fewer draws of a part than a parameter asks for."""


def part_of(family: Family, values: Values) -> Part:
    """The part that a draw belongs to."""
    digest = hashlib.blake2b(f"{family.name}\x00{_numbers(values)}".encode(), digest_size=8).digest()
    point = int.from_bytes(digest, "big") % 100
    for part, share in SHARES.items():
        if point < share:
            return part
        point -= share
    message = "shares do not add up to 100"
    raise AssertionError(message)


def draw_of_part(family: Family, part: Part, key: str) -> Values:
    """The first draw of a key that belongs to the part."""
    return next(_draws_of_part(family, part, key))


def draws_of_part(
    family: Family, part: Part, key: str, apart_from: Iterable[Values] = ()
) -> Iterator[Values]:
    """Draws of the part among the family's first ATTEMPTS draws, which may repeat, without those that have
    the numbers of a draw of `apart_from`.
    """
    taken = {_numbers(values) for values in apart_from}
    return (values for values in _draws_of_part(family, part, key) if _numbers(values) not in taken)


def distinct_draws(
    family: Family, part: Part, rows: int, key: str, apart_from: Iterable[Values] = ()
) -> list[Values]:
    """`rows` different draws of the part, none with the numbers of a draw of `apart_from`. More rows keep the
    first ones.

    Raises TooFewDrawsError if the part does not have that many.
    """
    found: dict[tuple[int | str, ...], Values] = {}
    for values in draws_of_part(family, part, key, apart_from):
        if len(found) == rows:
            break
        found.setdefault(tuple(values.drawn.values()), values)
    if len(found) < rows:
        raise TooFewDrawsError(
            f"family {family.name} has only {len(found)} draws of part '{part}' in {ATTEMPTS} attempts; "
            f"{rows} were asked for. Ask for fewer rows of each family."
        )
    return list(found.values())


def same_numbers(one: Values, other: Values) -> bool:
    """Whether two draws of a family differ only in names and goods."""
    return _numbers(one) == _numbers(other)


def _numbers(values: Values) -> str:
    """The whole numbers of a draw, without names and goods."""
    return "\x00".join(
        f"{name}={value}" for name, value in sorted(values.drawn.items()) if isinstance(value, int)
    )


def _draws_of_part(family: Family, part: Part, key: str) -> Iterator[Values]:
    for attempt in count():
        if attempt == ATTEMPTS:
            return
        values = family.draw(Draws(f"{key}\x00{attempt}"))
        if part_of(family, values) == part:
            yield values
