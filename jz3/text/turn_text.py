"""The turns of a training row in the plain format: headings before question and solution (released code).

Headings bear no loss; the content of a turn does if the turn is learnt.
"""

from collections.abc import Sequence

from jz3.notation.thoughts import without_thoughts
from jz3.tables.turn import Turn
from jz3.text.training_text import BEFORE_QUESTION, BEFORE_SOLUTION

BETWEEN = "\n\n\n"
"""Two blank lines between a solution and the next question, as between examples (released code)."""
AFTER_SYSTEM = "\n\n"

Part = tuple[str, bool]
"""A piece of text, and whether it is learnt."""


def plain_parts(turns: Sequence[Turn], kind: str) -> list[Part]:
    """The text of a row, in pieces; the tokenizer adds the end token."""
    parts: list[Part] = []
    for turn in turns:
        if turn.role == "system":
            parts += [(turn.text, turn.learn), (AFTER_SYSTEM, False)]
        elif turn.role == "user":
            before = (
                BEFORE_QUESTION if not parts or parts[-1][0] == AFTER_SYSTEM else BETWEEN + BEFORE_QUESTION
            )
            parts += [(before, False), (turn.text, turn.learn), (BEFORE_SOLUTION[kind], False)]
        else:
            parts.append((turn.text, turn.learn))
    return parts


def input_and_output(parts: Sequence[Part]) -> tuple[str, str]:
    """The text before the first piece that is learnt, and the rest."""
    first = next((place for place, (_, learn) in enumerate(parts) if learn), len(parts))
    texts = [text for text, _ in parts]
    return "".join(texts[:first]), "".join(texts[first:])


def without_earlier_thoughts(turns: Sequence[Turn]) -> list[Turn]:
    """The turns without the thoughts of answers before the last question.

    The rest of such an answer is not learnt: a model would learn to answer without the thought behind the
    answer. An answer that was only a thought is removed.
    """
    last = max((place for place, turn in enumerate(turns) if turn.role == "user"), default=0)
    return [
        shorn
        for place, turn in enumerate(turns)
        for shorn in [_shorn(turn) if place < last and turn.role == "assistant" else turn]
        if shorn.text
    ]


def _shorn(turn: Turn) -> Turn:
    text = without_thoughts(turn.text)
    return turn if text == turn.text else Turn(turn.role, text.lstrip("\n"), learn=False)
