"""RV-Syn (arXiv 2504.20426): problems told from graphs of functions that occur in seeds.

`decompose` asks for a seed's question as functions of one operation each and calls of them
(jz3/teacher/decompositions.py); it counts if its program prints the gold answer. `merge` makes a library of
the functions without asking anything (jz3/teacher/function_library.py). `compose` draws graphs over it and
runs them (graph_draws.py, graph_values.py), also without asking: the paper fine-tunes a model for it. `tell`
asks for a story of each graph, and `solve` for solutions of the story alone; the first solution whose answer
is what the graph prints is kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
from jz3.core.params import Params
from jz3.sandbox.settings import Limits
from jz3.teacher.asks import Ask, Judged, Program, Round, Rounds, filled, read_prompt
from jz3.teacher.decompositions import Decomposition, read_decomposition
from jz3.teacher.exact_programs import called_program, equal_orders, graph_program, read_drawings
from jz3.teacher.function_library import Form, Library, candidates, comparisons, forms_of, library_of
from jz3.teacher.graph_draws import (
    Graph,
    Plan,
    Strategy,
    draw_graph,
    draw_values,
    plans,
    shown_calls,
    with_values,
)
from jz3.teacher.graph_tables import workings_of
from jz3.teacher.graph_values import first_without_fault
from jz3.teacher.stated_numbers import stated_numbers
from jz3.teacher.told_problems import not_told
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

QUESTION, FUNCTIONS, CALLS = "{question}", "{functions}", "{calls}"


class RvSyn(Params):
    """How functions are merged, which graphs are composed, and how often each story is solved."""

    name: Literal["rvsyn"]
    structure: float = Field(ge=0, le=1)
    """The lowest similarity of the canonical forms of two functions that are merged."""
    meaning: float = Field(ge=0, le=1)
    """The lowest cosine of their descriptions' words."""
    trials: int = Field(ge=1)
    """Tuples of arguments on which both must give the same results."""
    strategies: list[Strategy] = Field(min_length=1)
    """Strategies for drawing the functions of a graph; used in turn."""
    nodes: list[Annotated[int, Field(ge=1, le=4)]] = Field(min_length=1)
    """Numbers of functions in a graph; used in turn."""
    graphs: int = Field(ge=0)
    """Graphs to compose for each seed that was decomposed."""
    drawings: int = Field(ge=1)
    """Drawings of a graph's values; the first that makes a problem is used."""
    confirmations: int = Field(ge=1)
    """Solutions of each story to ask for."""
    limits: Limits
    """Limits of each program."""


@dataclass(frozen=True)
class _Prompts:
    decompose: str
    tell: str
    solve: str


@dataclass(frozen=True)
class _Composed:
    """A graph with its values and results."""

    plan: Plan
    graph: Graph
    values: tuple[str, ...]
    """The values of its calls as printed; the last is the answer."""
    seed_ids: tuple[str, ...]
    graph_id: str


def rounds(seeds: Iterable[Mapping[str, Any]], prompts: InFiles, params: RvSyn, seed: int) -> Rounds:
    """The asks for seeds that have a gold answer: decompositions, stories, solutions; programs run between
    them.
    """
    texts = _Prompts(
        decompose=read_prompt(prompts, "decompose.md", (QUESTION,)),
        tell=read_prompt(prompts, "tell.md", (FUNCTIONS, CALLS)),
        solve=read_prompt(prompts, "solve.md", (QUESTION,)),
    )
    known = {row["seed_id"]: row for row in seeds}
    judged = [
        Judged(seed_id, "decompose", Unusable("not_numeric", row["answer"][:EVIDENCE_CHARACTERS]))
        for seed_id, row in known.items()
        if not _is_number(row["answer"])
    ]
    for one in judged:
        del known[one.row_id]
    asked = [_decompose(row, texts, params) for row in known.values()]
    written = yield Round(asked, judged)
    read, judged = _read(asked, written)
    printed = yield Round([], judged, [_running(one, read, params) for one in asked if one.ask_id in read])
    decompositions, judged = _right(asked, read, printed)
    forms = forms_of(decompositions)
    alike = candidates(forms, params.structure, params.meaning)
    sources = comparisons(forms, alike, params.trials, seed)
    compared = [Program(content_id(source), None, source, params.limits) for source in sources]
    printed = yield Round([], judged, compared)
    library = library_of(
        forms, equal_orders(printed[one.row_id] for one in compared if one.row_id in printed), decompositions
    )
    graphs, judged = _drawn(library, sorted(decompositions), params, seed)
    values = {
        plan.plan_id: draw_values(library, graph, plan, seed, params.drawings) for plan, graph in graphs
    }
    programs = [
        Program(plan.plan_id, "compose", _program(library, graph, values[plan.plan_id]), params.limits)
        for plan, graph in graphs
    ]
    printed = yield Round([], [*_of_forms(forms, library), *judged], programs)
    composed, judged = _composed(library, graphs, values, printed)
    tells = [_tell(library, one, texts, params) for one in composed]
    written = yield Round(
        tells,
        judged,
        workings=workings_of(library, [(one.graph_id, one.plan, one.graph, one.values) for one in composed]),
    )
    solves, judged = _told(library, composed, tells, written, texts, params)
    yield Round(solves, judged)


