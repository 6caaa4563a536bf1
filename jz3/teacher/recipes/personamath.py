"""PersonaMath (Luo et al. 2024, arXiv 2410.01504): questions retold from many people's lives, and wrong
attempts corrected.

Every seed is solved once (`solve`). Stage 1 uses those solved right: each is retold K1 times, each time from
the life of another persona (`rewrite`), and each retelling is solved (`rewritten`). Stage 2 uses those solved
wrong: the teacher sees the wrong attempt, names the mistake and solves the question again (`reflect`). A seed
that is then right is retold K2 times (`rewrite_hard`), each retelling is solved (`rewritten_hard`), and one
that is solved wrong is reflected on (`reflect_hard`). Everything is compared with the seed's gold answer, the
only one there is. A row from a reflection keeps only the new solution (jz3/teacher/corrections.py).

The paper gives neither K1 nor K2, and no test of a retelling; jz3/teacher/retellings.py has ours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.core.params import Params
from jz3.teacher.asks import Ask, Judged, Round, Rounds, filled, read_prompt
from jz3.teacher.personas import Persona, drawn_personas, read_personas
from jz3.teacher.retellings import not_a_retelling
from jz3.text.problem_text import last_boxed

QUESTION, PERSONA, ATTEMPT = "{question}", "{persona}", "{attempt}"
WRONG = 0.16
"""Share of seeds solved wrong, for estimates: the sizes of the paper's sets fit 12,600 of 14,973 right."""
MENDED = 0.1
"""Share of wrong attempts that a reflection corrects, for estimates (reviews of the paper)."""


class PersonaMath(Params):
    """How many retellings and reflections to ask for."""

    name: Literal["personamath"]
    k1: int = Field(ge=0)
    """Retellings of each seed that is solved right, each by another persona."""
    k2: int = Field(ge=0)
    """Retellings of each seed that is solved right only after reflection."""
    reflections: int = Field(ge=0)
    """How often a wrong attempt, each time the latest, is shown to the teacher."""


@dataclass(frozen=True)
class _Prompts:
    solve: str
    retell: str
    reflect: str


@dataclass(frozen=True)
class _Recipe:
    seeds: Mapping[str, Mapping[str, Any]]
    texts: _Prompts
    personas: Sequence[Persona]
    params: PersonaMath
    seed: int

    def solve(self) -> Iterator[Ask]:
        for seed_id, seed in self.seeds.items():
            yield self._solution("solve", (seed_id,), (), "", seed["question"], "attempt")

    def rewrite(self, operator: str, seed_ids: Iterable[str], count: int) -> Iterator[Ask]:
        """The asks for retellings, by draw, then by seed: a larger count does not change the earlier ones."""
        drawn = {one: list(drawn_personas(self.personas, one, count, self.seed)) for one in seed_ids}
        for number in range(count):
            for seed_id, personas in drawn.items():
                persona, earlier = personas[number]
                question = self.seeds[seed_id]["question"]
                yield Ask(
                    recipe=self.params.name,
                    operator=operator,
                    seed_ids=(seed_id,),
                    parent_ids=(),
                    variant=persona.persona_id,
                    draw=earlier,
                    question=question,
                    prompt=filled(self.texts.retell, {PERSONA: persona.text, QUESTION: question}),
                    expected=None,
                    expected_from="none",
                    form="text",
                    followed_by=_after_rewriting(operator, self.params),
                )

    def solve_retelling(self, one: Ask, text: str) -> Ask:
        """The ask for a solution of a retelling."""
        hard = one.operator == "rewrite_hard"
        return self._solution(
            "rewritten_hard" if hard else "rewritten",
            one.seed_ids,
            (one.ask_id,),
            f"{one.variant}/{one.draw}",
            text,
            "attempt" if hard else "solution",
        )

    def reflect(self, one: Ask, attempt: str) -> Iterator[Ask]:
        """The ask for a correction of an attempt, unless there were enough."""
        again = one.form == "correction"
        draw = one.draw + 1 if again else 0
        if draw < self.params.reflections:
            operator = "reflect" if one.operator in ("solve", "reflect") else "reflect_hard"
            parents = (*one.parent_ids, one.ask_id)
            yield self._solution(
                operator, one.seed_ids, parents, one.variant, one.question, "correction", draw, attempt
            )

    def is_right(self, one: Ask, text: str) -> bool:
        value = last_boxed(text)
        return value is not None and equal(self.seeds[one.seed_ids[0]]["answer"], value.strip()).equal

    def _solution(
        self,
        operator: str,
        seed_ids: tuple[str, ...],
        parent_ids: tuple[str, ...],
        variant: str,
        question: str,
        form: Literal["solution", "attempt", "correction"],
        draw: int = 0,
        attempt: str = "",
    ) -> Ask:
        template = self.texts.reflect if form == "correction" else self.texts.solve
        return Ask(
            recipe=self.params.name,
            operator=operator,
            seed_ids=seed_ids,
            parent_ids=parent_ids,
            variant=variant,
            draw=draw,
            question=question,
            prompt=filled(template, {QUESTION: question, ATTEMPT: attempt}),
            expected=self.seeds[seed_ids[0]]["answer"],
            expected_from="gold",
            form=form,
            followed_by=_after_solving(operator, draw, self.params),
        )


