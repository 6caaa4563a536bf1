"""OpenMathInstruct-1 (Toshniwal et al. 2024, arXiv 2402.10176): solutions of solved seeds with code between
the text.

Three operators ask for solutions of the seed's own question, each compared with the gold answer: `default`;
`subject`, which names the seed's subject; and `masked`, which shows the seed's reference solution with its
intermediate results hidden (jz3/teacher/masked_references.py). The teacher writes such copies (`mask`), and
one of the valid ones is chosen; if none is valid, a rule masks the reference. The unmasked reference is never
shown.

A solution is written in turns with a sandbox (jz3/teacher/tool_solutions.py). Among the right ones those with
code may be preferred, and a number of rows may be drawn evenly over the seeds (jz3/teacher/fair_draws.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.core.params import Params
from jz3.sandbox.settings import Limits
from jz3.teacher.asks import Ask, Judged, Round, Rounds, filled, read_prompt
from jz3.teacher.fair_draws import Prefer, RightRow, beside_preferred, not_drawn
from jz3.teacher.masked_references import Reference, copy_alone, fewest_digits
from jz3.teacher.tool_use import ToolUse
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, programs_of

QUESTION, SUBJECT, REFERENCE, BEGUN = "{question}", "{subject}", "{reference}", "{begun}"
WITH_CODE = 0.836
"""Share of solutions with a program (paper: 16.4 % have none); each asks for the text after its output."""


class OpenMathInstruct(Params):
    """How many asks of each operator, and which solutions are kept."""

    name: Literal["openmathinstruct"]
    default: int = Field(ge=0)
    """Solutions of each seed to ask for."""
    subject: int = Field(ge=0)
    """The same with the subject named; only for seeds that have one."""
    masked: int = Field(ge=0)
    """The same with a masked reference; only for seeds whose reference is prose."""
    masks: int = Field(ge=0)
    """Masked copies of a reference to ask for, one of which is chosen."""
    length_margin: float = Field(gt=0)
    """Share of the reference's length by which a masked copy may be longer or shorter."""
    programs: int = Field(ge=1)
    """The most programs of a solution."""
    limits: Limits
    """Limits of each program. If they equal those of `execute`, no program is run there again."""
    prefer: Prefer
    rows: int | None = Field(ge=1)
    """Rows to keep, drawn evenly over the seeds; null keeps all."""


@dataclass(frozen=True)
class _Prompts:
    mask: str
    default: str
    subject: str
    masked: str
    rest: str


@dataclass(frozen=True)
class _Shown:
    """The text shown as a reference, and its origin."""

    text: str
    variant: str
    """Number of the draw; `rule` if the reference was masked by rule; `whole` if it has nothing to hide."""
    parent_ids: tuple[str, ...] = ()


def rounds(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: OpenMathInstruct) -> Rounds:
    """The asks for seeds that have a gold answer: masked copies and the first solutions, then solutions with
    a masked reference, and the text after each output.
    """
    texts = _Prompts(
        mask=read_prompt(prompts, "mask.md", (QUESTION, REFERENCE)),
        default=read_prompt(prompts, "default.md", (QUESTION,)),
        subject=read_prompt(prompts, "subject.md", (QUESTION, SUBJECT)),
        masked=read_prompt(prompts, "masked.md", (QUESTION, REFERENCE)),
        rest=read_prompt(prompts, "continue.md", (QUESTION, BEGUN)),
    )
    known = {seed["seed_id"]: seed for seed in seeds}
    references, judged = _references(known.values(), params)
    copies = list(_copies(known, references, texts, params))
    asked = [*copies, *_first(known.values(), texts, params)]
    written = yield Round(asked, judged)
    shown, judged = _chosen(references, copies, written, params)
    rest, lived_on = _continued(asked, written, texts)
    asked, judged = [*_masked(known, shown, texts, params), *rest], [*judged, *lived_on]
    while asked:
        written = yield Round(asked, judged)
        asked, judged = _continued(asked, written, texts)
    yield Round([], judged)


def asks_of_a_seed(params: OpenMathInstruct) -> dict[str, float]:
    """The number of asks, by operator, for a seed with a subject and a reference in prose."""
    counts = {"default": params.default, "subject": params.subject, "masked": params.masked}
    masks = {"mask": params.masks} if params.masked else {}
    return masks | {name: count * (1 + WITH_CODE) for name, count in counts.items()}


def rows_of_a_seed(params: OpenMathInstruct) -> float:
    """Solutions asked for."""
    return params.default + params.subject + params.masked


def left_out(
    problems: Sequence[Mapping[str, Any]], seed_of: Mapping[str, str], params: OpenMathInstruct, seed: int
) -> dict[str, Unusable]:
    """Right rows that are not kept, and why. `seed_of` gives the seed's id of each."""
    rows = [
        RightRow(row["problem_id"], seed_of[row["problem_id"]], row["kind"] == "tool") for row in problems
    ]
    beside = beside_preferred(rows, params.prefer)
    found = {row_id: Unusable("not_preferred", params.prefer) for row_id in beside}
    if params.rows is not None:
        rest = [row for row in rows if row.row_id not in beside]
        beyond = Unusable("not_drawn", f"{params.rows} of {len(rest)} rows are kept")
        found |= dict.fromkeys(not_drawn(rest, params.rows, seed), beyond)
    return found


def _references(
    seeds: Iterable[Mapping[str, Any]], params: OpenMathInstruct
) -> tuple[dict[str, Reference], list[Judged]]:
    """The reference of each seed that can be shown masked, and verdicts on the seeds without one."""
    references: dict[str, Reference] = {}
    judged: list[Judged] = []
    for seed in seeds if params.masked else ():
        if seed["kind"] == "tool":
            refusal = Unusable("reference_is_code", seed["solution"][:EVIDENCE_CHARACTERS])
            judged.append(Judged(seed["seed_id"], "mask", refusal))
        else:
            seed_id = seed["seed_id"]
            references[seed_id] = Reference(seed["question"], seed["solution"], seed["answer"])
    return references, judged