def asks_of_a_seed(params: RvSyn) -> dict[str, float]:
    """The number of asks, by operator, for a seed whose answer is a number, as if all were kept."""
    return {"decompose": 1, "tell": params.graphs, "solve": params.graphs * params.confirmations}


def rows_of_a_seed(params: RvSyn) -> float:
    """Problems that these are to become."""
    return params.graphs


def left_out(problems: Iterable[Mapping[str, Any]]) -> dict[str, Unusable]:
    """All solutions of a story but the first; they must come by draw."""
    first: dict[str, str] = {}
    out: dict[str, Unusable] = {}
    for row in problems:
        kept = first.setdefault(row["problem"], row["problem_id"])
        if kept != row["problem_id"]:
            out[row["problem_id"]] = Unusable("not_first", kept)
    return out


def _is_number(gold: str) -> bool:
    """Whether a gold answer is a single number that a program can print."""
    stated = stated_numbers(gold)
    values = [*stated.values.elements()]
    return len(values) == 1 and stated.ones == 0 and equal(gold, str(values[0])).equal


def _decompose(row: Mapping[str, Any], texts: _Prompts, params: RvSyn) -> Ask:
    return Ask(
        recipe=params.name,
        operator="decompose",
        seed_ids=(row["seed_id"],),
        parent_ids=(),
        variant="",
        draw=0,
        question=row["question"],
        prompt=filled(texts.decompose, {QUESTION: row["question"]}),
        expected=row["answer"],
        expected_from="gold",
        form="text",
        followed_by=(("tell", params.graphs), ("solve", params.graphs * params.confirmations)),
    )


def _read(asked: Sequence[Ask], written: Mapping[str, str]) -> tuple[dict[str, Decomposition], list[Judged]]:
    """The decompositions in answers, by ask, and what is wrong with the other answers."""
    found: dict[str, Decomposition] = {}
    judged: list[Judged] = []
    for one in asked:
        if one.ask_id not in written:
            continue
        read = read_decomposition(written[one.ask_id])
        if isinstance(read, Unusable):
            judged.append(Judged(one.ask_id, one.operator, read))
        else:
            found[one.ask_id] = read
    return found, judged


def _running(one: Ask, read: Mapping[str, Decomposition], params: RvSyn) -> Program:
    source = called_program(read[one.ask_id].functions, read[one.ask_id].calls)
    return Program(one.ask_id, one.operator, source, params.limits)


def _right(
    asked: Sequence[Ask], read: Mapping[str, Decomposition], printed: Mapping[str, str]
) -> tuple[dict[str, Decomposition], list[Judged]]:
    """The decompositions that print the gold answer, by seed."""
    found: dict[str, Decomposition] = {}
    judged: list[Judged] = []
    for one in asked:
        if one.ask_id not in printed:
            continue
        value, gold = printed[one.ask_id].strip(), one.expected or ""
        if equal(gold, value).equal:
            found[one.seed_ids[0]] = read[one.ask_id]
            judged.append(Judged(one.ask_id, one.operator, None))
        else:
            shown = f"{value!r}; {gold!r} was expected"[:EVIDENCE_CHARACTERS]
            judged.append(Judged(one.ask_id, one.operator, Unusable("answer_differs", shown)))
    return found, judged


def _of_forms(forms: Sequence[Form], library: Library) -> Iterator[Judged]:
    """A verdict on every function written, and what it was merged into."""
    into = {one.form.form_id: one for one in library.merged}
    for form in forms:
        merged = into.get(form.form_id)
        refusal = None
        if merged is not None:
            order = ", ".join(map(str, merged.order))
            shown = f"{form.function.name} into {merged.into.function.name}, arguments {order}"
            refusal = Unusable("merged", shown)
        yield Judged(form.form_id, "merge", refusal)


