"""How many requests a recipe makes for its seeds or passages, by operator, and how many are in the store.

Rounds are counted as they would be asked: stored answers are read, and their follow-up requests counted.
Requests without an answer are assumed to lead to as many others as if every answer were kept. This estimate
is never too low, with two exceptions: requests that follow only wrong answers are counted at the share that
the recipe assumes, and those that depend on many passages together at the mean that it assumes per passage.
The cost is computing the keys of all asks.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from jz3.core.artifacts import InFiles
from jz3.generation.chat import CHAT, ChatAnswer, chat_key, stored_answer
from jz3.sandbox.program_rows import stored_results
from jz3.store.row_store import RowStore
from jz3.teacher.asks import Ask, Program
from jz3.teacher.augment import request_of
from jz3.teacher.beginnings import Seeds
from jz3.teacher.read_answers import read_answer, text_of
from jz3.teacher.solutions import Solution
from jz3.teacher.taught import AugmentParams, next_round, rounds_of
from jz3.teacher.tool_solutions import Begun, stored_output
from jz3.text.problem_text import Unusable


@dataclass
class RecipeAsks:
    """The number of requests by operator."""

    known: Counter[str] = field(default_factory=Counter[str])
    """Requests that are known exactly."""
    ahead: Counter[str] = field(default_factory=Counter[str])
    """The most requests that answers to come will lead to."""
    stored: int = 0
    characters: int = 0
    """Characters of the prompts of known requests."""

    @property
    def rows(self) -> int:
        return self.known.total() + self.ahead.total()

    @property
    def mean_characters(self) -> float:
        """Mean characters of a prompt."""
        return self.characters / max(self.known.total(), 1)

    def __str__(self) -> str:
        """Such as `answer 28, fobar 60, ~rephrase 28`, where the mark means that a part is estimated."""
        return by_operator({name: self.known[name] + self.ahead[name] for name in self._names()}, self.ahead)

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self.known, *self.ahead]))


def by_operator(counts: dict[str, float], estimated: Counter[str] | None) -> str:
    """Counts for a note; `estimated` names those that are estimates, and None means all."""
    return ", ".join(
        f"{'~' if estimated is None or estimated[name] else ''}{name} {round(count):,}"
        for name, count in counts.items()
        if count
    )


def recipe_asks(seeds: Seeds, prompts: InFiles, params: AugmentParams, store: RowStore) -> RecipeAsks:
    """Count the asks of a recipe over these seeds or passages."""
    counted = RecipeAsks()
    ahead: defaultdict[str, float] = defaultdict(float)
    rounds = rounds_of(seeds, prompts, params)
    round_ = next(rounds, None)
    while round_ is not None:
        keys = [chat_key(request_of(one, params)) for one in round_.asks]
        answers = store.known(CHAT, keys)
        texts: dict[str, str] = {}
        for one, key in zip(round_.asks, keys, strict=True):
            counted.known[one.operator] += 1
            counted.characters += len(one.prompt)
            counted.stored += key in answers
            if not one.followed_by:
                continue
            text = _came_of(one, stored_answer(answers[key]), store) if key in answers else None
            if isinstance(text, str):
                texts[one.ask_id] = text
            elif text is None:
                for operator, count in one.followed_by:
                    ahead[operator] += count
        texts |= _printed(round_.programs, store)
        round_ = next_round(rounds, texts)
    counted.ahead = Counter({name: math.ceil(count) for name, count in ahead.items() if count})
    return counted


def _printed(programs: Sequence[Program], store: RowStore) -> dict[str, str]:
    """The outputs of a recipe's programs that have run."""
    if not programs:
        return {}
    found = stored_results([one.source for one in programs], programs[0].limits, store)
    pairs = zip(programs, found, strict=True)
    return {
        one.row_id: result.stdout for one, result in pairs if result is not None and result.status == "ok"
    }


def _came_of(one: Ask, reply: ChatAnswer, store: RowStore) -> str | Solution | Unusable | None:
    """A text for the recipe to continue from, or the end of the branch; None if a program has not run yet."""
    read = text_of(one, reply) if one.tool is None else read_answer(one, reply)
    return stored_output(read, store) if isinstance(read, Begun) else read
