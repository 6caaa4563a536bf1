r"""Solutions that are written in turns with a sandbox: text up to a program, its real output, and so on.

A chat request cannot stop at a text. So an answer is cut off after its first program, which is run; its
output is appended, and the next request shows all of that and asks for the rest. An output that a teacher
made up never survives: after a program it is cut off, elsewhere the answer is rejected.

A program builds on those before it, which run again; only what it adds is shown. The value of a bare last
expression is printed, as in a notebook. The first error ends a solution.

Rules: `other_block` (a block that is no program), `too_many_programs`, `box_before_program`, `two_boxes`,
`program_timeout`, `program_failed` (an error, a kill, too much memory or output), `no_output` (nothing, or a
fence that no block can contain), and those of jz3/teacher/solutions.py.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from jz3.core.execution import Execution
from jz3.generation.chat import ChatAnswer
from jz3.notation.thoughts import without_thoughts
from jz3.sandbox.program_rows import run_rows, stored_results
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits
from jz3.store.row_store import RowStore
from jz3.teacher.solutions import HEADING, Solution, finished, read_solution
from jz3.teacher.tool_use import ToolUse
from jz3.text.fences import fenced_blocks
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, last_boxed, programs_of
from jz3.workers.crew import Crew

_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_CLOSES = re.compile(r"\s*(?:\\\]|\$\$|\\end\{\w+\*?\})[.\s]*")
"""A line that ends a display or an alignment."""


@dataclass(frozen=True)
class Begun:
    """A solution up to the end of a program that has not been run."""

    text: str
    limits: Limits
    """Limits of its programs."""


def read_tool_solution(reply: ChatAnswer, expected: str | None, use: ToolUse) -> Begun | Solution | Unusable:
    """What an answer adds to what was begun: another program, or the end of the solution."""
    if reply.finish_reason != "length" and (unfinished := finished(reply)) is not None:
        return unfinished
    text = HEADING.sub("", without_thoughts(reply.text).replace("\r\n", "\n")).strip()
    block = next(fenced_blocks(text), None)
    if block is None:
        if len(_BOX.findall(text)) > 1:
            return Unusable("two_boxes", text[-EVIDENCE_CHARACTERS:])
        return read_solution(replace(reply, text=f"{use.begun}{trimmed(text)}"), expected)
    if not block.is_program:
        return Unusable("other_block", text[block.start :][:EVIDENCE_CHARACTERS])
    if not block.closed and reply.finish_reason != "stop":
        return Unusable("truncated", text[-EVIDENCE_CHARACTERS:])
    before = text[: block.start].rstrip()
    if _BOX.search(before):
        return Unusable("box_before_program", before[-EVIDENCE_CHARACTERS:])
    done, program = programs_of(use.begun), printing(block.body.strip("\n"))
    if len(done) == use.most_programs:
        return Unusable("too_many_programs", program[:EVIDENCE_CHARACTERS])
    written = f"{use.begun}{before}\n```python\n{program}\n```".lstrip("\n")
    if programs_of(written) != [*done, program]:
        return Unusable("other_block", program[:EVIDENCE_CHARACTERS])
    return Begun(written, use.limits)


def run_begun(begun: Sequence[Begun], execution: Execution, crew: Crew) -> list[str | Unusable]:
    """Each solution of a recipe with the real output of its last program. Runs what the store lacks."""
    if not begun:
        return []
    programs = [_so_far(one) for one in begun]
    flat = [program for some in programs for program in some]
    results = iter(run_rows(flat, begun[0].limits, execution, "programs", crew).results)
    return [
        with_output(one, [next(results) for _ in some]) for one, some in zip(begun, programs, strict=True)
    ]


def stored_output(begun: Begun, store: RowStore) -> str | Unusable | None:
    """The same from the store alone; None if a program has not run yet."""
    found = stored_results(_so_far(begun), begun.limits, store)
    results = [result for result in found if result is not None]
    return with_output(begun, results) if len(results) == len(found) else None


def printing(program: str) -> str:
    """The program with its last line printed, if it prints nothing and ends with an expression."""
    if "print(" in program:
        return program
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # errors for what is no program
        return program
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return program
    lines = program.split("\n")
    before = lines[last.lineno - 1].encode()[: last.col_offset].decode()
    shown = f"{before}print({ast.get_source_segment(program, last)})"
    return "\n".join([*lines[: last.lineno - 1], shown])


def trimmed(text: str) -> str:
    """A text up to its first line with a complete box, and the line that closes the display around it."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if last_boxed(line) is not None:
            closed = number < len(lines) and _CLOSES.fullmatch(lines[number])
            return "\n".join(lines[: number + 1 if closed else number])
    return text


def _so_far(begun: Begun) -> list[str]:
    """The first program, the first two as one, and so on."""
    return list(accumulate(programs_of(begun.text), lambda before, program: f"{before}\n{program}"))


def with_output(begun: Begun, results: Sequence[ProgramResult]) -> str | Unusable:
    """A solution with the output that its last program adds to that of the earlier ones. `results` are those
    of the first program, of the first two, and so on.
    """
    last = results[-1]
    if last.status == "timeout":
        return Unusable("program_timeout", begun.text[-EVIDENCE_CHARACTERS:])
    if last.status != "ok":
        return Unusable("program_failed", f"{last.status}: {last.error}"[:EVIDENCE_CHARACTERS])
    output = last.stdout.removeprefix(results[-2].stdout if len(results) > 1 else "")
    if not output.strip() or "```" in output:
        return Unusable("no_output", output[:EVIDENCE_CHARACTERS] or begun.text[-EVIDENCE_CHARACTERS:])
    return f"{begun.text}\n```output\n{output.strip(chr(10))}\n```\n"
