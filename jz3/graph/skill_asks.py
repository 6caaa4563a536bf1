"""The requests to a teacher for a graph of skills, and how many of them the row store has.

Counted if the reference problems and their verdicts exist; otherwise estimated from the expected number of
references. The cost is computing the keys of all requests.
"""

from dataclasses import dataclass
from pathlib import Path

from jz3.core.artifacts import In, InFiles
from jz3.core.execution import Planning
from jz3.core.graph_file import Stage
from jz3.generation.chat import CHAT, chat_key
from jz3.graph.sizes import Amount, Sizes
from jz3.store.row_store import RowStore
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict
from jz3.teacher.skills import SkillsParams, skill_requests


@dataclass(frozen=True)
class SkillAsks:
    """Requests, one for each reference problem."""

    rows: Amount
    stored: Amount
    characters: float
    """Mean length of a prompt in characters."""


def skill_asks(
    root: Path, stage: Stage, params: SkillsParams, sizes: Sizes, store: RowStore, planning: Planning
) -> SkillAsks:
    """Count all requests of a stage `skills`."""
    path = stage.path("references")
    table, verdicts = sizes.right(path), sizes.right(stage.path("decontaminated"))
    if table is None or verdicts is None:
        rows = Amount(sizes.problems(path).value, exact=False)
        return SkillAsks(
            rows, Amount(0, exact=False), planning.problem_tokens * planning.characters_per_token
        )
    prompts = InFiles(root / stage.path("prompts"))
    requests = skill_requests(In(Problem, table).read(), In(Verdict, verdicts).read(), prompts, params)
    stored = store.known(CHAT, [chat_key(request) for request in requests.values()])
    characters = sum(len(request.prompt) for request in requests.values()) / max(len(requests), 1)
    return SkillAsks(Amount(len(requests), exact=True), Amount(len(stored), exact=True), characters)
