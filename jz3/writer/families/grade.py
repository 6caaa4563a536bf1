"""Grade school: the four operations in everyday words. Numbers stay small enough to work out in the head."""

from datetime import timedelta
from fractions import Fraction

from jz3.writer.family import Family, Whole, Word
from jz3.writer.vocabulary import GOODS, NAMES, PLACES

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
    Family(
        name="grade.sharing",
        words=("share", "divide", "divided", "division", "equally", "friends", "split"),
        fields={
            "name": Word(NAMES),
            "goods": Word(GOODS),
            "a": Whole(10, 80),
            "b": Whole(2, 20),
            "c": Whole(2, 9),
        },
        wordings=(
            "{name} has {a} {goods} and gives away {b} of them. "
            "{name} shares the rest equally among {c} friends. How many {goods} does each friend get?",
            "Of {a} {goods}, {name} gives away {b}, and {c} friends share the rest equally. "
            "How many {goods} does each friend get?",
            "There are {a} {goods}. {name} gives away {b} and shares the rest equally among {c} friends. "
            "How many {goods} does each friend get?",
        ),
        holds=lambda v: v.a - v.b >= 2 * v.c and (v.a - v.b) % v.c == 0,
        solve=lambda v: {"rest": v.a - v.b, "answer": Fraction(v.a - v.b, v.c)},
        solution="The rest is {a} - {b} = {rest} {goods}. Each friend gets {rest} / {c} = {answer} {goods}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((a - b) // c)",
        proves=lambda v, answer: Fraction(answer) * v.c + v.b == v.a,
    ),
    Family(
        name="grade.bags",
        words=("bag", "bags", "altogether", "multiply", "multiplication", "times", "collection"),
        fields={
            "name": Word(NAMES),
            "goods": Word(GOODS),
            "a": Whole(2, 12),
            "b": Whole(2, 12),
            "c": Whole(2, 40),
        },
        wordings=(
            "{name} fills {a} bags with {b} {goods} each and finds {c} more {goods}. "
            "How many {goods} does {name} have altogether?",
            "There are {a} bags with {b} {goods} in each bag, and {name} finds {c} more {goods}. "
            "How many {goods} are there altogether?",
            "{name} has {a} bags. Each of the bags holds {b} {goods}, and {name} finds {c} more. "
            "How many {goods} does {name} have altogether?",
        ),
        holds=lambda v: v.b != v.c,
        solve=lambda v: {"packed": v.a * v.b, "answer": v.a * v.b + v.c},
        solution="The bags hold {a} * {b} = {packed} {goods}. "
        "Altogether there are {packed} + {c} = {answer} {goods}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b + c)",
        proves=lambda v, answer: Fraction(answer) == sum([v.b] * v.a, start=v.c),
    ),
    Family(
        name="grade.time",
        words=("time", "minutes", "minute", "hour", "hours", "clock", "duration"),
        fields={
            "name": Word(NAMES),
            "place": Word(PLACES),
            "a": Whole(2, 7),
            "b": Whole(2, 58),
            "c": Whole(5, 58),
        },
        wordings=(
            "{name} works at the {place} for {a} hours and {b} minutes, and {c} of them are a break. "
            "How many minutes of work remain?",
            "At the {place} {name} works for {a} hours and {b} minutes. A break takes {c} of the minutes. "
            "How many minutes of work remain?",
            "The work at the {place} takes {name} {a} hours and {b} minutes with a break of {c} minutes. "
            "How many minutes of work remain?",
        ),
        holds=lambda v: v.b != v.c,
        solve=lambda v: {
            "hours": v.a * 60,
            "whole": v.a * 60 + v.b,
            "answer": v.a * 60 + v.b - v.c,
        },
        solution="The {a} hours are {a} * 60 = {hours} minutes. "
        "The whole time is {hours} + {b} = {whole} minutes. "
        "Without the break {whole} - {c} = {answer} minutes remain.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * 60 + b - c)",
        proves=lambda v, answer: timedelta(hours=v.a, minutes=v.b - v.c) / timedelta(minutes=1) == answer,
    ),
    Family(
        name="grade.perimeter",
        words=("perimeter", "rectangle", "length", "width", "side", "sides", "shape", "fence"),
        fields={"name": Word(NAMES), "a": Whole(3, 60), "b": Whole(2, 50)},
        wordings=(
            "{name} draws a rectangle that is {a} meters long and {b} meters wide. "
            "What is the perimeter of the rectangle in meters?",
            "The garden of {name} is a rectangle that is {a} meters long and {b} meters wide. "
            "What is the perimeter of the garden in meters?",
            "{name} walks around a rectangle that is {a} meters long and {b} meters wide. "
            "What is its perimeter in meters?",
        ),
        holds=lambda v: v.a > v.b,
        solve=lambda v: {"half": v.a + v.b, "answer": 2 * (v.a + v.b)},
        solution="One long and one short side make {a} + {b} = {half} meters. "
        "The perimeter is 2 * {half} = {answer} meters.",
        program="a = {a}\nb = {b}\nprint(2 * (a + b))",
        proves=lambda v, answer: Fraction(answer) - v.a - v.b - v.a == v.b,
    ),
    Family(
        name="grade.missing",
        words=("number", "missing", "sum", "add", "addition", "subtract", "subtraction"),
        fields={"name": Word(NAMES), "a": Whole(2, 40), "b": Whole(2, 40), "c": Whole(10, 120)},
        wordings=(
            "{name} adds the numbers {a}, {b} and a missing number. The sum is {c}. "
            "What is the missing number?",
            "The numbers {a}, {b} and a missing number have the sum {c}. "
            "What is the missing number that {name} looks for?",
            "In the book of {name} the numbers {a}, {b} and a missing number have the sum {c}. "
            "What is the missing number?",
        ),
        holds=lambda v: v.c > v.a + v.b,
        solve=lambda v: {"known": v.a + v.b, "answer": v.c - v.a - v.b},
        solution="The known numbers make {a} + {b} = {known}. "
        "The missing number is {c} - {known} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(c - a - b)",
        proves=lambda v, answer: v.a + v.b + Fraction(answer) == v.c,
    ),
    Family(
        name="grade.together",
        words=("compare", "comparison", "together", "both", "more", "greater", "larger"),
        fields={
            "name": Word(NAMES),
            "friend": Word(NAMES),
            "goods": Word(GOODS),
            "a": Whole(2, 80),
            "b": Whole(2, 40),
        },
        wordings=(
            "{name} has {a} {goods}, and {friend} has {b} more {goods} than {name}. "
            "How many {goods} do they have together?",
            "{name} owns {a} {goods}. {friend} owns {b} more {goods} than {name}. "
            "How many {goods} do {name} and {friend} own together?",
            "There are {a} {goods} on the table of {name}. {friend} has {b} more {goods} than {name}. "
            "How many {goods} do they have together?",
        ),
        holds=lambda v: v.word("name") != v.word("friend"),
        solve=lambda v: {"other": v.a + v.b, "answer": v.a + v.a + v.b},
        solution="{friend} has {a} + {b} = {other} {goods}. "
        "Together they have {a} + {other} = {answer} {goods}.",
        program="a = {a}\nb = {b}\nprint(a + a + b)",
        proves=lambda v, answer: (Fraction(answer) - v.b) / 2 == v.a,
    ),
    Family(
        name="grade.saving",
        words=("week", "weeks", "save", "saves", "spend", "every", "dollars"),
        fields={"name": Word(NAMES), "a": Whole(2, 15), "b": Whole(2, 12), "c": Whole(2, 60)},
        wordings=(
            "{name} saves {a} dollars every week for {b} weeks and then spends {c} dollars. "
            "How many dollars are saved in the end?",
            "Every week {name} saves {a} dollars. After {b} weeks {name} spends {c} dollars. "
            "How many dollars are saved in the end?",
            "With {a} dollars every week {name} saves money for {b} weeks and then spends {c} dollars. "
            "How many dollars are saved in the end?",
        ),
        holds=lambda v: v.a * v.b > v.c,
        solve=lambda v: {"saved": v.a * v.b, "answer": v.a * v.b - v.c},
        solution="{name} saves {a} * {b} = {saved} dollars. "
        "In the end {saved} - {c} = {answer} dollars are there.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b - c)",
        proves=lambda v, answer: Fraction(answer) + v.c == sum([v.a] * v.b),
    ),
)
