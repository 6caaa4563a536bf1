"""Grade school: the four operations in everyday words. Numbers stay small enough to work out in the head."""

from fractions import Fraction

from jz3.writer.family import Family, Whole, Word
from jz3.writer.vocabulary import GOODS, NAMES

FAMILIES = (
    Family(
        name="grade.change",
        words=("cost", "price", "money", "buy", "pay", "shop", "change"),
        fields={
            "name": Word(NAMES),
            "goods": Word(GOODS),
            "a": Whole(2, 9),
            "b": Whole(2, 12),
            "c": Whole(20, 120),
        },
        wordings=(
            "{name} buys {a} {goods} for {b} dollars each and pays with {c} dollars. "
            "How many dollars does {name} get back?",
            "At a shop {a} {goods} cost {b} dollars each. {name} has {c} dollars and buys them all. "
            "How many dollars are left for {name}?",
            "{name} has {c} dollars. {name} pays {b} dollars for each of {a} {goods}. "
            "How much money does {name} keep?",
        ),
        holds=lambda v: v.c > v.a * v.b,
        solve=lambda v: {"cost": v.a * v.b, "answer": v.c - v.a * v.b},
        solution="The {goods} cost {a} * {b} = {cost} dollars. There remain {c} - {cost} = {answer} dollars.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(c - a * b)",
        proves=lambda v, answer: sum([v.b] * v.a) + Fraction(answer) == v.c,
    ),
)
