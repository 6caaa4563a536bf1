"""The requests to a solver, and how many of them the row store has.

Counted if the problems exist. For more than LOOKED_UP draws only the first problems are looked up; their ids
are hashes, so these are as good as a random draw. A model that does not exist yet has answered nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from jz3.core.artifacts import In, InDir, InFiles
from jz3.core.counts import row_count
from jz3.core.execution import Execution
from jz3.core.graph_file import Stage
from jz3.generation.chat import CHAT, chat_key
from jz3.generation.completion_rows import GENERATE, generation_key
from jz3.generation.engines import open_engine
from jz3.graph.sizes import Amount, Sizes
from jz3.graph.stored_rows import LOOKED_UP
from jz3.store.row_store import RowStore
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.teacher.answerable import unasked_rule
from jz3.teacher.solve import SolveParams, draws_of
from jz3.teacher.solvers import Draw, ModelSolver, chat_request, generation_request


@dataclass(frozen=True)
class SolverDraws:
    """The draws of a solver."""

    rows: Amount
    stored: Amount
    characters: float
    """Mean length of a prompt in characters."""


def solver_draws(
    root: Path, stage: Stage, params: SolveParams, sizes: Sizes, store: RowStore, execution: Execution
) -> SolverDraws:
    """Count all draws of a stage `solve`."""
    path = stage.path("problems")
    problems, table = sizes.problems(path), sizes.right(path)
    if table is None:
        rows = Amount(problems.value * params.draws, exact=problems.exact and params.only is None)
        planning = execution.planning
        return SolverDraws(
            rows, Amount(0, exact=False), planning.problem_tokens * planning.characters_per_token
        )
    asked = In(Problem, table).scan()
    if params.only is not None:
        asked = asked.filter(unasked_rule(params.only).is_null())
        problems = Amount(row_count(asked), problems.exact)
    rows = Amount(problems.value * params.draws, problems.exact)
    looked_at = min(problems.value, max(1, LOOKED_UP // params.draws))
    some = Problem.validate(asked.head(looked_at).collect())
    draws = draws_of(some, InFiles(root / stage.path("prompts")), params)
    model = sizes.right(stage.path("model"))
    found = _found(draws, model, params, store, execution)
    stored = Amount(round(found * problems.value / max(looked_at, 1)), exact=looked_at == problems.value)
    return SolverDraws(rows, stored, sum(len(draw.prompt) for draw in draws) / max(len(draws), 1))


def _found(
    draws: list[Draw], model: Path | None, params: SolveParams, store: RowStore, execution: Execution
) -> int:
    solver = params.solver
    if not isinstance(solver, ModelSolver):
        return len(store.known(CHAT, [chat_key(chat_request(draw, solver)) for draw in draws]))
    if model is None:
        return 0
    with open_engine(solver.engine, InDir(ModelManifest, model), solver.dtype, execution) as engine:
        keys = [generation_key(engine, generation_request(draw, solver), solver.sampling) for draw in draws]
    return len(store.known(GENERATE, keys))
