"""What a cap on the tokens of teachers takes, and what it leaves.

A unit is a passage, a seed or a problem with all calls that hang on it. Units are taken in the order of their
hashes, each whole, up to the first that does not fit. So a larger cap keeps what a smaller one takes, and
neither the order of the units nor how fast their answers come changes any. What a unit took is known once it
was asked: units are asked in waves, each as large as what is left is expected to pay for and at most as large
as all before it. The answers beyond the cap, by which its end was found, are paid for, stay in the row store,
and count for nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from jz3.core.hashing import draw_order
from jz3.generation.chat import ChatAnswer
from jz3.teacher.teacher import Reply

TokensOf = Callable[[Sequence[str]], Mapping[str, int]]
"""Asks all that hangs on some units; what each of them took."""


def within(units: Iterable[str], cap: int, seed: int, tokens_of: TokensOf) -> frozenset[str]:
    """The units that `cap` tokens take, in the order that the seed draws."""
    ordered = sorted(set(units), key=lambda unit: (draw_order(seed, unit), unit))
    taken: list[str] = []
    spent = 0
    while len(taken) < len(ordered):
        expected = (cap - spent) * len(taken) // max(spent, 1)
        wave = ordered[len(taken) :][: max(1, min(len(taken), expected))]
        tokens = tokens_of(wave)
        for unit in wave:
            spent += tokens[unit]
            if spent > cap:
                return frozenset(taken)
            taken.append(unit)
    return frozenset(taken)


def tokens(reply: Reply) -> int:
    """Of prompt and answer; a failure takes none."""
    return reply.prompt_tokens + reply.completion_tokens if isinstance(reply, ChatAnswer) else 0
