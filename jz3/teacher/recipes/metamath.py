"""MetaMath (Yu et al. 2023, arXiv 2309.12284): questions bootstrapped from solved seeds, in four ways.

`answer` asks for more solutions of the seed's own question. `reword` asks for the question in other words; if
these state the same numbers, `rephrase` asks for a solution of the rewording. Both are compared with the gold
answer.

Two ways go backward: one number of the question is replaced by a variable (jz3/teacher/number_masks.py), the
gold answer is given, and the variable is asked for. `fobar` gives the answer in a sentence after the
question; for `self_verification`, `state` first turns the last sentence and the answer into a statement. The
masked number is the expected answer. A masking is asked only if no other value of the number gives the same
answer: this is computed if possible, otherwise the draws of a question must agree (`confirmed` of an ask).
The paper has no such check.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
from jz3.core.params import Params
from jz3.teacher.agreement import DRAWS
from jz3.teacher.asks import Ask, Judged, Round, Rounds, read_prompt
from jz3.teacher.masked_values import fitting, known_reading
from jz3.teacher.number_masks import MaskedQuestion, masks_of
from jz3.teacher.sentences import split_last
from jz3.teacher.statements import not_a_rewording, not_a_statement
from jz3.text.problem_text import Unusable

QUESTION, SENTENCE, ANSWER = "{question}", "{sentence}", "{answer}"
TOLD = "Suppose the answer to this question is {gold}. Which number does {variable} stand for?"
"""Text after a masked question; our own words, since the paper's asks for the same."""
ASKED = "What is the value of {variable}?"
"""Text after a statement."""
TEXTS = ("reword", "state")
"""Operators whose answers are not rows."""
MASKINGS = 2.5
"""Maskings asked per question, if nothing better is known: 2.9 numbers, 86 % of them unique (measured on all
families of the built-in writer).
"""


class Rephrase(Params):
    """How many rewordings and solutions of them to ask for."""

    rewordings: int = Field(ge=0)
    """How many rewordings of each seed's question to ask for."""
    answers: int = Field(ge=1)
    """Solutions of each rewording that states the same numbers."""


class Fobar(Params):
    """How many solutions of masked questions to ask for."""

    answers: int = Field(ge=0)
    """Solutions of each masking; at least five if only draws can show that it has one solution."""


class SelfVerification(Params):
    """How many statements and solutions of them to ask for."""

    statements: int = Field(ge=0)
    """How many statements of each masking to ask for."""
    answers: int = Field(ge=1)
    """Solutions of each statement; at least five if only draws can show that it has one solution."""


class MetaMath(Params):
    """How many asks of each operator."""

    name: Literal["metamath"]
    answers: int = Field(ge=0)
    """Solutions of each seed to ask for."""
    rephrase: Rephrase
    fobar: Fobar
    self_verification: SelfVerification


@dataclass(frozen=True)
class _Prompts:
    answer: str
    reword: str
    state: str
    unknown: str


@dataclass(frozen=True)
class _Masking:
    """A masked question of a seed that may be asked."""

    seed: Mapping[str, Any]
    masked: MaskedQuestion
    known: bool
    """Whether a computation showed that no other value fits."""

    @property
    def variant(self) -> str:
        """The characters that are masked."""
        return f"{self.masked.start}-{self.masked.start + len(self.masked.written)}"


