"""Which units a cap on teachers' tokens reaches.

A unit is a passage, a seed or a problem with all calls that depend on it. Whole units are taken in the order
of their hashes, up to the first that does not fit. So a larger cap includes everything of a smaller one, and
neither the order of the units nor the speed of answers matters. A unit's tokens are known only after it was
asked: so units are asked in waves, each as large as the remaining tokens are expected to pay for, and at most
as large as all before it. Answers beyond the cap, which show where it ends, are paid for and stay in the row
store, but count for nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from jz3.core.hashing import draw_order
from jz3.generation.chat import ChatAnswer
from jz3.teacher.teacher import Reply

TokensOf = Callable[[Sequence[str]], Mapping[str, int]]
"""Ask everything that depends on some units; return the tokens that each took."""


def within(units: Iterable[str], cap: int, seed: int, tokens_of: TokensOf) -> frozenset[str]:
    """The units that `cap` tokens pay for, in the order that the seed draws."""
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
    """Tokens of prompt and answer; a failure has none."""
    return reply.prompt_tokens + reply.completion_tokens if isinstance(reply, ChatAnswer) else 0
