"""Runs a recipe on seeds of every family, and lists what was asked, planted and decided, ask by ask.

Seeds, sizes and draws are the benchmark's own, so that neither a profile nor the clone's data can change a
figure.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution, load_execution
from jz3.core.hashing import content_id
from jz3.generation.chat import CHAT, ChatAnswer, chat_key, stored_answer
from jz3.sandbox.program_rows import stored_results
from jz3.store.row_store import RowStore, open_store
from jz3.tables.passage import Passage
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.asks import Ask, Program
from jz3.teacher.augment import Augmented, augment, request_of
from jz3.teacher.beginnings import PASSAGES, Seeds
from jz3.teacher.read_answers import read_answer, text_of
from jz3.teacher.taught import AugmentParams, begins_at, next_round, rounds_of
from jz3.teacher.tool_solutions import Begun, stored_output
from jz3.writer.catalogue import FAMILIES
from jz3.writer.erring.planted import Erred
from jz3.writer.server import planted
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw

ROOT = Path(__file__).parents[2]
LIMITS = {"wall_seconds": 9, "cpu_seconds": 9, "memory_mb": 512, "output_characters": 10_000}
SYNTHLLM: Mapping[str, Any] = {
    "topics": 5,
    "key_concepts": 20,
    "level_1": {"draws": 1, "questions": 3},
    "level_2": {"draws": 1, "questions": 3},
    "level_3": {
        "epochs": 1,
        "topic_steps": [1, 2],
        "concept_steps": [3, 4],
        "epsilon": 1e-6,
        "documents": 2,
        "questions": 3,
    },
}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "metamath": {
        "answers": 4,
        "rephrase": {"rewordings": 2, "answers": 1},
        "fobar": {"answers": 1},
        "self_verification": {"statements": 1, "answers": 1},
    },
    "openmathinstruct": {
        "default": 2,
        "subject": 1,
        "masked": 2,
        "masks": 4,
        "length_margin": 0.5,
        "programs": 1,
        "limits": LIMITS,
        "prefer": "none",
        "rows": None,
    },
    "personamath": {"k1": 3, "k2": 6, "reflections": 1},
    "rvsyn": {
        "structure": 0.95,
        "meaning": 0.6,
        "trials": 8,
        "strategies": ["co_occurrence", "topic", "edgeless"],
        "nodes": [1, 2, 3],
        "graphs": 3,
        "drawings": 32,
        "confirmations": 2,
        "limits": LIMITS,
    },
    "synthllm": SYNTHLLM | {"answers": 1, "agreeing": 1},
    "synthllm_by_votes": SYNTHLLM | {"name": "synthllm", "answers": 3, "agreeing": 2},
}
"""Sizes are chosen: some hundred asks of each operator and seed of a family. SynthLLM appears twice: as
published, where nothing confirms an answer, and with two of three answers that must agree.
"""


_QUESTION = re.compile(r"^\[Question (\d+)\]?(.*?)(?=^\[Question \d|\Z)", re.DOTALL | re.MULTILINE)
"""One question of an answer that holds several, with its number."""


@dataclass(frozen=True)
class Answered:
    """An ask, the answer that was expected, the answer that came, and what became of it."""

    ask: Ask
    right: str
    erred: Erred
    rule: str | None
    """The rule that rejected it, without the recipe's name; None if it was kept or continued."""
    output: str | None
    """The answer with what its program really printed, if one ran."""


@dataclass(frozen=True)
class Run:
    """What a run left, and each ask of it."""

    found: Augmented
    answered: Mapping[str, Answered]
    """Answers by the id of the ask."""
    judged: Mapping[str, str]
    """The rules that rejected what is not an ask (maskings, merges, graphs), by row."""


def teacher_of(model: str) -> dict[str, Any]:
    """The problem writer under a name, as a section declares it."""
    return {
        "share": 1.0,
        "provider": "writer",
        "model": model,
        "api": "chat",
        "account": "OPENAI",
        "request": {"temperature": 0.7, "top_p": 1.0, "max_tokens": 2048, "seed": "drawn"},
    }


def params_of(recipe: str, model: str) -> AugmentParams:
    """A recipe whose teacher is the problem writer under a name."""
    sized = {"name": recipe, **RECIPES[recipe]}
    return AugmentParams.model_validate(
        {"teachers": {"writer": teacher_of(model)}, "seed": 31, "recipe": sized}
    )


def prompts_of(recipe: str) -> InFiles:
    """The prompts of the repository."""
    return InFiles(ROOT / "data/recipes" / recipe)


def execution() -> Execution:
    """That of the test profile, without a limit on the rate."""
    read = load_execution(ROOT / "profiles/execution/test.yaml")
    return read.model_copy(
        update={"requests_per_minute": 10_000_000, "tokens_per_minute": 10_000_000_000, "concurrency": 8}
    )


def seeds_of(each: int, every: int = 1) -> dy.DataFrame[SeedProblem]:
    """`each` seed problems of every family, or of every `every`-th one, with solutions in prose."""
    rows = _of_families(each, every, _seed)
    return SeedProblem.validate(pl.DataFrame(rows, schema=SeedProblem.create_empty().schema))