def rounds(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: MetaMath) -> Rounds:
    """The asks for seeds that have a gold answer, in two rounds."""
    texts = _Prompts(
        answer=read_prompt(prompts, "answer.md", (QUESTION,)),
        reword=read_prompt(prompts, "rephrase.md", (QUESTION,)),
        state=read_prompt(prompts, "declare.md", (SENTENCE, ANSWER)),
        unknown=read_prompt(prompts, "unknown.md", (QUESTION,)),
    )
    known = {seed["seed_id"]: seed for seed in seeds}
    maskings: dict[str, _Masking] = {}
    judged: list[Judged] = []
    if params.fobar.answers or params.self_verification.statements:
        for seed in known.values():
            for row_id, found in _maskings(seed, params):
                refused = isinstance(found, Unusable)
                judged.append(Judged(row_id, "mask", found if refused else None))
                if not isinstance(found, Unusable):
                    maskings[row_id] = found
    first = [
        *_answers(known.values(), texts, params),
        *_rewordings(known.values(), texts, params),
        *_told(maskings.values(), texts, params),
        *_statements(maskings.values(), texts, params),
    ]
    written = yield Round(first, judged)
    of_variant = {(one.seed["seed_id"], one.variant): one for one in maskings.values()}
    judged, second = [], list[Ask]()
    for step in first:
        text = written.get(step.ask_id)
        if step.form != "text" or text is None:
            continue
        if step.operator == "reword":
            refusal, asked = _of_rewording(step, text, known[step.seed_ids[0]], texts, params)
        else:
            refusal, asked = _of_statement(
                step, text, of_variant[step.seed_ids[0], step.variant], texts, params
            )
        judged.append(Judged(step.ask_id, step.operator, refusal))
        second += asked
    yield Round(second, judged)


def asks_of_a_seed(params: MetaMath) -> dict[str, float]:
    """The number of asks per seed, by operator, as far as it is known without the question: further draws are
    not, where an answer cannot be computed.
    """
    statements = params.self_verification.statements
    return {
        "answer": params.answers,
        "reword": params.rephrase.rewordings,
        "rephrase": params.rephrase.rewordings * params.rephrase.answers,
        "fobar": MASKINGS * params.fobar.answers,
        "state": MASKINGS * statements,
        "self_verification": MASKINGS * statements * params.self_verification.answers,
    }


def rows_of_a_seed(params: MetaMath) -> float:
    """How many of these have answers that are to become problems."""
    return sum(count for name, count in asks_of_a_seed(params).items() if name not in TEXTS)


def _answers(seeds: Iterable[Mapping[str, Any]], texts: _Prompts, params: MetaMath) -> Iterator[Ask]:
    for draw in range(params.answers):
        for seed in seeds:
            yield Ask(
                recipe=params.name,
                operator="answer",
                seed_ids=(seed["seed_id"],),
                parent_ids=(),
                variant="",
                draw=draw,
                question=seed["question"],
                prompt=texts.answer.replace(QUESTION, seed["question"]),
                expected=seed["answer"],
                expected_from="gold",
            )


def _rewordings(seeds: Iterable[Mapping[str, Any]], texts: _Prompts, params: MetaMath) -> Iterator[Ask]:
    for draw in range(params.rephrase.rewordings):
        for seed in seeds:
            yield Ask(
                recipe=params.name,
                operator="reword",
                seed_ids=(seed["seed_id"],),
                parent_ids=(),
                variant="",
                draw=draw,
                question=seed["question"],
                prompt=texts.reword.replace(QUESTION, seed["question"]),
                expected=None,
                expected_from="none",
                form="text",
                followed_by=(("rephrase", params.rephrase.answers),),
            )


def _of_rewording(
    step: Ask, text: str, seed: Mapping[str, Any], texts: _Prompts, params: MetaMath
) -> tuple[Unusable | None, list[Ask]]:
    """A refusal, or the asks for solutions of a rewording."""
    refusal = not_a_rewording(seed["question"], text)
    if refusal is not None:
        return refusal, []
    return None, [
        Ask(
            recipe=params.name,
            operator="rephrase",
            seed_ids=step.seed_ids,
            parent_ids=(step.ask_id,),
            variant=str(step.draw),
            draw=draw,
            question=text,
            prompt=texts.answer.replace(QUESTION, text),
            expected=seed["answer"],
            expected_from="gold",
        )
        for draw in range(params.rephrase.answers)
    ]


