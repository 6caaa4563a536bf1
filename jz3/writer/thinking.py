r"""What the problem writer thinks before it writes: a trace in prose, of which some have a wrong guess first.

So a whole run with thoughts exists without a model: the trace is longer than a remark, has boxes of its own,
and a reader that takes a guess for the answer is wrong at a known rate.
"""

import re
from dataclasses import dataclass

from jz3.writer.draws import Draws
from jz3.writer.write import Written

WRONG_ONE_IN = 4
"""One trace of so many has a wrong guess in a box (chosen: some in each set of twenty)."""
LARGEST_SLIP = 9
"""By how much a guess of a whole number is off, at most (chosen: one digit)."""


@dataclass(frozen=True)
class Trace:
    """A thought, and the guess in it that is wrong; None where there is none."""

    text: str
    wrong_guess: str | None


def think(written: Written, level: str, key: str) -> Trace:
    """The thought before a problem that a key has drawn. Another draw than those of the problem."""
    draws = Draws(f"{key}\x00thought")
    guess = _slip(written.answer, draws) if draws.bits("slip") % WRONG_ONE_IN == 0 else None
    lines = [
        f"The passage is for level {level}; {written.family.replace('_', ' ')} fits it.",
        f"I could ask this: {written.problem}",
    ]
    if guess is not None:
        lines.append(f"Is the answer \\boxed{{{guess}}}? Wait, I slipped: let me count again.")
    lines.append(f"Step by step it comes to {written.answer}. That can be checked, so I write it down.")
    return Trace("\n".join(lines), guess)


def _slip(answer: str, draws: Draws) -> str:
    """An answer that is wrong for sure: another whole number, or more of what it is."""
    off = draws.whole("off", 1, LARGEST_SLIP)
    return str(int(answer) + off) if re.fullmatch(r"-?\d+", answer) else f"{answer} + {off}"
