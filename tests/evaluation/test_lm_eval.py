"""What is exported is what lm-eval's own tools and our own reader of its samples expect."""

import json

import polars as pl
import pytest

from jz3.core.artifacts import InFiles
from jz3.evaluation.grade import grade
from jz3.evaluation.lm_eval import Answered, export_lm_eval
from jz3.tasks.item_formats import READERS
from jz3.tasks.raw import read_files
from tests.evaluation.test_answer import FILES, parameters
from tests.evaluation.test_grade import CLEAN, PARAMS, items, responses

GOLDS = ["1/2", "7", "9"]
TEXTS = ["So \\boxed{0.5}.", "The answer is 7", "\\boxed{8}"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    table, answered = items(GOLDS), responses(TEXTS)
    grades, _ = grade(answered, table, CLEAN, PARAMS)
    directory = tmp_path_factory.mktemp("lm_eval")
    material = Answered("m", table, answered, grades, parameters(), FILES)
    return export_lm_eval(material, directory / "one"), export_lm_eval(material, directory / "two")


def test_scores_are_shares_by_filter_with_their_standard_error(written):
    results = json.loads(written[0][0].read_text())
    assert results["results"]["b_prose"] == {
        "alias": "b_prose",
        "exact_match,strict-match": pytest.approx(1 / 3),
        "exact_match_stderr,strict-match": pytest.approx((1 / 9) ** 0.5),
        "exact_match,flexible-extract": pytest.approx(2 / 3),
        "exact_match_stderr,flexible-extract": pytest.approx((1 / 9) ** 0.5),
    }
    # The sections that lm-eval 0.4 writes for each task.
    for section in ("configs", "versions", "n-shot", "higher_is_better", "n-samples", "group_subtasks"):
        assert list(results[section]) == ["b_prose"], section
    assert results["n-samples"]["b_prose"] == {"original": 3, "effective": 3}


def test_a_sample_has_the_fields_of_lm_eval_for_each_filter(written):
    rows = [json.loads(line) for line in written[0][1].read_text().splitlines()]
    assert [(row["doc_id"], row["filter"]) for row in rows[:3]] == [
        (0, "strict-match"),
        (0, "flexible-extract"),
        (1, "strict-match"),
    ]
    assert set(rows[0]) == {
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
        *("doc_hash", "prompt_hash", "target_hash", "exact_match"),
    }
    assert rows[0]["arguments"]["gen_args_0"]["arg_0"] == "## Question\nq\n\n## Solution\n"
    assert [row["filtered_resps"] for row in rows[2:4]] == [["[invalid]"], ["7"]]
    assert rows[2]["resps"] == [["The answer is 7"]]


def test_the_samples_are_read_back_as_the_items_they_came_from(written):
    rows = read_files(InFiles(written[0][1].parent), "samples_*.jsonl").rows
    read = [READERS["lm_eval"](row) for row in rows if row["filter"] == "strict-match"]
    assert [(item.question, item.gold) for item in read] == [("q", gold) for gold in GOLDS]


def test_the_same_responses_give_the_same_files(written):
    for one, two in zip(*written, strict=True):
        assert one.name == two.name
        assert one.read_bytes() == two.read_bytes()


def test_an_item_without_a_response_is_left_out(tmp_path):
    table, answered = items(GOLDS), responses(TEXTS[:1])
    grades, _ = grade(answered, table, CLEAN, PARAMS)
    files = export_lm_eval(Answered("m", table, answered, grades, parameters(), FILES), tmp_path)
    assert len(files[1].read_text().splitlines()) == 2
    assert pl.DataFrame(json.loads(files[0].read_text())["n-samples"]["b_prose"])["effective"].to_list() == [
        1
    ]
