"""The output block and the box of a tool solution: what they claim, and how the truth is put there."""

import re

BOX = "\\boxed{"
_BLOCK = re.compile(r"^```output\n(.*?)\n?^```$", re.DOTALL | re.MULTILINE)


def claimed_output(solution: str) -> str | None:
    """What the first output block says; None where there is none."""
    found = _BLOCK.search(solution)
    return found[1] if found else None


def same_output(claimed: str | None, printed: str) -> bool:
    """Whether a block says what was printed; blanks at the ends of lines do not matter."""
    return claimed is not None and _lines(claimed) == _lines(printed)


def with_output(solution: str, printed: str, characters: int) -> str:
    """The solution with the real output in its first output block; of a longer one its first and last half,
    as the model sees it when its own programs run.
    """
    text = "\n".join(_lines(printed))
    if len(text) > characters:
        half = characters // 2
        text = f"{text[:half]}...{text[-half:]}"
    return _BLOCK.sub(lambda _: f"```output\n{text}\n```", solution, count=1)


def with_answer(solution: str, answer: str) -> str:
    """The solution with another answer in its last box; as it is where it has no box that closes."""
    start = solution.rfind(BOX)
    depth = 0
    for place in range(start + len(BOX) - 1, len(solution) if start >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(solution[place], 0)
        if depth == 0:
            return f"{solution[: start + len(BOX)]}{answer}{solution[place:]}"
    return solution


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
