"""Items that `reasoning_gym` makes, each checked: its own scorer must accept its own answer.

In `gsm_symbolic`, some 4 % of the worked steps are wrong (decimals cut short), so every equation of the
worked answer is computed again. Its templates follow GSM8K test problems: it is for evaluation, never for
training.
"""

import ast
import operator
import re
from collections.abc import Iterator
from fractions import Fraction
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from jz3.tasks.item_formats import ItemText, Unfit

ATTEMPTS_PER_ITEM = 4
"""Items made per item wanted before the data set counts as too small."""


def revision() -> str:
    return f"reasoning-gym {version('reasoning-gym')}"


def gym_items(dataset: str, size: int, seed: int, config: dict[str, Any]) -> Iterator[ItemText | Unfit]:
    """Items in the order of the data set, until `size` of them are good; a larger size keeps the first
    ones.
    """
    import reasoning_gym

    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    made = reasoning_gym.create_dataset(dataset, size=size * ATTEMPTS_PER_ITEM, seed=seed, **settings)
    seen: set[str] = set()
    for number in range(size * ATTEMPTS_PER_ITEM):
        row: Any = made[number]
        item = _checked(row, made, seen)
        yield item
        if isinstance(item, ItemText):
            seen.add(item.question)
            if len(seen) == size:
                return


def _checked(row: dict[str, Any], made: Any, seen: set[str]) -> ItemText | Unfit:  # noqa: ANN401
    question, gold = str(row["question"]).strip(), str(row["answer"]).strip()
    if question in seen:
        return Unfit("repeated", question)
    if made.score_answer(row["answer"], row) != 1.0:
        return Unfit("own_answer_not_accepted", question)
    worked = row["metadata"].get("answer_cot")
    if worked is not None and not (holds_throughout(worked) and worked.rpartition("####")[2].strip() == gold):
        return Unfit("wrong_step", question)
    return ItemText(question, gold)


def holds_throughout(worked: str) -> bool:
    """Whether every equation between plain numbers in a text is exactly true."""
    text = re.sub(r"^\s*(?:[-•*]|\d+\.)\s+", "", worked, flags=re.MULTILINE)
    text = re.sub(r" x ?(?=[$\d(])", " × ", text)
    for chain in re.findall(r"[\d.,$%+\-*/×÷() ]+(?:=[\d.,$%+\-*/×÷() ]+)+", text):
        values = [_value(side) for side in chain.split("=")]
        if any(a is not None and b is not None and a != b for a, b in pairwise(values)):
            return False
    return True


_OPERATIONS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _value(side: str) -> Fraction | None:
    """The exact value of an expression; None if the text is none (such as part of a sentence)."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", side.replace("$", "").replace("×", "*").replace("÷", "/"))
    plain = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", plain).strip(" .,")
    if not plain or plain[0] in "+-*/":
        return None
    try:
        return _evaluated(ast.parse(plain, mode="eval").body, plain)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _evaluated(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _evaluated(node.left, source), _evaluated(node.right, source)
        return _OPERATIONS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand, source)
    # The text of a number, because its float would be inexact.
    return Fraction(ast.get_source_segment(source, node) or "")
