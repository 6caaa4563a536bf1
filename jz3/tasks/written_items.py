"""Items worded by the problem writer: from its families unchanged, asked backward, and two joined.

Promises: every number is drawn from the writer's part for benchmarks, so that no training text has the
numbers of an item; a benchmark's numbers differ from those of the benchmarks that it names; more items of a
family do not change other ids. Backward and joined, a family whose wordings show numbers only in formulas has
no items: 19 of 64. An item for which no draw was found is a row with the rule `not_unique` or `not_joined`.
Costs two seconds per benchmark (measured).
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Literal

from pydantic import Field

from jz3.core.params import Params, Seed
from jz3.tables.item import JOINED
from jz3.tasks.item_formats import ItemText, Unfit
from jz3.tasks.raw import DataError
from jz3.writer.catalogue import FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.family import Family, Values, latex
from jz3.writer.joined import Asked, backward, by_answer, joined, maskable
from jz3.writer.splits import distinct_draws, draws_of_part, same_numbers
from jz3.writer.write import write_draw

PLACES_OF_A_FAMILY = 1_000
"""Numbers reserved for each family's items, so that more of them do not change other ids."""
LOOKED_AT = 60
"""Draws of a family that are tried for its items (chosen: one or two of 64 families then have none)."""
FIRSTS = 8
"""Draws of each family that may be the first of two (chosen: their answers give enough numbers)."""


class _Written(Params):
    """Draws of the problem writer that nobody trains on."""

    name: str
    per_family: int = Field(ge=1, lt=PLACES_OF_A_FAMILY)
    seed: Seed
    apart_from: list[str]
    """Other benchmarks of the writer, listed before this one, whose numbers no item has."""


class WriterBenchmark(_Written):
    """Problems of all families."""

    reader: Literal["writer"]


class BackwardBenchmark(_Written):
    """Problems of all families with the answer given and a number asked for, if that has one solution."""

    reader: Literal["writer_backward"]


class ComposedBenchmark(_Written):
    """Pairs of problems in which the answer of the first is a number of the second; each family is the second
    in `per_family` of them.
    """

    reader: Literal["writer_composed"]


OfWriter = WriterBenchmark | BackwardBenchmark | ComposedBenchmark
Numbered = Iterator[tuple[int, ItemText | Unfit]]
Drawn = dict[str, dict[str, list[Values]]]
"""The draws for each benchmark of the writer, by family."""


def written_items(source: OfWriter, drawn: Drawn) -> Numbered:
    """The items of a benchmark with their numbers; their draws are added to `drawn`. Raises DataError."""
    unknown = sorted(set(source.apart_from) - drawn.keys())
    if unknown:
        raise DataError(
            f"benchmark '{source.name}' is to be apart from {', '.join(unknown)}, which is not a benchmark "
            f"of the writer listed before it. Name only such benchmarks."
        )
    taken = {
        family.name: [values for name in source.apart_from for values in drawn[name][family.name]]
        for family in FAMILIES
    }
    drawn[source.name] = own = {family.name: list[Values]() for family in FAMILIES}
    match source:
        case WriterBenchmark():
            return _forward(source, taken, own)
        case BackwardBenchmark():
            return _backward(source, taken, own)
        case ComposedBenchmark():
            return _composed(source, taken, own)


ByFamily = Mapping[str, list[Values]]


def _key(source: OfWriter, family: Family) -> str:
    return f"{source.seed}\x00{source.name}\x00{family.name}"


def _forward(source: WriterBenchmark, taken: ByFamily, own: ByFamily) -> Numbered:
    for place, family in enumerate(FAMILIES):
        key = _key(source, family)
        own[family.name].extend(
            distinct_draws(family, "benchmark", source.per_family, key, taken[family.name])
        )
        for number, values in enumerate(own[family.name]):
            question = write_draw(family, "cot", values, f"{key}\x00{number}").problem
            yield (
                place * PLACES_OF_A_FAMILY + number,
                _item(family, question, latex(family.solve(values)["answer"])),
            )


def _backward(source: BackwardBenchmark, taken: ByFamily, own: ByFamily) -> Numbered:
    for place, family in _maskable():
        key, first = _key(source, family), place * PLACES_OF_A_FAMILY
        found = own[family.name]
        for values in islice(draws_of_part(family, "benchmark", key, taken[family.name]), LOOKED_AT):
            if len(found) == source.per_family:
                break
            if any(same_numbers(values, other) for other in found):
                continue
            asked = backward(family, values, f"{key}\x00{len(found)}")
            if asked is not None:
                yield first + len(found), _item(family, asked.question, asked.gold)
                found.append(values)
        for number in range(len(found), source.per_family):
            evidence = f"{family.name}: no number of {LOOKED_AT} draws is the only one with its answer"
            yield first + number, Unfit("not_unique", evidence)


def _composed(source: ComposedBenchmark, taken: ByFamily, own: ByFamily) -> Numbered:
    """Items of two problems; `own` gets the draws of both."""
    drawn = {
        family.name: list(
            islice(
                draws_of_part(family, "benchmark", f"{_key(source, family)}\x00first", taken[family.name]),
                FIRSTS,
            )
        )
        for family in FAMILIES
    }
    firsts = by_answer(drawn, FAMILIES)
    for place, family in _maskable():
        key, begins, found = _key(source, family), place * PLACES_OF_A_FAMILY, 0
        for values in islice(draws_of_part(family, "benchmark", key, taken[family.name]), LOOKED_AT):
            if found == source.per_family:
                break
            if any(same_numbers(values, other) for other in own[family.name]):
                continue
            made = _joined(family, values, firsts, f"{key}\x00{found}")
            if made is None:
                continue
            asked, first, first_values = made
            subject = f"{first.name}{JOINED}{family.name}"
            yield begins + found, ItemText(asked.question, asked.gold, subject=subject, level=family.level)
            own[family.name].append(values)
            own[first.name].append(first_values)
            found += 1
        for number in range(found, source.per_family):
            evidence = f"{family.name}: no number of {LOOKED_AT} draws is the answer of another problem"
            yield begins + number, Unfit("not_joined", evidence)


def _maskable() -> list[tuple[int, Family]]:
    """Families with a wording that shows a number outside of formulas, and their places."""
    return [(place, family) for place, family in enumerate(FAMILIES) if any(_fields(family))]


def _fields(family: Family) -> list[str]:
    """The numbers that some wording shows outside of formulas, once."""
    return sorted({field for wording in family.wordings for field in maskable(family, wording)})


def _joined(
    family: Family, values: Values, firsts: Mapping[int, list[tuple[Family, Values]]], key: str
) -> tuple[Asked, Family, Values] | None:
    """A problem of another family whose answer is a number of this one, and both as one question."""
    draws = Draws(key)
    for field in sorted(_fields(family), key=lambda field: draws.bits(f"joined/{field}")):
        answer = getattr(values, field)
        others = [one for one in firsts.get(answer, []) if one[0] is not family]
        if not others:
            continue
        first, first_values = draws.choice(f"first/{field}", tuple(others))
        question = write_draw(first, "cot", first_values, f"{key}\x00first").problem
        asked = joined(Asked(question, str(answer)), family, values, field, key)
        if asked is not None:
            return asked, first, first_values
    return None


def _item(family: Family, question: str, gold: str) -> ItemText:
    return ItemText(question, gold, subject=family.name, level=family.level)
