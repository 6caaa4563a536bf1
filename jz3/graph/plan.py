"""`jz3 plan`: say before a run what would run, how much of it the row store has, and what the rest costs.

Makes no calls and needs no key. Counts come from files if these are current, otherwise from parameters.
Tokens of prompts are counted with the tokenizer of the model that reads them, if both are here; otherwise
they are estimated from characters, at the ratio of the answers so far or of the profile. Everything that was
not counted is marked as an estimate. The cost is reading DVC's state (two seconds on the whole graph),
looking up at most 50,000 prompts of a stage, and encoding 1,000.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jz3.core.artifacts import InDir, InFiles
from jz3.core.errors import UserError
from jz3.core.execution import EXECUTION_FILE, load_execution
from jz3.core.graph_file import Graph, Stage, read_graph
from jz3.core.hashing import draw_order
from jz3.core.params import PARAMS_FILE, load_params, read_sections
from jz3.generation.chat import CHAT, chat_key
from jz3.generation.completion_rows import GENERATE, generation_key
from jz3.generation.engine import GenerationRequest
from jz3.generation.engines import open_engine
from jz3.graph.asked_items import AskedItems, answered_items, probed_items
from jz3.graph.disk import disk_of
from jz3.graph.plan_fit import fit
from jz3.graph.plan_lines import Line, Plan, cap, must_fit, why
from jz3.graph.profile import graph_under, profile_difference, profile_names, source_of
from jz3.graph.recipe_asks import by_operator, recipe_asks
from jz3.graph.repository import base_name
from jz3.graph.setting import Setting
from jz3.graph.sizes import Amount, PromptSet, Sizes
from jz3.graph.skill_asks import skill_asks
from jz3.graph.solver_draws import solver_draws
from jz3.graph.stale import Reason, Stale, stale_stages
from jz3.graph.stored_rows import Experience, Stored, experience, stored
from jz3.graph.token_counts import count_tokens, local_tokenizer
from jz3.raw.fetched import ENDING, read_manifest
from jz3.store.row_store import RowStore, open_store
from jz3.synthesis.synthesize import SynthesizeParams, form_of
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.words import PromptForm
from jz3.teacher.declaration import Teacher
from jz3.teacher.distill import chat_request
from jz3.teacher.skills import SkillsParams
from jz3.teacher.solve import SolveParams
from jz3.teacher.solvers import ModelSolver
from jz3.teacher.taught import AugmentParams, asks_across, begins_at
from jz3.teacher.teacher import Teachers


class PlanError(UserError):
    """The profile does not exist."""


def plan(root: Path, profile: str | None) -> Plan:
    """The plan for params.yaml, or for a profile as if it were in use and nothing were built."""
    if profile is None or (profile in profile_names(root) and profile_difference(root, profile) == ""):
        return plan_of(root, root / PARAMS_FILE, stale_stages(root))
    file, execution = (root / source_of(name, profile) for name in ("params.yaml", "execution.yaml"))
    if not file.is_file():
        raise PlanError(f"{file} does not exist; a set of parameters was expected. `jz3 profile` lists them.")
    graph = graph_under(root, profile)
    reasons = [Reason("param", f"profile {profile}", None, None)]
    stale = [Stale(stage.name, reasons) for stage in graph.ordered()]
    return _Planner(root, graph, file, execution, stale).plan()


def plan_of(root: Path, parameters: Path, stale: Sequence[Stale]) -> Plan:
    """The plan for stages that are known to run."""
    return _Planner(root, read_graph(root), parameters, root / EXECUTION_FILE, stale).plan()


class _Planner:
    """One plan in the making."""

    def __init__(self, root: Path, graph: Graph, file: Path, execution: Path, stale: Sequence[Stale]) -> None:
        self._root, self._graph = root, graph
        self._stale = stale
        self._sections = read_sections(file)
        self._execution = load_execution(execution)
        self._distill = load_params(Teachers, "distill", file)
        self._synthesize = load_params(SynthesizeParams, "synthesize", file)
        self._sizes = Sizes(root, graph, self._sections, self._execution, self._changing())
        self._setting = Setting(root, graph, self._sections, self._execution)
        self._store: RowStore = open_store()
        self._seen: dict[tuple[str, str], Experience | None] = {}

    def plan(self) -> Plan:
        planners: dict[str, Callable[[Line], None]] = {
            "distill": self._plan_distill,
            "augment": self._plan_augment,
            "skills": self._plan_skills,
            "finetune": self._plan_finetune,
            "synthesize": self._plan_synthesize,
            "warmup": self._plan_warmup,
            "attribute": self._plan_attribute,
            "sketch": self._plan_sketch,
            "rds": self._plan_rds,
            "pretrain": self._plan_pretrain,
            "answer": self._plan_answer,
            "solve": self._plan_solve,
            "probe": self._plan_probe,
        }
        lines: list[Line] = []
        for found in self._stale:
            line = Line(found.stage, why(found.reasons))
            planner = planners.get(base_name(found.stage))
            if planner is not None and not found.only_missing:
                planner(line)
                fit(line, self._setting, self._sizes)
            lines.append(line)
        return Plan(self._execution.device, lines, disk_of(self._setting))

    def _changing(self) -> set[str]:
        """Paths that will be rewritten."""
        names = {found.stage for found in self._stale if not found.only_missing}
        return {path for stage in self._graph.stages if stage.name in names for path in stage.leaves}

    def _plan_distill(self, line: Line) -> None:
        path = self._graph.path(line.stage, "prompts")
        prompts, table = self._sizes.prompts(path), self._sizes.right(path)
        if table is not None:
            have = stored(
                self._store, CHAT, table, lambda row: chat_key(chat_request(row, self._distill))
            ).rows
        else:
            first = self._sizes.first_round(path)
            have = Amount(0 if first is None else self._sizes.prompts(first).rows.value, exact=False)
            if have.value:
                line.notes.append("the answers for the prompts that it adds to are in the store by then")
        to_do = self._rows(line, prompts, have)
        self._ask(
            line,
            self._distill,
            to_do,
            lambda teacher, ratio: self._prompt_tokens(
                line, path, "full", local_tokenizer(teacher.model, None), ratio
            ),
        )
        cap(line, self._sections["budget"]["teacher_tokens"])

    def _plan_augment(self, line: Line) -> None:
        """Plan `augment`: requests and prompts are counted if the seeds or passages exist."""
        stage = self._graph.stage(line.stage)
        params = AugmentParams.model_validate(self._setting.section(stage))
        beginning = begins_at(params)
        table = self._sizes.right(stage.path(beginning.flag))
        if table is None:
            by_seed = self._sizes.asks(stage)
            rows, have = Amount(round(sum(by_seed.values())), exact=False), Amount(0, exact=False)
            line.notes.append(f"by operator: {by_operator(by_seed, None)}")
            planning = self._execution.planning
            characters = planning.problem_tokens * planning.characters_per_token
        else:
            prompts = InFiles(self._root / stage.path("prompts"))
            counted = recipe_asks(beginning.read(table), prompts, params, self._store)
            rows = Amount(counted.rows, exact=not counted.ahead)
            have, characters = Amount(counted.stored, exact=True), counted.mean_characters
            line.notes.append(f"by operator: {counted}")
        to_do = self._rows(line, PromptSet(rows, {}), have)
        self._ask(line, params, to_do, lambda _, ratio: characters / ratio)
        limit = cap if asks_across(params) is None else must_fit
        limit(line, self._sections["budget"]["teacher_tokens"])

    def _plan_skills(self, line: Line) -> None:
        stage = self._graph.stage(line.stage)
        params = SkillsParams.model_validate(self._setting.section(stage))
        asked = skill_asks(self._root, stage, params, self._sizes, self._store, self._execution.planning)
        to_do = self._rows(line, PromptSet(asked.rows, {}), asked.stored)
        self._ask(line, params, to_do, lambda _, ratio: asked.characters / ratio)
        cap(line, self._sections["budget"]["teacher_tokens"])

    def _ask(
        self, line: Line, asked: Teachers, rows: float, prompt_tokens: Callable[[Teacher, float], float]
    ) -> None:
        """The tokens that teachers read and write for their parts of the rows, and the cost. `prompt_tokens`
        gives the mean of a prompt, by teacher and characters per token.
        """
        line.prompt_tokens, line.completion_tokens, line.usd = 0, 0, 0.0
        shares = sum(teacher.share for teacher in asked.teachers.values())
        for teacher in asked.teachers.values():
            part = rows * teacher.share / shares
            ratio, answer_tokens = self._teacher_ratios(line, teacher)
            read, written = round(part * prompt_tokens(teacher, ratio)), round(part * answer_tokens)
            line.prompt_tokens += read
            line.completion_tokens += written
            self._price(line, teacher.model, read, written)
        line.estimated = line.estimated or rows > 0

    def _prompt_tokens(
        self, line: Line, path: str, form: str, tokenizer: Path | None, characters_per_token: float
    ) -> float:
        """Mean tokens of a prompt of a set: counted if the table and the tokenizer are here, otherwise
        estimated.
        """
        table = self._sizes.right(path)
        if table is None or tokenizer is None:
            return self._sizes.prompts(path).characters[form] / characters_per_token
        counted = count_tokens(tokenizer, table, form)
        line.notes.append(
            f"{counted.mean:.1f} tokens a prompt, counted in {counted.prompts:,} of them with the model's "
            f"tokenizer"
        )
        return counted.mean

    def _student_tokenizer(self, finetune: Stage) -> Path | None:
        """The tokenizer of a synthesis model, which is that of its base."""
        path = finetune.path("base")
        writer = self._writer(path)
        base = self._setting.section(writer)[writer.flag_of(path)]
        if base["kind"] == "fetched":
            return self._fetched_tokenizer(self._root / writer.path("models") / f"{base['source']}{ENDING}")
        return local_tokenizer(str(self._root / path), None) if self._sizes.is_right(path) else None

    def _fetched_tokenizer(self, manifest: Path) -> Path | None:
        if not manifest.is_file():
            return None
        fetched = read_manifest(manifest)
        return local_tokenizer(fetched.repo, fetched.revision)

    def _experience_of(self, teacher: Teacher) -> Experience | None:
        asked = (teacher.provider, teacher.model)
        if asked not in self._seen:
            self._seen[asked] = experience(self._store, *asked)
        return self._seen[asked]

    def _teacher_ratios(self, line: Line, teacher: Teacher) -> tuple[float, float]:
        """Characters per token of a prompt, and tokens of an answer."""
        seen, planning = self._experience_of(teacher), self._execution.planning
        if seen is None:
            line.notes.append(
                f"no answer of {teacher.model} yet: {planning.problem_tokens} tokens an answer and "
                f"{planning.characters_per_token:g} characters a token are assumed"
            )
            return planning.characters_per_token, planning.problem_tokens
        known = "" if seen.error is None else f"; the last such estimate was {100 * seen.error:+.1f} % off"
        line.notes.append(
            f"{seen.completion_tokens:.0f} tokens an answer, by {seen.answers} answers so far{known}"
        )
        return seen.characters_per_token, seen.completion_tokens

    def _price(self, line: Line, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        price = self._execution.prices.get(model)
        if price is None:
            line.notes.append(f"{model} has no price and counts as free")
            return
        usd = (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
        batch = usd * (1 - price.batch_discount)
        line.usd = (line.usd or 0.0) + (batch if self._execution.teacher == "batch" else usd)
        other = (
            f"{usd:,.2f} by calls" if self._execution.teacher == "batch" else f"{batch:,.2f} by batch files"
        )
        line.notes.append(f"prices of {price.as_of}; {other}")

    def _plan_synthesize(self, line: Line) -> None:
        stage = self._graph.stage(line.stage)
        path, model = stage.path("prompts"), stage.path("model")
        prompts, table, trained_by = self._sizes.prompts(path), self._sizes.right(path), self._writer(model)
        held = self._sizes.is_right(model)
        held_model = InDir(ModelManifest, self._root / model)
        form = form_of(held_model) if held else self._setting.section(trained_by)["prompt_form"]
        if table is not None and held:
            have = self._completions(table, held_model, form)
        else:
            have = Stored(Amount(0, exact=False), 0, 0.0)
            line.notes.append(
                "its prompts will be rewritten; how many of them the store has is not known yet"
                if held
                else "its model is not there yet, so the store has no rows by it"
            )
        to_do = self._rows(line, prompts, have.rows)
        planning = self._execution.planning
        tokens = self._prompt_tokens(
            line, path, form, self._student_tokenizer(trained_by), planning.characters_per_token
        )
        line.prompt_tokens = round(to_do * tokens)
        line.completion_tokens = round(to_do * self._written_tokens(line, have))
        line.device_hours = line.completion_tokens / planning.generated_tokens_per_second / 3600
        line.estimated = line.estimated or to_do > 0

    def _written_tokens(self, line: Line, have: Stored) -> float:
        """Expected tokens of a completion: the mean of those so far, if there are any."""
        if not have.looked_at:
            return self._execution.planning.problem_tokens
        line.notes.append(
            f"{have.completion_tokens:.0f} tokens a completion, by {have.looked_at:,} of this model so far"
        )
        return have.completion_tokens

    def _completions(self, table: Path, model: InDir[ModelManifest], form: PromptForm) -> Stored:
        """The completions in the store. The engine gives its identity without loading weights."""
        params = self._synthesize

        def key(row: Mapping[str, Any]) -> str:
            request = GenerationRequest(row[form], draw_order(params.seed, row["prompt_id"]))
            return generation_key(engine, request, params.cot if row["kind"] == "cot" else params.tool)

        with open_engine(params.engine, model, params.dtype, self._execution) as engine:
            return stored(self._store, GENERATE, table, key)

    def _plan_finetune(self, line: Line) -> None:
        stage = self._graph.stage(line.stage)
        params, path = self._setting.section(stage), stage.path("prompts")
        problems = self._sizes.table(stage.path("problems"), self._sizes.prompts(path).rows.value)
        planning = self._execution.planning
        prompt_tokens = self._prompt_tokens(
            line, path, params["prompt_form"], self._student_tokenizer(stage), planning.characters_per_token
        )
        self._train(line, problems, (prompt_tokens + planning.problem_tokens) * params["epochs"])

    def _plan_warmup(self, line: Line) -> None:
        stage = self._graph.stage(line.stage)
        params, problems = self._setting.section(stage), self._sizes.problems(stage.path("problems"))
        share = Amount(round(problems.value * params["share"]), problems.exact)
        whole = (params["pretrain"] or {"epochs": 0})["epochs"] / params["share"]
        self._train(line, share, self._execution.planning.problem_tokens * (params["epochs"] + whole))

    def _plan_attribute(self, line: Line) -> None:
        """Plan `attribute`: for each candidate and checkpoint a forward and a backward pass."""
        stage = self._graph.stage(line.stage)
        tokens = self._execution.planning.problem_tokens * self._checkpoints(stage)
        self._train(line, self._sizes.problems(stage.path("problems")), tokens)

    def _plan_sketch(self, line: Line) -> None:
        """Plan `sketch`: the passes of `attribute`, over a share of the candidates."""
        stage = self._graph.stage(line.stage)
        candidates = self._sizes.problems(stage.path("problems"))
        drawn = Amount(round(candidates.value * self._setting.section(stage)["share"]), candidates.exact)
        self._train(line, drawn, self._execution.planning.problem_tokens * self._checkpoints(stage))

    def _plan_rds(self, line: Line) -> None:
        problems = self._sizes.problems(self._graph.stage(line.stage).path("problems"))
        self._train(line, problems, self._execution.planning.problem_tokens / 3)  # only forward

    def _plan_pretrain(self, line: Line) -> None:
        stage, planning = self._graph.stage(line.stage), self._execution.planning
        training = self._writer(stage.path("blocks")).path("training")
        mix = self._writer(training)
        budget = self._setting.sections["budget"]["training_tokens"]
        synthetic = self._setting.section(mix)["synthetic"]["rows"]
        problems = self._sizes.problems(mix.path("problems")).value if synthetic is None else synthetic
        rows = self._sizes.table(training, problems + planning.instruction_rows)
        self._train(line, rows, planning.problem_tokens if budget is None else budget / max(rows.value, 1))

    def _plan_answer(self, line: Line) -> None:
        self._complete(line, answered_items(self._sections, self._execution.planning.problem_tokens))

    def _plan_probe(self, line: Line) -> None:
        self._complete(line, probed_items(self._sections))

    def _complete(self, line: Line, asked: AskedItems) -> None:
        line.rows = line.to_do = asked.rows
        line.notes += [asked.again] if asked.again else []
        line.completion_tokens = asked.completion_tokens
        rate = self._execution.planning.generated_tokens_per_second
        line.device_hours = asked.completion_tokens / rate / 3600
        line.estimated = True

    def _plan_solve(self, line: Line) -> None:
        """Plan `solve`: a model's answer is as long as a problem with its solution, as for `answer`."""
        stage = self._graph.stage(line.stage)
        params, planning = SolveParams.model_validate(self._setting.section(stage)), self._execution.planning
        asked = solver_draws(self._root, stage, params, self._sizes, self._store, self._execution)
        to_do = self._rows(line, PromptSet(asked.rows, {}), asked.stored)
        if params.quota is not None:
            line.notes.append(
                f"the first {params.draws} draws of a problem; its quota asks for up to "
                f"{params.quota.most_draws} draws of a problem"
            )
        if not isinstance(params.solver, ModelSolver):
            self._ask(line, params.solver.teachers, to_do, lambda _, ratio: asked.characters / ratio)
            cap(line, self._sections["budget"]["teacher_tokens"])
            return
        line.prompt_tokens = round(to_do * asked.characters / planning.characters_per_token)
        line.completion_tokens = to_do * planning.problem_tokens
        line.device_hours = line.completion_tokens / planning.generated_tokens_per_second / 3600
        line.estimated = line.estimated or to_do > 0

    def _checkpoints(self, stage: Stage) -> int:
        return int(self._setting.section(self._writer(stage.path("checkpoints")))["epochs"])  # one per epoch

    def _writer(self, path: str) -> Stage:
        writer = self._graph.writer(path)
        assert writer is not None, f"no stage leaves {path}"
        return writer

    def _train(self, line: Line, rows: Amount, tokens_per_row: float) -> None:
        line.rows = line.to_do = rows.value
        line.rows_estimated = not rows.exact
        line.prompt_tokens = round(rows.value * tokens_per_row)
        line.device_hours = line.prompt_tokens / self._execution.planning.trained_tokens_per_second / 3600
        line.estimated = True

    def _rows(self, line: Line, prompts: PromptSet, have: Amount) -> int:
        line.rows, line.stored = prompts.rows.value, have.value
        line.to_do = max(0, prompts.rows.value - have.value)
        line.rows_estimated, line.stored_estimated = not prompts.rows.exact, not have.exact
        line.estimated = line.rows_estimated or line.stored_estimated
        return line.to_do