def _of_families(
    each: int, every: int, made: Callable[[str, int, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows made from a name, the number within the family, and the number of the family."""
    return [
        made(f"{family.name}/{number}", number, family_number)
        for family_number, family in enumerate(FAMILIES)
        if family_number % every == 0
        for number in range(each)
    ]


def _seed(name: str, number: int, family_number: int) -> dict[str, Any]:
    family = FAMILIES[family_number]
    values = distinct_draws(family, "instruction", number + 1, "recipes")[number]
    written = write_draw(family, "cot", values, name)
    return {
        "seed_id": name,
        "origin": "covered",
        "licence": "MIT",
        "split": "train",
        "level": family.level,
        "kind": "cot",
        "subject": family.name,
        "question": written.problem,
        "solution": written.solution,
        "answer": written.answer,
    }


def passages_of(each: int, every: int = 1) -> dy.DataFrame[Passage]:
    """`each` passages for every family, or for every `every`-th one, with words of it and of the next one."""
    rows = _of_families(each, every, _passage)
    return Passage.validate(pl.DataFrame(rows, schema=Passage.create_empty().schema))


def _passage(name: str, number: int, family_number: int) -> dict[str, Any]:
    own, next_one = (FAMILIES[place % len(FAMILIES)].words for place in (family_number, family_number + 1))
    words = [*own[number : number + 4], *next_one[number : number + 2]]
    return {
        "passage_id": name,
        "source": "web",
        "document_id": name,
        "origin": "the benchmark",
        "licence": "MIT",
        "offset": 0,
        "text": f"This tells of {' and '.join(words)}.",
    }


def beginnings_of(params: AugmentParams, each: int, every: int = 1) -> Seeds:
    """The seeds or passages that a recipe starts from."""
    return passages_of(each, every) if begins_at(params) is PASSAGES else seeds_of(each, every)


def run(seeds: Seeds, params: AugmentParams) -> Run:
    """Run a recipe, then go through its rounds once more with everything in the store."""
    prompts = prompts_of(params.recipe.name)
    found = augment(seeds, prompts, params, execution())
    rules = {row["row_id"]: row["rule"].partition(".")[2] for row in found.rejects.iter_rows(named=True)}
    answered: dict[str, Answered] = {}
    asks = [one for round_ in walked(seeds, params, open_store()) for one in round_.asks]
    for one, reply, output in asks:
        right, erred = planted(one.prompt, request_of(one, params).seed)
        assert reply.text == erred.text, "what was planted is known by prompt and seed"
        whole = Answered(one, right, erred, rules.pop(one.ask_id, None), output)
        answered |= _taken_apart(whole, rules) if one.operator.startswith("pose") else {one.ask_id: whole}
    return Run(found, answered, rules)


def _taken_apart(whole: Answered, rules: dict[str, str]) -> dict[str, Answered]:
    """The questions of an answer that was read, each with its rule, and with the error if it bears it. The
    answer itself if it was rejected, or if none of the remaining questions bears its error.
    """
    name = whole.ask.ask_id
    if whole.rule is not None:
        return {name: whole}
    rights = dict(_QUESTION.findall(whole.right))
    operator = whole.ask.operator.replace("pose", "question")
    questions: dict[str, Answered] = {}
    for place, text in _QUESTION.findall(whole.erred.text):
        right, question_id = rights.get(place, ""), content_id("question", name, place)
        kind = None if text.strip() == right.strip() else whole.erred.kind
        questions[question_id] = Answered(
            ask=replace(whole.ask, operator=operator, parent_ids=(name,)),
            right=right,
            erred=Erred(text, "stop", kind),
            rule=rules.pop(question_id, None),
            output=None,
        )
    bears = any(one.erred.kind for one in questions.values())
    return questions if bears or whole.erred.kind is None else {name: whole} | questions


@dataclass(frozen=True)
class Walked:
    """A round of a finished run."""

    asks: Sequence[tuple[Ask, ChatAnswer, str | None]]
    """Asks with answers, and solutions up to what their programs printed."""
    programs: Sequence[Program]
    """Programs of the recipe itself."""
    own_s: float
    """CPU seconds that the recipe took to decide what to ask."""


def walked(seeds: Seeds, params: AugmentParams, store: RowStore) -> list[Walked]:
    """The rounds of a finished run."""
    found: list[Walked] = []
    rounds = rounds_of(seeds, prompts_of(params.recipe.name), params)
    started = time.process_time()
    round_ = next(rounds, None)
    while round_ is not None:
        own = time.process_time() - started
        asks: list[tuple[Ask, ChatAnswer, str | None]] = []
        keys = [chat_key(request_of(one, params)) for one in round_.asks]
        stored = store.known(CHAT, keys)
        texts = _printed(round_.programs, store)
        for one, key in zip(round_.asks, keys, strict=True):
            reply = stored_answer(stored[key])
            read = read_answer(one, reply) if one.tool else None
            output = stored_output(read, store) if isinstance(read, Begun) else None
            text = output if one.tool else text_of(one, reply) if one.form != "solution" else None
            if isinstance(text, str):
                texts[one.ask_id] = text
            asks.append((one, reply, output if isinstance(output, str) else None))
        found.append(Walked(asks, round_.programs, own))
        started = time.process_time()
        round_ = next_round(rounds, texts)
    return found


def _printed(programs: Sequence[Program], store: RowStore) -> dict[str, str]:
    if not programs:
        return {}
    results = stored_results([one.source for one in programs], programs[0].limits, store)
    pairs = zip(programs, results, strict=True)
    return {one.row_id: result.stdout for one, result in pairs if result and result.status == "ok"}
