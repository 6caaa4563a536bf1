"""The operations into which the problem writer decomposes problems, each in several spellings.

An operation is data: kinds of its values, an expression, names and descriptions, and sentences that tell it.
`OF_FAMILY` lists the operations of some families; any other family's program is read line by line
(`jz3/writer/tasks/decompose.py`) into operations of the topic `arithmetic`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ITEMS, GROUPS, MINUTES, LENGTH, AREA, NUMBER = (
    "number of items", "number of groups", "minutes", "length", "area", "number",
)  # fmt: skip
OWNED, DUE = "dollars in hand", "dollars to pay"


@dataclass(frozen=True)
class Computation:
    """One operation."""

    names: tuple[str, ...]
    """Names of the function."""
    roles: tuple[tuple[tuple[str, ...], str], ...]
    """Names and kind of each argument."""
    returns: str
    """The kind of the result."""
    expression: str
    """Python over the roles `{0}`, `{1}`."""
    docs: tuple[str, ...]
    topic: str
    result: str
    """The name of the result in a story."""
    told: tuple[str, ...]
    """Sentences without a full stop: each argument at its role; `{name}` is the person."""


OPERATIONS: Mapping[str, Computation] = {
    "cost": Computation(
        ("total_cost", "cost_of_items"),
        ((("price", "unit_price"), "dollars per item"), (("count", "n"), ITEMS)),
        DUE,
        "{0} * {1}",
        ("Cost of some equal items at one price.", "The total cost of equal items at a price."),
        "shopping",
        "bill",
        ("{name} buys {1} at {0} dollars each", "A shop sells {name} {1} for {0} dollars each"),
    ),
    "change": Computation(
        ("change_due", "change"),
        ((("paid", "given"), OWNED), (("cost", "due"), DUE)),
        OWNED,
        "{0} - {1}",
        ("Change after a cost is paid.", "The change that comes back after the cost is paid."),
        "shopping",
        "change",
        (
            "{name} pays {1} with {0} and gets the difference back",
            "From {0} {name} pays {1} and gets back what is over",
        ),
    ),
    "money_left": Computation(
        ("money_left", "left_after_spending"),
        ((("start", "saved"), OWNED), (("spent", "expense"), DUE)),
        OWNED,
        "{0} - {1}",
        ("Money that is left after spending.", "Money left of savings after spending."),
        "saving",
        "remaining money",
        ("{name} owns {0} and spends {1} of it", "Of {0}, {name} spends {1} and keeps what is not spent"),
    ),
    "savings": Computation(
        ("savings", "saved_over_weeks"),
        ((("rate", "per_week"), "dollars per week"), (("weeks", "num_weeks"), "number of weeks")),
        OWNED,
        "{0} * {1}",
        ("Money saved every week over some weeks.", "Money that is saved over weeks, every week the same."),
        "saving",
        "savings",
        (
            "{name} saves {0} dollars every week for {1} weeks",
            "For {1} weeks {name} puts aside {0} dollars every week",
        ),
    ),
    "items_left": Computation(
        ("items_left", "remaining_items"),
        ((("total", "owned"), ITEMS), (("given", "removed"), ITEMS)),
        ITEMS,
        "{0} - {1}",
        ("Items that are left after some are given away.", "The items left when some are given away."),
        "counting",
        "rest",
        (
            "{name} has {0} and gives away {1}, keeping the others",
            "Out of {0}, {name} loses {1} and keeps the others",
        ),
    ),
    "items_for_each": Computation(
        ("items_for_each", "equal_share"),
        ((("total", "items"), ITEMS), (("people", "groups"), GROUPS)),
        ITEMS,
        "{0} / {1}",
        ("Items that each person gets in an equal share.", "Equal share of items that each person gets."),
        "sharing",
        "portion",
        (
            "{name} shares {0} equally among {1} friends, so that each friend gets the same number",
            "Among {1} friends {0} are divided evenly, so that each friend gets the same number",
        ),
    ),
    "packed": Computation(
        ("packed_items", "items_in_groups"),
        ((("groups", "bags"), GROUPS), (("each", "per_group"), ITEMS)),
        ITEMS,
        "{0} * {1}",
        ("Items in equal groups together.", "All items in some equal groups."),
        "counting",
        "stock",
        ("{name} fills {0} bags with {1} in each bag", "There are {0} bags, and each bag holds {1}"),
    ),
    "items_together": Computation(
        ("items_together", "joined_items"),
        ((("first", "had"), ITEMS), (("second", "found"), ITEMS)),
        ITEMS,
        "{0} + {1}",
        ("Items of two collections together.", "All items of two collections put together."),
        "counting",
        "collection",
        ("{name} has {0} and finds {1} as well", "{0} and {1} are put together"),
    ),
    "percent_of_items": Computation(
        ("percent_of_items", "part_in_percent"),
        ((("total", "whole"), ITEMS), (("percent", "rate"), "percent")),
        ITEMS,
        "{0} * {1} / 100",
        ("Part of items in percent.", "The part of some items that a percent gives."),
        "percentages",
        "part",
        ("{name} sells {1} percent of {0}", "Of {0}, {1} percent are sold"),
    ),
    "minutes_of_hours": Computation(
        ("minutes_of_hours", "hours_in_minutes"),
        ((("hours", "num_hours"), "hours"),),
        MINUTES,
        "{0} * 60",
        ("Minutes in a number of hours.", "Hours converted to minutes, a number of hours."),
        "time",
        "shift",
        ("{name} works for {0} hours, counted in minutes", "The work takes {0} hours, counted in minutes"),
    ),
    "minutes_together": Computation(
        ("minutes_together", "added_minutes"),
        ((("first", "before"), MINUTES), (("second", "after"), MINUTES)),
        MINUTES,
        "{0} + {1}",
        ("Minutes of two times together.", "The minutes of two times added together."),
        "time",
        "whole time",
        ("{name} is busy for {0} and then for {1} more", "A task of {0} is followed by another of {1}"),
    ),
    "minutes_left": Computation(
        ("minutes_left", "time_without_break"),
        ((("total", "whole"), MINUTES), (("rest", "pause"), MINUTES)),
        MINUTES,
        "{0} - {1}",
        ("Minutes of work without a break.", "The minutes left of work without the break."),
        "time",
        "net time",
        ("Out of {0}, {name} rests for {1} and works otherwise", "{name} takes a break of {1} out of {0}"),
    ),
    "perimeter": Computation(
        ("rectangle_perimeter", "perimeter"),
        ((("length", "long"), LENGTH), (("width", "wide"), LENGTH)),
        LENGTH,
        "2 * ({0} + {1})",
        ("Perimeter of a rectangle.", "The perimeter of a rectangle, all sides."),
        "geometry",
        "fence",
        (
            "{name} puts a fence all around a rectangular field that is {0} long and {1} wide",
            "A rectangular field, {0} long and {1} wide, gets a fence all around",
        ),
    ),
    "area": Computation(
        ("rectangle_area", "area"),
        ((("length", "long"), LENGTH), (("width", "wide"), LENGTH)),
        AREA,
        "{0} * {1}",
        ("Area of a rectangle.", "The area of a rectangle by its sides."),
        "geometry",
        "floor",
        (
            "{name} covers all of a rectangular floor that is {0} long and {1} wide",
            "A rectangular floor, {0} long and {1} wide, is covered as a whole",
        ),
    ),
    "area_left": Computation(
        ("area_left", "remaining_area"),
        ((("whole", "total"), AREA), (("used", "cut"), AREA)),
        AREA,
        "{0} - {1}",
        ("Area that is left of a whole area.", "The area left of a whole when some area is cut."),
        "geometry",
        "bare surface",
        (
            "{name} paints {1} of {0} and leaves the others bare",
            "Of {0}, {1} are painted and the others stay bare",
        ),
    ),
    "sum": Computation(
        ("sum_of", "add"),
        ((("first", "a"), NUMBER), (("second", "b"), NUMBER)),
        NUMBER,
        "{0} + {1}",
        ("Sum of two numbers.", "The sum of two numbers."),
        "arithmetic",
        "sum",
        ("{0} and {1} are added", "{name} adds {1} to {0}"),
    ),
    "difference": Computation(
        ("difference_of", "subtract"),
        ((("first", "a"), NUMBER), (("second", "b"), NUMBER)),
        NUMBER,
        "{0} - {1}",
        ("Difference of two numbers.", "The difference of two numbers."),
        "arithmetic",
        "difference",
        ("{1} is subtracted from {0}", "{name} takes {1} away from {0}"),
    ),
    "product": Computation(
        ("product_of", "multiply"),
        ((("first", "a"), NUMBER), (("second", "b"), NUMBER)),
        NUMBER,
        "{0} * {1}",
        ("Product of two numbers.", "The product of two numbers."),
        "arithmetic",
        "product",
        ("{0} is multiplied by {1}", "{name} multiplies {0} by {1}"),
    ),
    "quotient": Computation(
        ("quotient_of", "divide"),
        ((("first", "a"), NUMBER), (("second", "b"), NUMBER)),
        NUMBER,
        "{0} / {1}",
        ("Quotient of two numbers.", "The quotient of two numbers."),
        "arithmetic",
        "quotient",
        ("{0} is divided by {1}", "{name} divides {0} by {1}"),
    ),
    "power": Computation(
        ("power_of", "raise_to"),
        ((("base", "a"), NUMBER), (("exponent", "b"), NUMBER)),
        NUMBER,
        "{0} ** {1}",
        ("Power of a base with an exponent.", "The power of a base by an exponent."),
        "powers",
        "power",
        ("{0} is raised to the power {1}", "{name} raises {0} to the power {1}"),
    ),
    "remainder": Computation(
        ("remainder_of", "modulo"),
        ((("first", "a"), NUMBER), (("second", "b"), NUMBER)),
        NUMBER,
        "{0} % {1}",
        ("Remainder of a division of two numbers.", "The remainder of the division of two numbers."),
        "divisibility",
        "remainder",
        (
            "{0} is divided by {1} in whole numbers, and only what remains is kept",
            "{name} divides {0} by {1} in whole numbers and keeps only what remains",
        ),
    ),
}

OF_FAMILY: Mapping[str, tuple[tuple[str, tuple[str | int, ...]], ...]] = {
    "grade.change": (("cost", ("b", "a")), ("change", ("c", 0))),
    "grade.sharing": (("items_left", ("a", "b")), ("items_for_each", (0, "c"))),
    "grade.bags": (("packed", ("a", "b")), ("items_together", (0, "c"))),
    "grade.time": (("minutes_of_hours", ("a",)), ("minutes_together", (0, "b")), ("minutes_left", (1, "c"))),
    "grade.perimeter": (("perimeter", ("a", "b")),),
    "grade.together": (("items_together", ("a", "b")), ("items_together", ("a", 0))),
    "grade.saving": (("savings", ("a", "b")), ("money_left", (0, "c"))),
    "middle.percent": (("percent_of_items", ("a", "b")), ("items_together", (0, "c"))),
    "middle.area": (("area", ("a", "b")), ("area", ("c", "c")), ("area_left", (0, 1))),
}
"""Calls of operations on fields of the family, or on the results of earlier calls by their numbers."""
