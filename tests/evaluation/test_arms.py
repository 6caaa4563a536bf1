"""The compute and data behind an arm are counted from what the stages left; a teacher's answer counts
once.
"""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.core.graph_file import Graph, Stage
from jz3.evaluation.arms import Behind, arms_of, upstream, with_scores
from jz3.evaluation.tabulate import OfFamilies
from jz3.tables.arm import Arm
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.lineage import Lineage
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.score_row import ScoreRow
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.tables.training_row import TrainingRow
from tests.report.table_rows import score
from tests.two_turns import two_turns


def stage(name, reads=(), outs=(), **flags):
    return Stage(name, "", flags, frozenset(reads), frozenset(outs), frozenset(outs))


def trained(name, blocks, seed=0):
    return stage(f"pretrain@{name}", [blocks], blocks=(blocks,), seed=(str(seed),))


GRAPH = Graph(
    (
        stage("distill@initial", outs=["kd0"]),
        stage("finetune@initial", ["kd0"], ["small"]),
        stage("synthesize@candidates", ["small"], ["pool"]),
        stage("distill@boosted", ["pool"], ["kd1"]),
        stage("synthesize@corpus", ["kd1"], ["texts"]),
        stage("augment@meta", outs=["meta"]),
        stage("solve@writer", outs=["draws"]),
        stage("balance@dart", ["draws"], ["dart"]),
        stage("mix@texts", ["texts"], ["t"]),
        stage("mix@none", ["texts"], ["n"]),
        stage("mix@meta", ["meta"], ["m"]),
        stage("mix@dart", ["dart"], ["d"]),
        *(stage(f"pack@{name}", [name[0]], [f"{name}.blocks"]) for name in ("texts", "none", "meta", "dart")),
        trained("texts_1", "texts.blocks", 1),
        *(trained(name, f"{name}.blocks") for name in ("texts", "none", "meta", "dart")),
    )
)


def frame(schema, rows):
    return schema.validate(pl.DataFrame(rows, schema=schema.create_empty().schema))


def written(schema, rows, path):
    """A table on disk, in the handle that a stage gets."""
    Out(schema, path).write(pl.DataFrame(rows, schema=schema.create_empty().schema))
    return In(schema, path)


def training(questions, part="pretrain", source="web"):
    """Training rows by their ids."""
    return [
        {
            "row_id": row_id,
            "part": part,
            "source": source,
            "level": None,
            "kind": "cot",
            "turns": two_turns(question, "It is 2."),
            "input": question,
            "output": "It is 2.",
        }
        for row_id, question in questions.items()
    ]


def whole(rows, path):
    return written(TrainingRow, [{"position": place} | row for place, row in enumerate(rows)], path)


def teacher_answer(request_id, *, kept=True, cost_usd=None):
    return {
        "request_id": request_id,
        "prompt_id": f"p{request_id}",
        "teacher": "t",
        "provider": "openai",
        "model": "m",
        "finish_reason": "stop",
        "reasoning": "",
        "reasoning_tokens": 0,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "cost_usd": cost_usd,
        "kept": kept,
    }


def lineage(problem_id, expected_from):
    return {
        "problem_id": problem_id,
        "recipe": "meta",
        "operator": "answer",
        "seed_ids": ["s"],
        "parent_ids": [],
        "variant": "",
        "draw": 0,
        "expected": "2",
        "expected_from": expected_from,
    }


def ran(problem_id, status):
    return {
        "problem_id": problem_id,
        "status": status,
        "outputs": [],
        "output": "",
        "answer_counts": True,
        "error": None,
    }


def asked(read, kept, **more):
    return {"rows": {"read": read, "kept": kept}, "prompt_tokens": 50, "completion_tokens": 5} | more


