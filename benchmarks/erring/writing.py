"""Answers of the erring writer to what stages other than `augment` ask.

About problems for JiuZhang and skills for MASS nothing is known beforehand, so only their form is checked.
What `distill` lets pass is left to the stages behind it; an answer that is cut short and claims to be whole
names fewer skills, and nothing shows it. Solutions for DART-Math are compared with gold.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from benchmarks.erring.accounts import KEPT_APART
from benchmarks.erring.runs import ROOT, execution, prompts_of, teacher_of
from benchmarks.erring.speed import Request
from jz3.core.artifacts import InDir, InFiles
from jz3.generation.chat import ChatAnswer
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.verdict import Verdict
from jz3.teacher.quotas import QuotaParams, quotas, verdicts
from jz3.teacher.skill_names import read_skills
from jz3.teacher.skills import SkillsParams, skill_requests
from jz3.teacher.solve import SolveParams, draws_of, solve
from jz3.teacher.solvers import TeacherSolver, chat_request
from jz3.text.problem_text import Unusable, last_boxed, read_completion
from jz3.writer.catalogue import read
from jz3.writer.family import plain
from jz3.writer.server import ERRING_MODEL, planted, read_prompt
from jz3.writer.tasks.judge import is_same
from jz3.writer.tasks.skills import NOT_KNOWN

SIZED = {"most_skills": 10, "most_words": 6, "similarity": 0.9, "edge_count": 2}
"""Sizes of MASS, as in the profile `compare`; the last two are not read here."""
DRAWS = 4
"""Solutions of each problem (chosen); all that are right are kept."""


@dataclass(frozen=True)
class Formed:
    """An answer that was read by its form."""

    kind: str | None
    """The kind of its error."""
    rule: str | None
    """The rule that rejected it."""
    right: bool
    known: bool = True
    """Whether the writer knows the text that it was asked about."""


@dataclass(frozen=True)
class Written:
    """What became of answers."""

    asked: int
    by_kind: dict[str, Counter[str]]
    """Planted errors by kind: rejected at once, kept with a wrong answer or none, or harmless."""
    by_rule: dict[str, Counter[str]]
    """Rejected answers by rule: with an error, without one, or about a text that the writer does not know."""
    kept: int
    wrong: int
    """Of these, those that are wrong."""

    @property
    def harmful(self) -> int:
        """Answers with an error that does harm."""
        return sum(fates["at once"] + fates["kept"] for fates in self.by_kind.values())

    @property
    def recall(self) -> float | None:
        """Of these, those that were rejected."""
        at_once = sum(fates["at once"] for fates in self.by_kind.values())
        return at_once / self.harmful if self.harmful else None

    @property
    def precision(self) -> float | None:
        """Of rejected answers that the writer could give, those with an error."""
        planted_, none = (sum(rule[what] for rule in self.by_rule.values()) for what in ("planted", "none"))
        return planted_ / (planted_ + none) if planted_ + none else None


def problems(requests: Sequence[Request]) -> Written:
    """Requested problems. Those whose answer is not that of their question are wrong."""
    return _counted(map(_problem, requests))


def skills(seeds: dy.DataFrame[SeedProblem]) -> Written:
    """The skills of these problems. Those that the right answer does not name are wrong."""
    encoder = {"kind": "spelling", "dimensions": 4_096, "most_words": 512}
    teachers = {"teachers": {"writer": teacher_of(ERRING_MODEL)}, "seed": 31}
    params = SkillsParams.model_validate(teachers | SIZED | {"encoder": encoder})
    asked = skill_requests(_as_problems(seeds), Verdict.create_empty(), prompts_of("mass"), params)
    return _counted(_skills(Request(one.prompt, one.seed)) for one in asked.values())


def solutions(seeds: dy.DataFrame[SeedProblem]) -> Written:
    """Of solutions that a solver draws of these problems, as `balance` judges them. Wrong are those with
    another answer than gold; right ones that repeat an earlier one are left out.
    """
    solver = {"kind": "teacher", "teacher": teacher_of(ERRING_MODEL), "seed": 31}
    params = SolveParams.model_validate(
        {
            "name": "dart",
            "only": None,
            "draws": DRAWS,
            "quota": None,
            "prompt": "task.md",
            "symbolic_seconds": 3.0,
            "solver": solver,
        }
    )
    assert isinstance(params.solver, TeacherSolver)
    asked, prompts = _as_problems(seeds), InFiles(ROOT / "data/solvers")
    unread = InDir(ModelManifest, ROOT / "data/raw/none")  # a teacher answers
    done = solve(asked, prompts, unread, params, execution())
    judged = verdicts(done.attempts, quotas(done.rates, QuotaParams(form="uniform", rows=DRAWS)))
    rule_of = {(row["problem_id"], row["draw"]): row["rule"] for row in judged.iter_rows(named=True)}
    gold = {row["seed_id"]: row["answer"] for row in seeds.iter_rows(named=True)}
    formed: list[Formed] = []
    for draw in draws_of(asked, prompts, params):
        rule = rule_of[draw.problem_id, draw.number]
        if rule not in KEPT_APART:
            _, erred = planted(draw.prompt, chat_request(draw, params.solver).seed)
            boxed = last_boxed(erred.text)
            right = boxed is not None and is_same(gold[draw.problem_id], boxed)
            formed.append(Formed(erred.kind, rule, right))
    return _counted(formed)


def _as_problems(seeds: dy.DataFrame[SeedProblem]) -> dy.DataFrame[Problem]:
    rows = seeds.select(
        "kind", "solution", problem_id="seed_id", source=pl.lit("seed"), problem="question", answer="answer"
    )
    return Problem.validate(pl.DataFrame(rows.to_dicts(), schema=Problem.create_empty().schema))


def _problem(one: Request) -> Formed:
    _, erred = planted(one.prompt, one.seed)
    found = read_completion(erred.text, erred.finish_reason, read_prompt(one.prompt).kind, one.prompt)
    if isinstance(found, Unusable):
        return Formed(erred.kind, found.rule, right=False)
    return Formed(erred.kind, None, _is_right(found.problem, found.answer))


def _is_right(problem: str, answer: str | None) -> bool:
    reading = read(problem)
    return bool(answer and reading and reading.answer is not None and is_same(plain(reading.answer), answer))


def _skills(one: Request) -> Formed:
    right, erred = planted(one.prompt, one.seed)
    named = _named(erred.text, erred.finish_reason)
    if isinstance(named, Unusable):
        return Formed(erred.kind, named.rule, right=False, known=right != NOT_KNOWN)
    return Formed(erred.kind, None, named == _named(right, "stop"))


def _named(text: str, finish_reason: str) -> list[str] | Unusable:
    reply = ChatAnswer(text, finish_reason, 0, 0, 0, by_batch=False)
    return read_skills(reply, int(SIZED["most_skills"]), int(SIZED["most_words"]))


def _counted(answers: Iterable[Formed]) -> Written:
    by_kind: dict[str, Counter[str]] = {}
    by_rule: dict[str, Counter[str]] = {}
    asked = kept = wrong = 0
    for one in answers:
        asked += 1
        if one.rule is None:
            kept, wrong = kept + 1, wrong + (not one.right)
        else:
            reason = "planted" if one.kind else "none" if one.known else "not known"
            by_rule.setdefault(one.rule, Counter())[reason] += 1
        if one.kind is not None:
            fate = "at once" if one.rule else "harmless" if one.right else "kept"
            by_kind.setdefault(one.kind, Counter())[fate] += 1
    return Written(asked, dict(sorted(by_kind.items())), dict(sorted(by_rule.items())), kept, wrong)
