"""JiuZhang's problems of the writer that errs: nothing is known of them beforehand, so that `distill` sees
their form alone. What it lets pass is left to the stages behind it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.erring.speed import Request
from jz3.text.problem_text import Unusable, read_completion
from jz3.writer.catalogue import read
from jz3.writer.family import plain
from jz3.writer.server import planted, read_prompt
from jz3.writer.tasks.judge import is_same


@dataclass(frozen=True)
class Written:
    """What became of problems."""

    asked: int
    by_kind: dict[str, Counter[str]]
    """Planted errors by kind: rejected at once, kept with a wrong answer or none, or harmless."""
    by_rule: dict[str, Counter[str]]
    """Rejected problems by rule: with an error, or without one."""
    kept: int
    wrong: int
    """Of these, those whose answer is not that of their question, or that have none."""


def account(requests: Sequence[Request]) -> Written:
    """Of problems that are asked for."""
    by_kind: dict[str, Counter[str]] = {}
    by_rule: dict[str, Counter[str]] = {}
    kept = wrong = 0
    for one in requests:
        _, erred = planted(one.prompt, one.seed)
        found = read_completion(erred.text, erred.finish_reason, read_prompt(one.prompt).kind, one.prompt)
        if isinstance(found, Unusable):
            reason = "none" if erred.kind is None else "planted"
            by_rule.setdefault(found.rule, Counter())[reason] += 1
            fate = "at once"
        else:
            right = _is_right(found.problem, found.answer)
            kept, wrong = kept + 1, wrong + (not right)
            fate = "harmless" if right else "kept"
        if erred.kind is not None:
            by_kind.setdefault(erred.kind, Counter())[fate] += 1
    return Written(len(requests), dict(sorted(by_kind.items())), dict(sorted(by_rule.items())), kept, wrong)


def _is_right(problem: str, answer: str | None) -> bool:
    reading = read(problem)
    return bool(answer and reading and reading.answer is not None and is_same(plain(reading.answer), answer))
