"""The table of arms equals a recount, by independent code, of what the stages of the whole run left."""

import json
from itertools import permutations
from statistics import fmean

import polars as pl
import pytest
import yaml

from jz3.writer.catalogue import read as checker

TAUGHT = ("metamath", "openmathinstruct", "personamath", "rvsyn", "synthllm")
RECIPES = ("jiuzhang", "seed_problems", "dart", "mass", *TAUGHT)
MODELS = tuple(sorted((*RECIPES, "instruct_only")))


def read(root, path):
    found = root / path
    return pl.read_parquet(found if found.suffix == ".parquet" else sorted(found.glob("*.parquet")))


def metrics(root, stage):
    return json.loads((root / "data/metrics" / f"{stage}.json").read_text())


def synthetic(root, model):
    """Row id and question of each synthetic row."""
    rows = read(root, f"data/mix/{model}").filter(pl.col("part") == "pretrain")
    texts = (next(turn["text"] for turn in turns if turn["role"] == "user") for turns in rows["turns"])
    return dict(zip(rows["row_id"], (" ".join(text.lower().split()) for text in texts), strict=True))


def grades(root, model):
    return list(read(root, f"data/grades/{model}.parquet").iter_rows(named=True))


def macro(rows, verdict, benchmark="held_out", families=None):
    """The mean over families, or some of them, each of which is the mean of its settings."""
    cells = {}
    for row in rows:
        if row["benchmark"] == benchmark and (
            families is None or set(row["subject"].split(" + ")) & families
        ):
            cells.setdefault(row["subject"], {}).setdefault(row["setting"], []).append(row[verdict])
    return 100 * fmean(fmean(map(fmean, settings.values())) for settings in cells.values())


def group_of(subject, seeds, refused):
    families = set(subject.split(" + "))
    if families & refused:
        return "none"
    return "seeds and texts" if families <= seeds else "texts alone"


@pytest.fixture(scope="module")
def root(whole_run):
    return whole_run[0].path


@pytest.fixture(scope="module")
def arms(root):
    found = {row["model"]: row for row in read(root, "data/tables/arms.parquet").iter_rows(named=True)}
    assert tuple(found) == MODELS
    return found


@pytest.mark.parametrize("model", MODELS)
def test_rows_tokens_and_scores_of_an_arm_are_those_of_its_tables(root, arms, model):
    arm, rows, graded = arms[model], synthetic(root, model), grades(root, model)
    assert (arm["synthetic_rows"], arm["questions"]) == (len(rows), len(set(rows.values())))
    assert arm["rows"] == read(root, f"data/mix/{model}").height
    assert arm["tokens_read"] == pl.read_csv(root / f"data/plots/pretrain/{model}.csv")["tokens"][-1]
    assert arm["passes"] == pytest.approx(arm["tokens_read"] / arm["tokens"], rel=0.1)
    assert arm["accuracy"] == pytest.approx(macro(graded, "correct"))
    assert arm["accuracy_math_verify"] == pytest.approx(macro(graded, "second_opinion"))
    assert arm["answer_tokens"] == pytest.approx(fmean(row["completion_tokens"] for row in graded))
    assert arm["truncated"] == pytest.approx(100 * fmean(row["truncated"] for row in graded))
    confirmed = [arm[name] for name in ("by_gold", "by_execution", "unconfirmed")]
    assert sum(confirmed) == len(rows)


