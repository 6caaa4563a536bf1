"""What the grammar of expressions looks at before it descends: names, mixed numbers, degree signs.

Each function reads some tokens from a position on, but never an expression; the grammar itself
(`jz3.answers.expressions`) advances by what they return.
"""

import re
from fractions import Fraction

from jz3.answers.tokens import Token, UnreadableError
from jz3.answers.tree import MINUS_ONE, Call, Node, Number, Power, Quotient, Symbol, number_node

_TEXT = re.compile(r"text\{([^{}]*)\}")  # `V_{\text{out}}` is `V_{out}`
_NO_FACTOR = {"rfloor", "rceil", "in", "cup", "cap", "pm", "mp", "bmod"}


def read_number(text: str) -> Number:
    """The number of a token. Raises UnreadableError if it is too large to be exact."""
    try:
        return number_node(text)
    except OverflowError as error:
        raise UnreadableError(str(error)) from error


def begins_factor(kind: str, text: str, bars: int) -> bool:
    """Whether a factor begins with this token, given that `bars` absolute values are open."""
    if kind == "mark":
        return text in ("(", "[", "{", "\\{") or (text == "|" and bars == 0)
    return kind in ("number", "letter", "command", "text") and text not in _NO_FACTOR


def mixed_number(whole: Number, top: Node, bottom: Node) -> Number | None:
    r"""`3\frac12` is three and a half if the fraction is proper and made of whole numbers; otherwise None."""
    if not (isinstance(top, Number) and isinstance(bottom, Number)) or top.decimal or bottom.decimal:
        return None
    if not 0 <= top.value < bottom.value:
        return None
    return Number(whole.value + top.value / bottom.value, decimal=False)


def mixed_number_at(tokens: list[Token], position: int, whole: Node) -> Number | None:
    """`3 1/2`, if `1` is at `position` and `whole` is the factor before it; None if it is no mixed number."""
    before = tokens[position - 1]
    parts = tokens[position : position + 3]
    if (
        before[0] == "number"
        and isinstance(whole, Number)
        and len(parts) == 3
        and parts[1][1] == "/"
        and parts[2][0] == "number"
        and before[1].isdigit()
        and parts[0][1].isdigit()
        and parts[2][1].isdigit()
        and int(parts[0][1]) < int(parts[2][1])
    ):
        return Number(whole.value + Fraction(int(parts[0][1]), int(parts[2][1])), decimal=False)
    return None


def value_follows(function: Symbol, tokens: list[Token], position: int) -> bool:
    """Whether a letter is followed by a number in brackets: as a product with 0, everything would become
    0.
    """
    kinds = [token[0] for token in tokens[position : position + 3]]
    return (
        function.name[0].isalpha()
        and function.name not in ("e", "i")
        and kinds == ["mark", "number", "mark"]
        and tokens[position + 2][1] == ")"
    )


def degree_sign_at(tokens: list[Token], position: int) -> int:
    """How many tokens the degree sign in an exponent has; 0 if there is none."""
    texts = [token[1] for token in tokens[position : position + 3]]
    if texts[:1] == ["circ"]:
        return 1
    return 3 if texts == ["{", "circ", "}"] else 0


def name_at(tokens: list[Token], position: int) -> tuple[str, int]:
    """The texts of the next token or group, joined, and its end: for a subscript, or under an accent."""
    if position >= len(tokens):
        raise UnreadableError("no argument at the end")
    if tokens[position][:2] != ("mark", "{"):
        return tokens[position][1], position + 1
    texts: list[str] = []
    depth = 1
    for end in range(position + 1, len(tokens)):
        kind, text, _ = tokens[end]
        depth += {"{": 1, "}": -1}.get(text, 0) if kind == "mark" else 0
        if depth == 0:
            return _TEXT.sub(r"\1", "".join(texts)), end + 1
        texts.append(text)
    raise UnreadableError("open group")


def points_at(tokens: list[Token], position: int) -> tuple[str, int]:
    r"""The points of a figure and their end: `\angle ABC` is no product."""
    name, position = name_at(tokens, position)
    end = position
    while end < len(tokens) and tokens[end][0] == "letter" and not tokens[end][2]:
        end += 1
    return name + "".join(token[1] for token in tokens[position:end]), end


def derivative_at(tokens: list[Token], position: int) -> tuple[str, int] | None:
    r"""The name of `\frac{dv}{dt}` after its `\frac`, and its end: d over d does not cancel.

    Raises UnreadableError for a derivative that has yet to be computed.
    """
    texts = [token[1] for token in tokens[position : position + 12]]
    if texts[:5] == ["{", "d", "}", "{", "d"]:
        raise UnreadableError("a derivative to be taken")
    if len(texts) < 6 or texts[:2] != ["{", "d"] or "}" not in texts[:8]:
        return None
    end = texts.index("}")
    rest = texts[end + 1 :]
    if rest[:2] != ["{", "d"] or "}" not in rest or end < 3 or rest.index("}") < 3:
        return None
    name = "d " + "".join(texts[2:end]) + " / d " + "".join(rest[2 : rest.index("}")])
    return name, position + end + 1 + rest.index("}") + 1


def function_of(name: str, call: Call, base: Node | None, exponent: Node | None) -> Node:
    r"""`\log_b x` as a quotient, `\sin^2 x` as a power, `\sin^{-1} x` as the inverse."""
    node: Node = call if base is None else Quotient(call, Call("ln", (base,)))
    if exponent is None:
        return node
    if exponent == MINUS_ONE and name in ("sin", "cos", "tan"):
        return Call("arc" + name, call.arguments)
    return Power(node, exponent)
