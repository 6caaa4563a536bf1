"""Answers that compute: the model writes a program, the program runs, the model reads its output and
continues.

A round: the model writes until it opens an output block; the programs of its answer so far run as one (never
those of the prompt), and their real output is inserted. Anything that the model writes after its program as
if it had seen the output is cut off. An answer ends when a call writes no program, when there is a box in the
prose after the last program, or when all rounds are used; a box inside a program is no answer. Programs are
read as models write them (`jz3.text.fences`). The released code takes any output with "nan" or "error" inside
a word for a failure; here the exit status decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jz3.generation.engine import Generated, GenerationRequest
from jz3.sandbox.result import ProgramResult
from jz3.text.fences import Block, fenced_blocks, without_blocks
from jz3.text.problem_text import last_boxed

Generate = Callable[[Sequence[GenerationRequest]], list[Generated]]
Run = Callable[[Sequence[str]], list[ProgramResult]]


@dataclass(frozen=True)
class Attempt:
    """An answer in progress. `printed` is the output of its programs so far."""

    seed: int
    text: str = ""
    printed: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = "stop"
    """The finish reason of the last call."""
    ended: bool = False


def answer_with_tools(
    prompts: Sequence[str],
    attempts: Sequence[Attempt],
    generate: Generate,
    run: Run,
    *,
    rounds: int,
    shown_characters: int,
) -> list[Attempt]:
    """The finished attempts, one for each prompt."""
    current = list(attempts)
    for _ in range(rounds):
        open_places = [place for place, attempt in enumerate(current) if not attempt.ended]
        if not open_places:
            break
        requests = [
            GenerationRequest(prompts[place] + current[place].text, current[place].seed)
            for place in open_places
        ]
        for place, written in zip(open_places, generate(requests), strict=True):
            current[place] = continued(current[place], written)
        computing = [place for place in open_places if not current[place].ended]
        results = run([program_so_far(current[place].text) for place in computing]) if computing else []
        for place, result in zip(computing, results, strict=True):
            current[place] = _with_output(current[place], result, shown_characters)
    return current


def program_so_far(text: str) -> str:
    """All programs of an answer as one."""
    return "\n".join(block.body.strip("\n") for block in _programs(text)) + "\n"


def continued(attempt: Attempt, written: Generated) -> Attempt:
    """The attempt, extended by what a call has written."""
    text = _before_output(written.text)
    programs = _programs(text)
    answered = bool(programs) and last_boxed(without_blocks(text[programs[-1].end :])) is not None
    computes = bool(programs) and not answered and written.finish_reason == "stop"
    if computes and not programs[-1].closed:
        text = f"{text.rstrip()}\n{programs[-1].mark}\n"
    return replace(
        attempt,
        text=attempt.text + text,
        calls=attempt.calls + 1,
        prompt_tokens=attempt.prompt_tokens + written.prompt_tokens,
        completion_tokens=attempt.completion_tokens + written.completion_tokens,
        finish_reason=written.finish_reason,
        ended=not computes,
    )


def _programs(text: str) -> list[Block]:
    return [block for block in fenced_blocks(text) if block.is_program]


def _before_output(written: str) -> str:
    """The part of a call's text before an output that it made up: the first output block after a program."""
    computed = False
    for block in fenced_blocks(written):
        if computed and block.is_output:
            return written[: block.start]
        computed = computed or block.is_program
    return written


def _with_output(attempt: Attempt, result: ProgramResult, shown_characters: int) -> Attempt:
    """Insert the output; the programs run as one, so output that earlier rounds have shown is removed
    first.
    """
    if result.status == "ok":
        output = result.stdout.removeprefix(attempt.printed)
        printed = result.stdout
    else:
        output = result.error or result.status
        printed = attempt.printed
    block = f"```output\n{_shortened(output.strip(), shown_characters)}\n```\n"
    return replace(attempt, text=attempt.text.rstrip() + "\n" + block, printed=printed)


def _shortened(text: str, characters: int) -> str:
    """First and last half of a long output (released code: 400 characters)."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}...{text[-half:]}"
