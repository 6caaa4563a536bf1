"""The output blocks and the box of a tool solution: what they claim, and how to put in the truth."""

import re
from collections.abc import Sequence
from itertools import chain, repeat

BOX = "\\boxed{"
_BLOCK = re.compile(r"^```output\n(.*?)\n?^```$", re.DOTALL | re.MULTILINE)


def claimed_outputs(solution: str) -> list[str]:
    """The text of each output block."""
    return [found[1] for found in _BLOCK.finditer(solution)]


def same_outputs(claimed: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the blocks match what as many programs printed; blanks at line ends do not matter, and further
    blocks are ignored.
    """
    return len(claimed) >= len(printed) and all(map(_same, claimed, printed))


def with_outputs(solution: str, printed: Sequence[str], characters: int) -> str:
    """The solution with each program's real output in its output block; of a longer output, the first and
    last half, as the model sees it when its own programs run. Further blocks stay as they are.
    """
    written = chain((_block(text, characters) for text in printed), repeat(None))
    return _BLOCK.sub(lambda block: next(written) or block[0], solution)


def _same(claimed: str, printed: str) -> bool:
    return _lines(claimed) == _lines(printed)


def _block(printed: str, characters: int) -> str:
    text = "\n".join(_lines(printed))
    if len(text) > characters:
        half = characters // 2
        text = f"{text[:half]}...{text[-half:]}"
    return f"```output\n{text}\n```"


def with_answer(solution: str, answer: str) -> str:
    """The solution with another answer in its last box; unchanged if no box is closed."""
    start = solution.rfind(BOX)
    depth = 0
    for place in range(start + len(BOX) - 1, len(solution) if start >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(solution[place], 0)
        if depth == 0:
            return f"{solution[: start + len(BOX)]}{answer}{solution[place:]}"
    return solution


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