def rounds(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: PersonaMath, seed: int) -> Rounds:
    """The asks for seeds that have a gold answer. `seed` draws the personas."""
    texts = _Prompts(
        solve=read_prompt(prompts, "solve.md", (QUESTION,)),
        retell=read_prompt(prompts, "retell.md", (PERSONA, QUESTION)),
        reflect=read_prompt(prompts, "reflect.md", (QUESTION, ATTEMPT)),
    )
    recipe = _Recipe({one["seed_id"]: one for one in seeds}, texts, read_personas(prompts), params, seed)
    asked, judged = list(recipe.solve()), list[Judged]()
    while asked:
        written = yield Round(asked, judged)
        asked, judged = _following(recipe, asked, written)
    yield Round([], judged)


def asks_of_a_seed(params: PersonaMath) -> dict[str, float]:
    """The number of asks, by operator: as if all seeds were solved right, plus the usual share solved
    wrong.
    """
    return {"solve": 1} | dict(_after_solving("solve", 0, params))


def rows_of_a_seed(params: PersonaMath) -> float:
    """Problems that these are to become."""
    asks = asks_of_a_seed(params)
    return 1 + asks["rewritten"] + asks["rewritten_hard"]


def _following(
    recipe: _Recipe, asked: Sequence[Ask], written: Mapping[str, str]
) -> tuple[list[Ask], list[Judged]]:
    """The next asks after a round is answered, and verdicts on its retellings."""
    right: dict[str, list[str]] = {"rewrite": [], "rewrite_hard": []}
    judged: list[Judged] = []
    asks: list[Ask] = []
    for one in asked:
        text = written.get(one.ask_id)
        if text is None:
            continue
        if one.form == "text":
            refusal = not_a_retelling(one.question, text)
            judged.append(Judged(one.ask_id, one.operator, refusal))
            asks += [recipe.solve_retelling(one, text)] if refusal is None else []
        elif not recipe.is_right(one, text):
            asks += recipe.reflect(one, text) if text else ()
        elif one.operator == "solve":
            right["rewrite"].append(one.seed_ids[0])
        elif one.operator == "reflect":
            right["rewrite_hard"].append(one.seed_ids[0])
    asks += recipe.rewrite("rewrite", right["rewrite"], recipe.params.k1)
    asks += recipe.rewrite("rewrite_hard", right["rewrite_hard"], recipe.params.k2)
    return asks, judged


def _after_solving(operator: str, draw: int, params: PersonaMath) -> tuple[tuple[str, float], ...]:
    """The asks that an attempt leads to; for those after wrong attempts only, the usual share."""
    left = params.reflections - draw - (operator.startswith("reflect"))
    reflected = [(1 - MENDED) ** number for number in range(left)]
    match operator:
        case "solve":
            mended = WRONG * (1 - (1 - MENDED) ** left)
            hard = _hard(mended, params)
            return (
                ("rewrite", params.k1),
                ("rewritten", params.k1),
                ("reflect", WRONG * sum(reflected)),
                *hard,
            )
        case "reflect":
            return (("reflect", (1 - MENDED) * sum(reflected)), *_hard(1, params))
        case "rewritten_hard" | "reflect_hard":
            return (("reflect_hard", sum(reflected)),)
        case _:
            return ()


def _after_rewriting(operator: str, params: PersonaMath) -> tuple[tuple[str, float], ...]:
    if operator == "rewrite":
        return (("rewritten", 1),)
    return (("rewritten_hard", 1), ("reflect_hard", params.reflections))


def _hard(mended: float, params: PersonaMath) -> tuple[tuple[str, float], ...]:
    """The asks for a share of corrected seeds, if each retelling is wrong as often as possible."""
    count = mended * params.k2
    return (("rewrite_hard", count), ("rewritten_hard", count), ("reflect_hard", count * params.reflections))
