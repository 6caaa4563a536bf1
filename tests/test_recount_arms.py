"""The table of arms equals a recount of what the stages of the whole run left, by code of its own."""

import json
from itertools import permutations
from statistics import fmean

import polars as pl
import pytest

MODELS = ("instruct_only", "jiuzhang", "metamath", "seed_problems")


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


def macro(rows, verdict):
    """Over families, each the mean of its settings."""
    cells = {}
    for row in rows:
        if row["benchmark"] == "held_out":
            cells.setdefault(row["subject"], {}).setdefault(row["setting"], []).append(row[verdict])
    return 100 * fmean(fmean(map(fmean, settings.values())) for settings in cells.values())


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
    solver = metrics(root, "solve/writer")["paid"]  # whose pass rates `filter` holds the seeds against
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