def _copies(
    seeds: Mapping[str, Mapping[str, Any]],
    references: Mapping[str, Reference],
    texts: _Prompts,
    params: OpenMathInstruct,
) -> Iterator[Ask]:
    for draw in range(params.masks):
        for seed_id, reference in references.items():
            if reference.hides_nothing:
                continue
            prompt = filled(texts.mask, {QUESTION: reference.question, REFERENCE: reference.solution})
            yield Ask(
                recipe=params.name,
                operator="mask",
                seed_ids=(seed_id,),
                parent_ids=(),
                variant="",
                draw=draw,
                question=seeds[seed_id]["question"],
                prompt=prompt,
                expected=None,
                expected_from="none",
                form="text",
                followed_by=(("masked", 0),),  # solutions are asked for even without a valid copy
            )


def _chosen(
    references: Mapping[str, Reference],
    copies: Sequence[Ask],
    written: Mapping[str, str],
    params: OpenMathInstruct,
) -> tuple[dict[str, _Shown], list[Judged]]:
    """The text shown for each seed, and a verdict on each copy."""
    valid: dict[str, dict[str, Ask]] = {seed_id: {} for seed_id in references}
    judged: list[Judged] = []
    texts: dict[str, str] = {}
    for one in copies:
        if one.ask_id not in written:
            continue
        reference = references[one.seed_ids[0]]
        texts[one.ask_id] = copy_alone(written[one.ask_id], reference.solution)
        fault = reference.fault(texts[one.ask_id], params.length_margin)
        if fault is None:
            valid[one.seed_ids[0]][one.ask_id] = one
        else:
            judged.append(Judged(one.ask_id, "mask", fault))
    shown: dict[str, _Shown] = {}
    for seed_id, asks in valid.items():
        if not asks:
            by_rule = _by_rule(references[seed_id])
            if isinstance(by_rule, Unusable):
                judged.append(Judged(seed_id, "mask", by_rule))
            else:
                shown[seed_id] = by_rule
            continue
        best = fewest_digits({ask_id: texts[ask_id] for ask_id in asks})
        shown[seed_id] = _Shown(texts[best], str(asks[best].draw), (best,))
        judged += [
            Judged(ask_id, "mask", None if ask_id == best else Unusable("not_chosen", best))
            for ask_id in asks
        ]
    return shown, judged


def _by_rule(reference: Reference) -> _Shown | Unusable:
    masked = reference.masked()
    if masked is None:
        return Unusable("gold_shown", reference.solution[-EVIDENCE_CHARACTERS:])
    return _Shown(masked, "whole" if reference.hides_nothing else "rule")


def _first(seeds: Iterable[Mapping[str, Any]], texts: _Prompts, params: OpenMathInstruct) -> Iterator[Ask]:
    some = list(seeds)
    for draw in range(params.default):
        for seed in some:
            yield _solution(
                seed, "default", draw, filled(texts.default, {QUESTION: seed["question"]}), params
            )
    for draw in range(params.subject):
        for seed in some:
            if seed["subject"] is not None:
                prompt = filled(texts.subject, {QUESTION: seed["question"], SUBJECT: seed["subject"]})
                yield _solution(seed, "subject", draw, prompt, params)


def _masked(
    seeds: Mapping[str, Mapping[str, Any]],
    shown: Mapping[str, _Shown],
    texts: _Prompts,
    params: OpenMathInstruct,
) -> Iterator[Ask]:
    for draw in range(params.masked):
        for seed_id, one in shown.items():
            seed = seeds[seed_id]
            prompt = filled(texts.masked, {QUESTION: seed["question"], REFERENCE: one.text})
            ask = _solution(seed, "masked", draw, prompt, params)
            yield replace(ask, variant=one.variant, parent_ids=one.parent_ids)


def _solution(
    seed: Mapping[str, Any], operator: str, draw: int, prompt: str, params: OpenMathInstruct
) -> Ask:
    return Ask(
        recipe=params.name,
        operator=operator,
        seed_ids=(seed["seed_id"],),
        parent_ids=(),
        variant="",
        draw=draw,
        question=seed["question"],
        prompt=prompt,
        expected=seed["answer"],
        expected_from="gold",
        followed_by=((operator, params.programs),),
        tool=ToolUse(params.limits, params.programs),
    )


def _continued(
    asked: Iterable[Ask], written: Mapping[str, str], texts: _Prompts
) -> tuple[list[Ask], list[Judged]]:
    """The asks for the rest of each solution whose program has run, and verdicts on what they continue."""
    begun = [(one, one.tool, written[one.ask_id]) for one in asked if one.tool and one.ask_id in written]
    return (
        [_rest(one, tool, text, texts) for one, tool, text in begun],
        [Judged(one.ask_id, one.operator, None) for one, _, _ in begun],
    )


def _rest(one: Ask, tool: ToolUse, begun: str, texts: _Prompts) -> Ask:
    number = len(programs_of(begun))
    variant = one.variant if number == 1 else one.variant.rpartition("/")[0]
    return replace(
        one,
        parent_ids=(*one.parent_ids, one.ask_id),
        variant=f"{variant}/{number}",
        prompt=filled(texts.rest, {QUESTION: one.question, BEGUN: begun}),
        followed_by=((one.operator, tool.most_programs - number),),
        tool=replace(tool, begun=begun),
    )
