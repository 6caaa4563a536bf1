"""Fills the row store with a slice of a stage's rows, and writes no output: one task of a job array.

The stage is run as in `dvc.yaml`, with its present inputs and parameters; once all slices are filled, `dvc
repro` finds every row in the store. A row belongs to the same slice whatever else is asked for. The exception
is `decontaminate`: it is sliced by frames of rows, because it stores its results by frames.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

import polars as pl

from jz3.core.artifacts import In, InDir, InFiles
from jz3.core.budget import Budget
from jz3.core.errors import UserError
from jz3.core.execution import EXECUTION_FILE, Execution, load_execution
from jz3.core.graph_file import Stage, read_graph
from jz3.core.hashing import content_id
from jz3.core.params import PARAMS_FILE, Params, load_params
from jz3.curation.benchmark_hits import BenchmarkHits
from jz3.curation.decontaminate import questions_of
from jz3.curation.execute import ExecuteParams, execute
from jz3.curation.overlap import DecontaminateParams
from jz3.evaluation.answer import AnswerParams, answer
from jz3.evaluation.probe import ProbeParams, probe
from jz3.generation.engines import open_engine
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.rds import RdsParams, rds
from jz3.influence.share import draw
from jz3.influence.sketch import SketchParams, sketch
from jz3.synthesis.synthesize import Slice, Synthesis, SynthesizeParams, form_of
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.item import Item
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.target import Target
from jz3.tables.verdict import Verdict
from jz3.teacher.augment import augment
from jz3.teacher.distill import distill
from jz3.teacher.skills import SkillsParams, ask_for_skills, skill_requests
from jz3.teacher.solve import SolveParams, solve
from jz3.teacher.solvers import TeacherSolver
from jz3.teacher.taught import AugmentParams, asks_across, begins_at
from jz3.teacher.teacher import Teachers

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Params)


class FillError(UserError):
    """No such stage can be filled."""


class SliceError(FillError):
    """Wrong usage: there is no such slice."""

    exit_status = 2


def read_slice(text: str) -> Slice:
    """`3/8` is the third of eight slices."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise SliceError(f"--slice is {text!r}; n/m with n from 1 to m was expected, such as 3/8.")
    return Slice(int(found[1]), int(found[2]))


def fill_stage(root: Path, name: str, part: Slice) -> None:
    """Compute the rows of a slice of a stage that the store lacks."""
    graph = read_graph(root)
    known = sorted(stage.name for stage in graph.stages if stage.base in FILLED)
    if name not in known:
        raise FillError(
            f"'{name}' cannot be filled in slices; one of {', '.join(known)} was expected. Name one."
        )
    filling = Filling(root, graph.stage(name), part)
    _must_be_uncapped(filling)
    FILLED[filling.stage.base].fill(filling)


def _must_be_uncapped(filling: "Filling") -> None:
    """Refuse a capped stage: a cap takes seeds and passages in one order over all slices, so that no slice
    knows its part.
    """
    capped = load_params(Budget, "budget", filling.root / PARAMS_FILE).teacher_tokens
    name = filling.stage.name
    if capped is not None and _asks_teachers(filling):
        raise FillError(
            f"budget.teacher_tokens of {PARAMS_FILE} caps what teachers take for {name} over all "
            f"slices; null was expected. Set it so, or run `dvc repro {name}`, which has no slices."
        )


def _asks_teachers(filling: "Filling") -> bool:
    if filling.stage.base == "solve":
        return isinstance(filling.params(SolveParams).solver, TeacherSolver)
    return bool(FILLED[filling.stage.base].operations & TEACHER)


@dataclass(frozen=True)
class Filling:
    """A slice of a stage, with the stage's inputs."""

    root: Path
    stage: Stage
    part: Slice

    @cached_property
    def execution(self) -> Execution:
        """The execution settings, with the slice's equal part of the stage's budget."""
        execution = load_execution(self.root / EXECUTION_FILE)
        if execution.budget_usd is None:
            return execution
        return execution.model_copy(update={"budget_usd": execution.budget_usd / self.part.count})

    def path(self, flag: str) -> Path:
        return self.root / self.stage.path(flag)

    def params(self, kind: type[P]) -> P:
        return load_params(kind, self.stage.section, self.root / PARAMS_FILE)

    def of(self, table: pl.DataFrame, column: str) -> pl.DataFrame:
        """The rows in the slice, by the hash of their id."""
        return table.filter(self.part.holds(pl.Series(map(content_id, table[column]), dtype=pl.String)))


def _synthesize(filling: Filling) -> None:
    params, model = filling.params(SynthesizeParams), InDir(ModelManifest, filling.path("model"))
    prompts = In(Prompt, filling.path("prompts")).scan()
    with open_engine(params.engine, model, params.dtype, filling.execution) as engine:
        Synthesis(prompts, form_of(model), engine, params, filling.execution).fill(filling.part)


def _distill(filling: Filling) -> None:
    prompts = Prompt.cast(filling.of(In(Prompt, filling.path("prompts")).read(), "prompt_id"))
    distill(prompts, filling.params(Teachers), filling.execution)