def _drawn(
    library: Library, seed_ids: Sequence[str], params: RvSyn, seed: int
) -> tuple[list[tuple[Plan, Graph]], list[Judged]]:
    """The graphs composed for these seeds, and verdicts on those that cannot be."""
    graphs: list[tuple[Plan, Graph]] = []
    judged: list[Judged] = []
    for plan in plans(seed_ids, params.graphs, params.strategies, params.nodes):
        graph = draw_graph(library, plan, seed)
        if graph is None:
            shown = f"{plan.size} functions by {plan.strategy}"
            judged.append(Judged(plan.plan_id, "compose", Unusable("not_joined", shown)))
        else:
            graphs.append((plan, graph))
    return graphs, judged


def _program(library: Library, graph: Graph, values: Sequence[Sequence[int]]) -> str:
    return graph_program(
        [library.nodes[number].function for number in sorted(graph.nodes)], graph.calls, values
    )


def _composed(
    library: Library,
    graphs: Sequence[tuple[Plan, Graph]],
    values: Mapping[str, Sequence[Sequence[int]]],
    printed: Mapping[str, str],
) -> tuple[list[_Composed], list[Judged]]:
    """The graphs whose values make a problem, each once, and what is wrong with the others."""
    found: dict[str, _Composed] = {}
    judged: list[Judged] = []
    for plan, graph in graphs:
        if plan.plan_id not in printed:
            continue
        drawings = read_drawings(printed[plan.plan_id], len(values[plan.plan_id]))
        taken = first_without_fault(library, graph, values[plan.plan_id], drawings)
        if isinstance(taken, Unusable):
            judged.append(Judged(plan.plan_id, "compose", taken))
            continue
        leaves, drawing = taken
        one = _with_values(library, plan, with_values(graph, leaves), drawing.nodes)
        same = found.setdefault(one.graph_id, one)
        refusal = None if same is one else Unusable("repeated", same.plan.plan_id)
        judged.append(Judged(plan.plan_id, "compose", refusal))
    return list(found.values()), judged


def _with_values(library: Library, plan: Plan, graph: Graph, values: tuple[str, ...]) -> _Composed:
    origins = [library.nodes[number].seed_ids for number in graph.nodes]
    own = [plan.seed_id if plan.seed_id in some else some[0] for some in origins]
    functions = [library.nodes[number].function.shown for number in graph.nodes]
    return _Composed(
        plan=plan,
        graph=graph,
        values=values,
        seed_ids=tuple(dict.fromkeys(own)),
        graph_id=content_id("graph", *functions, *shown_calls(graph)),
    )


def _tell(library: Library, one: _Composed, texts: _Prompts, params: RvSyn) -> Ask:
    functions = [library.nodes[number].function.shown for number in sorted(one.graph.nodes)]
    shown = {FUNCTIONS: "\n\n".join(functions), CALLS: "\n".join(shown_calls(one.graph))}
    return Ask(
        recipe=params.name,
        operator="tell",
        seed_ids=one.seed_ids,
        parent_ids=(),
        variant=one.graph_id,
        draw=0,
        question=shown[CALLS],
        prompt=filled(texts.tell, shown),
        expected=None,
        expected_from="none",
        form="text",
        followed_by=(("solve", params.confirmations),),
    )


def _told(
    library: Library,
    composed: Sequence[_Composed],
    tells: Sequence[Ask],
    written: Mapping[str, str],
    texts: _Prompts,
    params: RvSyn,
) -> tuple[list[Ask], list[Judged]]:
    """The asks for solutions of each story, by draw within a story, and what is wrong with the other
    stories.
    """
    solves: list[Ask] = []
    judged: list[Judged] = []
    for one, tell in zip(composed, tells, strict=True):
        text = written.get(tell.ask_id)
        if text is None:
            continue
        functions = [library.nodes[number].function for number in one.graph.nodes]
        leaves = [
            Fraction(each) for call in one.graph.calls for each in call.arguments if isinstance(each, str)
        ]
        fault = not_told(text, functions, leaves, [Fraction(value) for value in one.values])
        judged.append(Judged(tell.ask_id, tell.operator, fault))
        if fault is None:
            solves += (_solve(one, tell, text, draw, texts, params) for draw in range(params.confirmations))
    return solves, judged


def _solve(one: _Composed, tell: Ask, text: str, draw: int, texts: _Prompts, params: RvSyn) -> Ask:
    return Ask(
        recipe=params.name,
        operator="solve",
        seed_ids=one.seed_ids,
        parent_ids=(tell.ask_id,),
        variant=one.graph_id,
        draw=draw,
        question=text,
        prompt=filled(texts.solve, {QUESTION: text}),
        expected=one.values[-1],
        expected_from="executed",
        composed=True,
    )
