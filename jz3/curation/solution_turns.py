"""A question and its solution as turns: what a program printed is a turn of its own.

The fence that opens an output block is the assistant's, who is stopped there while the program runs
(`jz3/evaluation/tool_loop.py`); what was printed and the fence that closes it are the tool's.
"""

from jz3.tables.turn import Turn
from jz3.text.fences import fenced_blocks


def solved_turns(question: str, solution: str, kind: str, *, learn_output: bool) -> list[Turn]:
    """The turns of a row; without a program in it, the solution is one. `learn_output`: whether what programs
    printed is learnt, as the released code does.
    """
    answer = (
        _answer_turns(solution, learn_output) if kind == "tool" else [Turn("assistant", solution, learn=True)]
    )
    return [Turn("user", question, learn=False), *answer]


def _answer_turns(solution: str, learn_output: bool) -> list[Turn]:  # noqa: FBT001
    turns: list[Turn] = []
    place = 0
    for start, end in printed_spans(solution):
        turns.append(Turn("assistant", solution[place:start], learn=True))
        turns.append(Turn("tool", solution[start:end], learn_output))
        place = end
    rest = solution[place:]
    return [*turns, Turn("assistant", rest, learn=True)] if rest else turns


def printed_spans(solution: str) -> list[tuple[int, int]]:
    """The span of each program's output: after the opening fence of the first output block that follows
    the program, up to the end of the line with the closing fence.
    """
    spans: list[tuple[int, int]] = []
    computed = False
    for block in fenced_blocks(solution):
        opened = solution.find("\n", block.start, block.end) + 1
        if computed and block.is_output and opened:
            end = block.end + solution.startswith("\n", block.end)
            spans.append((opened, end))
            computed = False
        computed = computed or block.is_program
    return spans