@pytest.fixture(scope="module")
def ground(root):
    """Families in the seeds, and families that every teacher refuses."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    refused = set(params["distill"]["teachers"]["writer"]["request"]["extra_body"]["refuses"])
    seeds = set(read(root, "data/tasks/seeds.parquet")["subject"])
    instructions = set(read(root, "data/tasks/instructions.parquet")["subject"])
    assert seeds == instructions == set(params["tasks"]["families"])
    return seeds, refused


@pytest.mark.parametrize("model", MODELS)
def test_figures_by_group_backward_and_composed_are_those_of_the_grades(root, arms, ground, model):
    graded, arm = grades(root, model), arms[model]
    families = {row["subject"] for row in graded if row["benchmark"] == "held_out"}
    assert len(families) == 64
    named = {"seeds_and_texts": "seeds and texts", "texts_alone": "texts alone", "no_data": "none"}
    for column, group in named.items():
        some = {family for family in families if group_of(family, *ground) == group}
        assert some
        assert arm[column] == pytest.approx(macro(graded, "correct", families=some))
    for benchmark in ("backward", "composed"):
        assert arm[benchmark] == pytest.approx(macro(graded, "correct", benchmark))


def test_every_score_of_a_group_is_that_of_its_items(root, ground):
    scores = read(root, "data/tables/scores.parquet").filter(group_by="coverage")
    found = {(row["model"], row["benchmark"], row["setting"], row["group"]): row for row in scores.to_dicts()}
    counted = {}
    for model in MODELS:
        for row in grades(root, model):
            if row["benchmark"] in ("held_out", "backward", "composed"):
                key = model, row["benchmark"], row["setting"], group_of(row["subject"], *ground)
                counted.setdefault(key, []).append(row["correct"])
    assert found.keys() == counted.keys()
    for key, verdicts in counted.items():
        assert found[key]["accuracy"] == pytest.approx(100 * fmean(verdicts)), key
        assert found[key]["items"] == len(verdicts)


def test_no_data_hold_a_problem_of_a_family_that_is_refused(root, ground):
    _, refused = ground
    for name in RECIPES:
        checked = read(root, f"data/checked/{name}.parquet")
        assert not set(checked["family"].drop_nulls()) & refused
    answers = read(root, "data/kd/initial.parquet")["problem"]
    assert not {found.family.name for text in answers if (found := checker(text))} & refused
    assert {found.family.name for text in answers if (found := checker(text))} - ground[0], "texts give more"


def test_figures_on_test_draws_stand_with_the_test_tables_alone(root, ground):
    apart = pl.read_csv(root / "data/tables/test/arms.csv")
    for row in apart.iter_rows(named=True):
        graded = list(read(root, f"data/test_grades/{row['model']}.parquet").iter_rows(named=True))
        assert {one["benchmark"] for one in graded} == {"held_out_test", "backward_test", "composed_test"}
        assert row["accuracy"] == pytest.approx(macro(graded, "correct", "held_out_test"), abs=0.01)
        assert row["backward"] == pytest.approx(macro(graded, "correct", "backward_test"), abs=0.01)
        assert row["composed"] == pytest.approx(macro(graded, "correct", "composed_test"), abs=0.01)
    shown = read(root, "data/tables/scores.parquet")["benchmark"]
    assert not [name for name in shown if name.endswith("_test")]


def test_what_teachers_took_is_what_their_answers_say(root, arms):
    answers, written = {}, set()
    for name in ("initial", "boosted"):
        for row in read(root, f"data/kd/answers/{name}.parquet").iter_rows(named=True):
            answers[row["request_id"]] = row["prompt_tokens"] + row["completion_tokens"]
        written |= set(read(root, f"data/kd/{name}.parquet")["problem_id"])
    texts, meta = arms["jiuzhang"], metrics(root, "augment/metamath")
    assert (texts["teacher_requests"], texts["teacher_tokens"]) == (len(answers), sum(answers.values()))
    assert texts["teacher_tokens_kept"] == sum(answers[request] for request in written)
    assert arms["metamath"]["teacher_tokens"] == meta["prompt_tokens"] + meta["completion_tokens"]
    assert 0 < arms["metamath"]["teacher_tokens_kept"] <= arms["metamath"]["teacher_tokens"]
    solver = metrics(root, "solve/writer")["paid"]  # `filter` compares the seeds with its pass rates
    assert arms["seed_problems"]["teacher_tokens"] == solver["prompt_tokens"] + solver["completion_tokens"]
    assert arms["seed_problems"]["teacher_tokens_kept"] is None
    assert arms["instruct_only"]["teacher_tokens"] == 0
    assert {arms[name]["student_tokens"] for name in ("instruct_only", "seed_problems")} == {0}


def test_confirmations_are_those_of_lineage_and_of_programs(root, arms):
    gold = {
        row["problem_id"]: row["expected_from"] in ("gold", "masked")
        for row in read(root, "data/lineage/metamath.parquet").iter_rows(named=True)
    }
    ended = {
        row["problem_id"]
        for row in read(root, "data/execution_results/jiuzhang").iter_rows(named=True)
        if row["status"] == "ok"
    }
    assert arms["metamath"]["by_gold"] == sum(gold[row] for row in synthetic(root, "metamath"))
    assert arms["jiuzhang"]["by_execution"] == sum(row in ended for row in synthetic(root, "jiuzhang"))


def test_questions_in_common_are_counted_by_their_texts(root):
    questions = {model: set(synthetic(root, model).values()) for model in MODELS}
    found = read(root, "data/tables/overlaps.parquet").rows()
    assert found == [
        (one, other, len(questions[one]), len(questions[one] & questions[other]))
        for one, other in permutations(MODELS, 2)
    ]
