"""The score of MASS: the toy graph of the fact sheet, and laws of values; then the stages themselves."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy
from scipy.stats import spearmanr

from jz3.core.artifacts import MANIFEST, In, InDir, Out
from jz3.lm.tokenizer import train_tokenizer
from jz3.selection.prompt_values import prompt_values
from jz3.selection.select_order import OrderError, ordered
from jz3.selection.skill_scores import Scorer, floor_of, matrix_of
from jz3.selection.value import Graph, ValueParams, read_graph, scorer_of, valued
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.problem import Problem
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.vectors.ngrams import ngram_vectors
from jz3.writer.catalogue import FAMILIES
from tests.conftest import ROOT
from tests.curation.test_card import MODEL
from tests.stage_folder import stage_folder
from tests.teacher.builders import seed_row

CONCEPTS = Concept.validate(
    pl.DataFrame(
        [
            {"concept_id": str(n), "kind": "skill", "name": f"skill {n}", "count": c}
            for n, c in ((1, 4), (2, 3), (3, 2))
        ],
        schema=Concept.create_empty().schema,
    )
)
EDGES = ConceptEdge.validate(
    pl.DataFrame(
        [
            {"one": "1", "other": "2", "count": 2},
            {"one": "1", "other": "3", "count": 1},
            {"one": "2", "other": "3", "count": 1},
        ],
        schema=ConceptEdge.create_empty().schema,
    )
)
NEAR = np.array(
    [[0.80, 0.10, 0.10], [0.10, 0.10, 0.80], [0.45, 0.45, 0.10], [0.34, 0.33, 0.33], [0.10, 0.45, 0.45]],
    dtype=np.float32,
)
TOY = {
    ("linear", "graph", None): [1.1361, 0.8056, 1.0972, 1.0019, 0.9319],
    ("quadratic", "graph", None): [0.4150, 0.2400, 0.4072, 0.3346, 0.2857],
    ("linear", "nodes", None): [0.4111, 0.2556, 0.3722, 0.3344, 0.2944],
    ("linear", "graph", 0.3): [0.9556, 0.5778, 1.0250, 1.0019, 0.8125],
    ("quadratic", "graph", 0.3): [0.2844, 0.1422, 0.3600, 0.3346, 0.2137],
    ("linear", "identity", None): [1.0, 1.0, 1.0, 1.0, 1.0],
}


@pytest.mark.parametrize(("form", "adjacency", "floor"), TOY)
def test_the_toy_graph_of_three_skills(form, adjacency, floor):
    matrix = matrix_of(CONCEPTS, EDGES, adjacency, "count")
    # Skills are the axes, so that a text's vector is its similarities.
    scorer = Scorer(np.eye(3, dtype=np.float32), matrix, form, floor, None)
    assert scorer(NEAR).round(4).tolist() == TOY[form, adjacency, floor]
    if adjacency == "graph":
        assert matrix.degrees_K.round(4).tolist() == [1.1944, 1.0833, 0.7222]


def test_weights_by_log_and_the_nearest_skills():
    by_log = matrix_of(CONCEPTS, EDGES, "graph", "log")
    assert by_log.nodes_K == pytest.approx(np.log([5, 4, 3]) / np.log([5, 4, 3]).sum())
    assert by_log.edges_E.sum() == pytest.approx(1)
    nearest = Scorer(
        np.eye(3, dtype=np.float32), matrix_of(CONCEPTS, EDGES, "nodes", "count"), "linear", None, 1
    )
    assert nearest(NEAR[:2]).round(4).tolist() == [0.3556, 0.1778]


shapes = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 6))
numbers = st.floats(-1, 1, width=32)


@st.composite
def scored(draw):
    """Vectors of texts and skills, a graph over the skills, and a form."""
    texts, skills, size = draw(shapes)
    vectors = [draw(of_numpy.arrays(np.float32, (rows, size), elements=numbers)) for rows in (texts, skills)]
    vectors = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-6) for one in vectors]
    pairs = [(one, other) for one in range(skills) for other in range(one + 1, skills)]
    concepts = pl.DataFrame(
        {
            "concept_id": [str(n) for n in range(skills)],
            "count": draw(st.lists(st.integers(1, 9), min_size=skills, max_size=skills)),
        }
    )
    taken = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = pl.DataFrame(
        {
            "one": [str(one) for one, _ in taken],
            "other": [str(other) for _, other in taken],
            "count": [draw(st.integers(1, 9)) for _ in taken],
        },
        schema={"one": pl.String, "other": pl.String, "count": pl.Int64},
    )
    matrix = matrix_of(concepts, edges, draw(st.sampled_from(["graph", "nodes", "identity"])), "count")
    form = draw(st.sampled_from(["linear", "quadratic"]))
    return vectors[0], Scorer(vectors[1], matrix, form, draw(st.sampled_from([None, 0.0, 0.3])), None)


@given(scored())
def test_scores_are_those_of_the_formula_and_a_text_alone_has_its_own(case):
    texts, scorer = case
    skills = len(scorer.skills_KD)
    matrix = np.diag(scorer.matrix.nodes_K)
    for one, other, weight in zip(
        scorer.matrix.one_E, scorer.matrix.other_E, scorer.matrix.edges_E, strict=True
    ):
        matrix[one, other] += weight
        matrix[other, one] += weight
    near = (texts @ scorer.skills_KD.T).astype(np.float64)
    if scorer.floor is not None:
        near[(texts @ scorer.skills_KD.T) < np.float32(scorer.floor)] = 0
    expected = (
        near @ matrix @ np.ones(skills)
        if scorer.form == "linear"
        else np.einsum("nk,kl,nl->n", near, matrix, near)
    )
    found = scorer(texts)
    clear = np.abs(texts @ scorer.skills_KD.T - (scorer.floor or 9)).min(axis=1) > 1e-5  # of the floor
    assert found[clear] == pytest.approx(expected[clear], abs=1e-5)
    alone = np.concatenate([scorer(texts[number : number + 1]) for number in range(len(texts))])
    assert alone[clear] == pytest.approx(found[clear], abs=1e-5)


@given(scored())
def test_linear_without_a_floor_is_the_similarity_to_one_vector(case):
    texts, scorer = case
    whole = Scorer(scorer.skills_KD, scorer.matrix, "linear", None, None)
    by_sums = whole.of_similarities((texts @ scorer.skills_KD.T).astype(np.float32))
    assert whole(texts) == pytest.approx(by_sums, abs=1e-5)


def test_a_block_is_no_border(monkeypatch):
    rng = np.random.default_rng(0)
    texts, skills = rng.normal(size=(600, 32)).astype(np.float32), rng.normal(size=(3, 32)).astype(np.float32)
    scorer = Scorer(skills, matrix_of(CONCEPTS, EDGES, "graph", "count"), "quadratic", 0.5, None)
    expected = scorer(texts)
    monkeypatch.setattr("jz3.selection.skill_scores.BLOCK", 17)
    assert scorer(texts) == pytest.approx(expected, abs=1e-4)


def test_a_floor_is_a_similarity_below_which_the_share_lies():
    near = np.linspace(0, 1, 1001, dtype=np.float32).reshape(7, 143)
    floor = floor_of(near, 0.9)
    assert (near < floor).mean() == pytest.approx(0.9, abs=0.002)
    assert floor_of(np.full((3, 3), 0.25, np.float32), 0.9) == 0.25


def params(**changes):
    values = {
        "method": "mass",
        "form": "linear",
        "adjacency": "graph",
        "weights": "count",
        "floor": {"quantile": 0.9, "references": 20},
        "most_skills": None,
        "encoder": {"kind": "spelling", "dimensions": 512, "most_words": 512},
        "seed": 1,
    }
    return ValueParams.model_validate(values | changes)


def problems(rows):
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema).sort("problem_id"))


def problem(number, family, drawn_by=None):
    seed = seed_row(number, family, drawn_by=drawn_by)
    row = {name: seed[name] for name in ("level", "kind", "subject", "solution", "answer")}
    return row | {"problem_id": f"p{number:03}", "problem": seed["question"], "source": "web"}


POOL = [problem(number, family) for number, family in enumerate(FAMILIES)]
GRAPH = Graph(
    Concept.validate(
        CONCEPTS.with_columns(name=pl.Series(["perimeter of rectangle", "linear equation", "mean of data"]))
    ),
    EDGES,
)


def encode(texts):
    return ngram_vectors(texts, 512, 512)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([row["solution"] for row in POOL], 400)


def values_of(tmp_path, rows, tokenizer, **changes):
    Out(Problem, tmp_path / "problems").write(problems(rows))
    found = valued(
        In(Problem, tmp_path / "problems"), problems(POOL[:30]), GRAPH, encode, tokenizer, params(**changes)
    )
    metrics = Out(Value, tmp_path / "values").sink(found)
    return In(Value, tmp_path / "values").read(), metrics


def test_values_of_a_subset_are_those_of_the_whole_and_equal_problems_are_worth_the_same(tmp_path, tokenizer):
    twin = POOL[3] | {"problem_id": "twin"}
    whole, metrics = values_of(tmp_path, [*POOL, twin], tokenizer)
    some, _ = values_of(tmp_path, POOL[40:9:-3], tokenizer)
    both = some.join(whole, on="problem_id", suffix="_of_whole")
    assert both.height == len(POOL[40:9:-3])
    assert both["value"].to_list() == pytest.approx(both["value_of_whole"].to_list(), abs=1e-6)
    worth = dict(whole.select("problem_id", "value").iter_rows())
    assert worth["twin"] == pytest.approx(worth["p003"], abs=1e-6)
    assert metrics.rows.read == metrics.rows.kept == len(POOL) + 1
    assert whole["solution_tokens"].min() > 5
    best = whole.sort("value", descending=True)["problem_id"].head(3).to_list()
    family = {row["problem_id"]: row["subject"] for row in POOL}
    assert {family.get(one) for one in best} & {"grade.perimeter", "high.linear", "middle.mean"}


def test_the_metrics_say_how_little_the_graph_adds(tmp_path, tokenizer):
    found, metrics = values_of(tmp_path, POOL, tokenizer)
    plain, same = values_of(tmp_path, POOL, tokenizer, floor=None)
    assert same.same_as_one_vector == 1
    assert same.floor is None
    assert metrics.same_as_one_vector == pytest.approx(spearmanr(found["value"], plain["value"])[0], abs=1e-6)
    assert metrics.same_as_one_vector < 1
    assert metrics.length == pytest.approx(spearmanr(found["value"], found["solution_tokens"])[0], abs=1e-6)


def test_no_problem_no_reference_and_no_skill_are_no_error(tmp_path, tokenizer):
    assert values_of(tmp_path, [], tokenizer)[1].value == {}
    empty = Graph(Concept.create_empty(), ConceptEdge.create_empty())
    scorer = scorer_of(empty, Problem.create_empty(), encode, params())
    assert scorer.floor is None
    assert scorer(encode(["a rectangle"])).tolist() == [0]


def test_values_without_losses_and_checkpoints_make_values_of_prompts(tmp_path, tokenizer):
    found, _ = values_of(tmp_path, POOL[:4], tokenizer)
    rows = problems([row | {"prompt_id": f"r{number // 2}"} for number, row in enumerate(POOL[:4])])
    of_prompts = prompt_values(found, rows, "mean").sort("prompt_id")
    worth = found["value"].to_list()
    assert of_prompts["value"].to_list() == pytest.approx([sum(worth[:2]) / 2, sum(worth[2:]) / 2])
    assert of_prompts.select(pl.col("loss", "cosines", "best_task").null_count()).row(0) == (2, 2, 2)
    pool = of_prompts.with_columns(source=pl.lit("web"), level=pl.lit("grade"))
    with pytest.raises(OrderError, match=r"2 of 2 rows have no loss.* such as influence"):
        ordered(pool, "highest_loss", 0)


@pytest.mark.long
def test_the_stages_from_references_to_a_recipe(tmp_path):
    """`skills`, `value` and `choose` as processes, on a small scratch data set."""
    every_family = {"skills.mass.teachers.writer.request.extra_body": {}}  # no request is refused
    folder = stage_folder(tmp_path / "run", params={"choose.mass.share": 0.5, **every_family})
    Out(Problem, folder / "references").write(problems(POOL[:20]))
    Out(Problem, folder / "pool").write(problems(POOL))
    (folder / "models").mkdir()
    train_tokenizer([row["solution"] for row in POOL], 400).save_pretrained(folder / "tokenizer")
    (folder / "tokenizer" / MANIFEST).write_text(MODEL.model_dump_json())
    for name in ("none", "executed"):
        rule = "execute.failed" if name == "executed" else None
        verdicts = [{"row_id": "p007", "rule": rule, "evidence": None}]
        Out(Verdict, folder / f"{name}.parquet").write(
            pl.DataFrame(verdicts, schema=Verdict.create_empty().schema)
        )

    def stage(name, *flags):
        done = subprocess.run(
            [sys.executable, "-m", f"stages.{name}", "--params", f"{name}.mass", *flags],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(tmp_path / "store")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads((folder / f"{name}.json").read_text())

    named = stage(
        *("skills", "--references", "references", "--decontaminated", "none.parquet"),
        *("--prompts", str(ROOT / "data/recipes/mass"), "--models", "models", "--workings", "workings"),
        *("--rejects", "rejects.parquet", "--failures", "failures.parquet", "--metrics", "skills.json"),
    )
    assert named["rows"]["kept"] == 20
    graph = read_graph(InDir(WorkingsManifest, folder / "workings"))
    assert graph.concepts.height == named["skills"]
    value = stage(
        *("value", "--problems", "pool", "--references", "references", "--workings", "workings"),
        *("--models", "models", "--tokenizer", "tokenizer", "--values", "values", "--metrics", "value.json"),
    )
    assert value["rows"]["kept"] == len(POOL)
    verdicts = [
        ("--executed", "executed.parquet"),
        *((f"--{one}", "none.parquet") for one in ("filtered", "deduped", "decontaminated")),
    ]
    chosen = stage(
        *("choose", "--pool", "pool", "--values", "values", *(word for pair in verdicts for word in pair)),
        *("--problems", "problems", "--rejects", "left.parquet", "--metrics", "choose.json"),
    )
    rows = In(Problem, folder / "problems").read()
    assert rows.height == chosen["rows"]["kept"]
    assert chosen["rows"]["rejected"].keys() == {"execute.failed", "choose.lower_value"}
    assert 0.5 <= chosen["chosen_tokens"] / chosen["tokens"] < 0.6
    worth = dict(In(Value, folder / "values").read().select("problem_id", "value").iter_rows())
    least = min(worth[one] for one in rows["problem_id"])
    assert all(worth[one] <= least for one in set(worth) - set(rows["problem_id"]) - {"p007"})
