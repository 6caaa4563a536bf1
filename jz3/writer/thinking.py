r"""The problem writer's thought before it writes: a trace in prose, some with a wrong guess first.

So a whole run with thoughts is possible without a model: the trace is longer than a remark, has its own
boxes, and a reader that takes a guess for the answer is wrong at a known rate.
"""

import re
from dataclasses import dataclass

from jz3.writer.draws import Draws
from jz3.writer.write import Written

WRONG_ONE_IN = 4
"""One in this many traces has a wrong guess in a box (chosen: some in each set of twenty)."""
LARGEST_SLIP = 9
"""The largest error in a guess of a whole number (chosen: one digit)."""


@dataclass(frozen=True)
class Trace:
    """A thought, and the wrong guess in it; None if there is none."""

    text: str
    wrong_guess: str | None


def think(written: Written, level: str, key: str) -> Trace:
    """The thought before a problem that a key has drawn; its draws are separate from the problem's."""
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
    """An answer that is certainly wrong: another whole number, or a changed text."""
    off = draws.whole("off", 1, LARGEST_SLIP)
    return str(int(answer) + off) if re.fullmatch(r"-?\d+", answer) else f"{answer} + {off}"