def _maskings(seed: Mapping[str, Any], params: MetaMath) -> Iterator[tuple[str, _Masking | Unusable]]:
    """An id, with a masking that may be asked, or why there is none."""
    question, gold = seed["question"], seed["answer"]
    masks = masks_of(question)
    if not masks:
        yield seed["seed_id"], Unusable("nothing_to_mask", question)
        return
    reading = known_reading(question, gold)
    for masked in masks:
        fit = None if reading is None else fitting(masked, reading)
        found = _Masking(seed, masked, fit is not None)
        row_id = content_id(params.name, "mask", seed["seed_id"], found.variant)
        value = f"{masked.written!r} masked in {question!r}"
        if equal(gold, masked.label).equal:
            yield row_id, Unusable("label_is_gold", value)
        elif fit is not None and fit.irrelevant:
            yield row_id, Unusable("irrelevant", f"{value}; every value gives {gold!r}")
        elif fit is not None and fit.others:
            shown = ", ".join(map(str, fit.others[:5]))
            yield row_id, Unusable("not_unique", f"{value}; {masked.label}, {shown} give {gold!r}")
        else:
            yield row_id, found


def _told(maskings: Iterable[_Masking], texts: _Prompts, params: MetaMath) -> Iterator[Ask]:
    for one in maskings:
        told = TOLD.format(gold=_shown(one.seed["answer"]), variable=one.masked.variable)
        question = f"{one.masked.text.rstrip()} {told}"
        if params.fobar.answers:
            yield from _backward(one, "fobar", one.variant, (), question, params.fobar.answers, texts, params)


def _statements(maskings: Iterable[_Masking], texts: _Prompts, params: MetaMath) -> Iterator[Ask]:
    answers = params.self_verification.answers
    for draw in range(params.self_verification.statements):
        for one in maskings:
            _, sentence = split_last(one.masked.text.strip())
            prompt = texts.state.replace(SENTENCE, sentence).replace(ANSWER, _shown(one.seed["answer"]))
            yield Ask(
                recipe=params.name,
                operator="state",
                seed_ids=(one.seed["seed_id"],),
                parent_ids=(),
                variant=one.variant,
                draw=draw,
                question=one.masked.text,
                prompt=prompt,
                expected=None,
                expected_from="none",
                form="text",
                followed_by=(("self_verification", answers if one.known else max(answers, DRAWS)),),
            )


def _of_statement(
    step: Ask, text: str, one: _Masking, texts: _Prompts, params: MetaMath
) -> tuple[Unusable | None, list[Ask]]:
    """A refusal, or the asks for the variable of a statement."""
    before, sentence = split_last(one.masked.text.strip())
    refusal = not_a_statement(before, sentence, text, one.masked.variable, one.seed["answer"])
    if refusal is not None:
        return refusal, []
    question = f"{before}{text} {ASKED.format(variable=one.masked.variable)}"
    variant = f"{step.variant}/{step.draw}"
    answers = params.self_verification.answers
    return None, list(
        _backward(one, "self_verification", variant, (step.ask_id,), question, answers, texts, params)
    )


def _backward(
    one: _Masking,
    operator: str,
    variant: str,
    parent_ids: tuple[str, ...],
    question: str,
    answers: int,
    texts: _Prompts,
    params: MetaMath,
) -> Iterator[Ask]:
    """The asks for the variable of one question: enough draws to judge it by, if nothing else can."""
    for draw in range(answers if one.known else max(answers, DRAWS)):
        yield Ask(
            recipe=params.name,
            operator=operator,
            seed_ids=(one.seed["seed_id"],),
            parent_ids=parent_ids,
            variant=variant,
            draw=draw,
            question=question,
            prompt=texts.unknown.replace(QUESTION, question),
            expected=one.masked.label,
            expected_from="masked",
            confirmed=one.known,
        )


def _shown(gold: str) -> str:
    """A gold answer as in prose: LaTeX between its marks."""
    return f"${gold}$" if "\\" in gold and "$" not in gold and "\\(" not in gold else gold