def _augment(filling: Filling) -> None:
    params = filling.params(AugmentParams)
    across = asks_across(params)
    if across is not None:
        raise FillError(
            f"{filling.stage.name} asks across its {begins_at(params).flag} ({across}), so no slice knows "
            f"its part; a recipe that asks about each one separately was expected. Run `dvc repro "
            f"{filling.stage.name}`, which has no slices."
        )
    beginning = begins_at(params)
    seeds = beginning.read(filling.path(beginning.flag))
    some = beginning.cast(filling.of(seeds, beginning.key))
    augment(some, InFiles(filling.path("prompts")), params, filling.execution)


def _answer(filling: Filling) -> None:
    params, model = filling.params(AnswerParams), InDir(ModelManifest, filling.path("model"))
    items = filling.of(In(Item, filling.path("items")).read(), "item_id")
    with open_engine(params.engine, model, params.dtype, filling.execution) as engine:
        answer(items, InFiles(filling.path("shots")), engine, params, filling.execution)


def _skills(filling: Filling) -> None:
    """Fill `skills` with the answers about each reference; the stage merges those of all."""
    params = filling.params(SkillsParams)
    some = Problem.cast(filling.of(In(Problem, filling.path("references")).read(), "problem_id"))
    verdicts = In(Verdict, filling.path("decontaminated")).read()
    requests = skill_requests(some, verdicts, InFiles(filling.path("prompts")), params)
    ask_for_skills(requests, params, filling.execution)


def _solve(filling: Filling) -> None:
    """Fill `solve`; of draws that depend on all problems together, only `dvc repro` knows the number."""
    params, model = filling.params(SolveParams), InDir(ModelManifest, filling.path("model"))
    problems = Problem.cast(filling.of(In(Problem, filling.path("problems")).read(), "problem_id"))
    if params.quota is not None and params.quota.form == "prop2diff":
        log.info("%s: the first %d draws; the rest follow from all slices", params.name, params.draws)
        params = params.model_copy(update={"quota": None})
    solve(problems, InFiles(filling.path("prompts")), model, params, filling.execution)


def _probe(filling: Filling) -> None:
    params, model = filling.params(ProbeParams), InDir(ModelManifest, filling.path("model"))
    items = In(Item, filling.path("items")).read()
    some = filling.of(items, "item_id")
    elsewhere = set(items["benchmark"]) - set(some["benchmark"])
    here = [name for name in params.benchmarks if name not in elsewhere]
    with open_engine(params.engine, model, params.dtype, filling.execution) as engine:
        probe(some, engine, params.model_copy(update={"benchmarks": here}), filling.execution)


def _attribute(filling: Filling) -> None:
    problems = Problem.cast(filling.of(In(Problem, filling.path("problems")).read(), "problem_id"))
    targets = In(Target, filling.path("targets")).read()
    checkpoints = InDir(CheckpointsManifest, filling.path("checkpoints"))
    attribute(problems, targets, checkpoints, filling.params(AttributeParams), filling.execution)


def _sketch(filling: Filling) -> None:
    """Fill `sketch`: draw first, because the number drawn depends on the whole table."""
    params = filling.params(SketchParams)
    drawn = draw(In(Problem, filling.path("problems")).read(), params.share, params.seed)
    problems = Problem.cast(filling.of(drawn, "problem_id"))
    checkpoints = InDir(CheckpointsManifest, filling.path("checkpoints"))
    whole = params.model_copy(update={"share": 1.0})
    for _ in sketch(problems, checkpoints, whole, filling.execution).frames:
        pass


def _rds(filling: Filling) -> None:
    problems = Problem.cast(filling.of(In(Problem, filling.path("problems")).read(), "problem_id"))
    targets, model = In(Target, filling.path("targets")).read(), InDir(ModelManifest, filling.path("model"))
    rds(problems, targets, model, filling.params(RdsParams), filling.execution)


def _execute(filling: Filling) -> None:
    problems = filling.of(In(Problem, filling.path("problems")).read(), "problem_id")
    execute(problems.lazy(), filling.params(ExecuteParams), filling.execution)


def _decontaminate(filling: Filling) -> None:
    frames = questions_of(In(Problem, filling.path("problems")))
    own = islice(frames, filling.part.number - 1, None, filling.part.count)
    sought = BenchmarkHits(In(Item, filling.path("items")).read(), filling.params(DecontaminateParams))
    for _ in sought.of(own, filling.execution.threads):
        pass


@dataclass(frozen=True)
class Filled:
    """A stage whose rows are in the row store: its operations there, and the function that fills a slice."""

    operations: frozenset[str]
    fill: Callable[[Filling], None]


TEACHER = frozenset({"chat", "textless", "sent", "settled"})
"""The operations of a teacher: answers, thoughts without an answer, and money."""
FILLED: Mapping[str, Filled] = {
    "distill": Filled(TEACHER, _distill),
    "augment": Filled(TEACHER | {"execute"}, _augment),
    "skills": Filled(TEACHER, _skills),
    "synthesize": Filled(frozenset({"generate"}), _synthesize),
    "answer": Filled(frozenset({"generate", "execute"}), _answer),
    "solve": Filled(TEACHER | {"generate"}, _solve),
    "probe": Filled(frozenset({"generate"}), _probe),
    "attribute": Filled(frozenset({"attribute"}), _attribute),
    "sketch": Filled(frozenset({"sketch"}), _sketch),
    "rds": Filled(frozenset({"rds"}), _rds),
    "execute": Filled(frozenset({"execute"}), _execute),
    "decontaminate": Filled(frozenset({"decontaminate"}), _decontaminate),
}