TRAINED = {
    f"{stage}/{model}": values
    for model in ("texts", "none", "meta", "dart", "texts_1")
    for stage, values in {
        "pack": {"tokens": 900, "label_tokens": 500},
        "pretrain": {"tokens": 3650, "epochs": 4.05},
    }.items()
}
MEASURED = TRAINED | {
    "distill/initial": asked(2, 1),
    "distill/boosted": asked(3, 2),
    "synthesize/candidates": asked(9, 9),
    "synthesize/corpus": asked(9, 9),
    "augment/meta": asked(
        6,
        3,
        answered=6,
        cost_usd=0.5,
        priced=True,
        kept_tokens=30,
        operators={"answer": asked(4, 3), "mask": asked(0, 0)},
    ),
    "solve/writer": asked(
        8,
        8,
        paid={"answered": 8, "prompt_tokens": 80, "completion_tokens": 8, "cost_usd": 0.25, "priced": True},
    ),
}
INSTRUCTIONS = training({"i": "How many bags?"}, "instruction", "instruction")
SETS = {
    "texts": training({"a": "What is 1 + 1?", "b": "what is  1 + 1?", "c": "Name a prime."}) + INSTRUCTIONS,
    "none": INSTRUCTIONS,
    "meta": training({"x": "Name a prime.", "y": "Which prime?"}, source="seed") + INSTRUCTIONS,
    "dart": training({"s": "A seed itself?"}, source="seed"),
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    root = tmp_path_factory.mktemp("arms")
    checks = [
        {"problem_id": "a", "kind": "cot", "family": "f", "right": True},
        {"problem_id": "c", "kind": "cot", "family": None, "right": False},
    ]
    return Behind(
        training={name: whole(rows, root / f"{name}.parquet") for name, rows in SETS.items()},
        results={"texts": written(ExecutionResult, [ran("a", "ok"), ran("b", "error")], root / "r.parquet")},
        checked={"texts": written(CheckedProblem, checks, root / "c.parquet")},
        lineage={
            "meta": written(Lineage, [lineage("x", "masked"), lineage("y", "none")], root / "l.parquet")
        },
        answers={
            "initial": frame(TeacherAnswer, [teacher_answer("1"), teacher_answer("2", kept=False)]),
            "boosted": frame(
                TeacherAnswer, [teacher_answer("1"), teacher_answer("2", kept=False), teacher_answer("3")]
            ),
        },
        measured=MEASURED,
    )


@pytest.fixture(scope="module")
def facts(behind):
    return {row["model"]: row for row in arms_of(GRAPH, behind).facts.iter_rows(named=True)}


def test_an_answer_that_two_sets_hold_counts_once(facts):
    texts = facts["texts"]
    assert (texts["teacher_requests"], texts["teacher_tokens"], texts["teacher_tokens_kept"]) == (3, 330, 220)
    assert texts["student_tokens"] == 110
    assert texts["cost_usd"] is None, "the model has no price"


def test_every_call_of_a_recipe_and_of_a_solver_counts(facts):
    meta, dart = facts["meta"], facts["dart"]
    assert (meta["teacher_requests"], meta["teacher_tokens"], meta["teacher_tokens_kept"]) == (6, 55, 30)
    assert (meta["cost_usd"], meta["student_tokens"]) == (0.5, 0)
    assert (dart["teacher_requests"], dart["teacher_tokens"], dart["cost_usd"]) == (8, 88, 0.25)
    assert dart["teacher_tokens_kept"] is None
    assert dart["student_tokens"] == 0


def test_a_set_without_a_row_of_its_recipe_owes_it_nothing(facts):
    none = facts["none"]
    assert (none["synthetic_rows"], none["questions"], none["distance"], none["gain"]) == (0, 0, None, None)
    assert (none["teacher_tokens"], none["student_tokens"], none["cost_usd"]) == (0, 0, 0)


def test_rows_are_told_by_what_confirms_their_answers(facts):
    def told(model):
        return tuple(facts[model][name] for name in ("by_gold", "by_execution", "unconfirmed"))

    assert told("texts") == (0, 1, 2), "a program that failed confirms nothing"
    assert told("meta") == (1, 0, 1)
    assert told("dart") == (1, 0, 0), "a seed's own answer is the gold one"
    assert (facts["texts"]["checked"], facts["texts"]["right"]) == (1, 1), "of c no family is known"


def test_questions_count_once_whatever_their_case_and_spacing(facts):
    texts = facts["texts"]
    assert (texts["rows"], texts["synthetic_rows"], texts["questions"]) == (4, 3, 2)
    assert (texts["passes"], texts["starved"]) == (4.05, True)


def test_operators_and_overlaps_stand_in_tables_of_their_own(behind):
    found = arms_of(GRAPH, behind)
    OperatorYield.validate(found.operators)
    Overlap.validate(found.overlaps)
    kept = {(row["set"], row["operator"]): row["share"] for row in found.operators.iter_rows(named=True)}
    assert kept["meta", "answer"] == 0.75
    assert kept["meta", "mask"] is None
    shared = {(row["set"], row["against"]): row["shared"] for row in found.overlaps.iter_rows(named=True)}
    assert shared["texts", "meta"] == shared["meta", "texts"] == 1
    assert shared["texts", "none"] == 0


def test_scores_of_a_run_stand_beside_the_facts_and_are_null_without_such_a_benchmark(behind):
    found = arms_of(GRAPH, behind).facts
    changes = {"group_by": "average", "group": "macro over families", "setting": "both"}
    rows = [score("meta", 62.5, **changes), score("meta", 40.0), score("meta", 70.0, setting="tool")]
    macro = {"group_by": "macro", "setting": "both"}
    groups = {"seeds and texts": 80.0, "texts alone": 20.0, "none": 5.0}
    rows += [score("meta", accuracy, group=group, **macro) for group, accuracy in groups.items()]
    rows += [
        score("meta", accuracy, benchmark=benchmark, group="all families", **macro)
        for benchmark, accuracy in (("backward", 30.0), ("composed", 10.0))
    ]
    scores = pl.DataFrame(rows, schema=ScoreRow.create_empty().schema)
    arms = with_scores(found, scores, OfFamilies("families", "backward", "composed"))
    Arm.validate(arms)
    (meta,) = arms.filter(model="meta").iter_rows(named=True)
    assert (meta["accuracy"], meta["low"], meta["prose"], meta["tool"]) == (62.5, 55.0, 40.0, 70.0)
    assert [meta[name] for name in ("seeds_and_texts", "texts_alone", "no_data")] == [80.0, 20.0, 5.0]
    assert (meta["backward"], meta["composed"]) == (30.0, 10.0)
    assert (meta["answer_tokens"], meta["truncated"]) == (30.0, 1.0)
    Arm.validate(bare := with_scores(found, ScoreRow.create_empty(), OfFamilies(None, None, None)))
    assert bare["accuracy"].null_count() == bare.height == 5


def test_models_of_one_set_share_its_facts_and_one_of_them_is_compared(behind, facts):
    found = arms_of(GRAPH, behind)
    first, again = facts["texts"], facts["texts_1"]
    own = ("model", "seed")
    assert {name: first[name] for name in first if name not in own} == {
        name: again[name] for name in again if name not in own
    }
    assert (first["seed"], again["seed"]) == (0, 1)
    assert found.sets == {
        "texts_1": "texts",
        "texts": "texts",
        "none": "none",
        "meta": "meta",
        "dart": "dart",
    }
    assert found.rivals == ["texts", "none", "meta", "dart"], "of each set that of the least seed"


@given(st.lists(st.sets(st.integers(0, 8)), min_size=2, max_size=2), st.sets(st.integers(0, 8)))
def test_the_union_of_the_sets_is_what_is_owed(behind, sets, kept):
    answers = {
        name: frame(TeacherAnswer, [teacher_answer(str(one), kept=one in kept) for one in sorted(held)])
        for name, held in zip(("initial", "boosted"), sets, strict=True)
    }
    only = Behind({"texts": behind.training["texts"]}, {}, {}, {}, answers, MEASURED)
    alone = Graph(tuple(one for one in GRAPH.stages if one.base != "pretrain" or one.key == "texts"))
    (row,) = arms_of(alone, only).facts.iter_rows(named=True)
    union = set.union(*sets)
    assert (row["teacher_requests"], row["teacher_tokens"]) == (len(union), 110 * len(union))
    assert row["teacher_tokens_kept"] == 110 * len(union & kept)


def test_what_stands_above_a_stage_is_found_over_any_number_of_steps():
    assert upstream(GRAPH, "mix@texts") == [
        "distill/initial",
        "finetune/initial",
        "synthesize/candidates",
        "distill/boosted",
        "synthesize/corpus",
    ]
    assert upstream(GRAPH, "distill@initial") == []
