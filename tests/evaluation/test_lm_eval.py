"""An export has the layout of lm-eval, field by field, and our own reader of its samples reads it.

`lm_eval_0.4.13/` is what lm-eval itself wrote: a task of three questions, the model `dummy` (which always
answers `lol`), two answers to each, the filters `strict-match` and `flexible-extract`.
"""

import json
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import ArtifactError, InFiles
from jz3.evaluation.grade import grade
from jz3.evaluation.lm_eval import Answered, export_lm_eval
from jz3.tasks.item_formats import READERS
from jz3.tasks.raw import read_files
from tests.evaluation.test_answer import FILES, parameters
from tests.evaluation.test_grade import CLEAN, PARAMS, items, responses

THEIRS = Path(__file__).parent / "lm_eval_0.4.13"
GOLDS = ["1/2", "7", "9"]
TEXTS = ["So \\boxed{0.5}.", "The answer is 7", "\\boxed{8}"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    table, answered = items(GOLDS), responses(TEXTS)
    grades, _ = grade(answered, table, CLEAN, PARAMS)
    directory = tmp_path_factory.mktemp("lm_eval")
    material = Answered("m", table, answered, grades, parameters(), FILES)
    return export_lm_eval(material, directory / "one"), export_lm_eval(material, directory / "two")


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def fields(value, above=""):
    """Each field by its dotted name, with the type of its value; the contents of a list are one field."""
    if isinstance(value, dict):
        return {name: kind for key in value for name, kind in fields(value[key], f"{above}.{key}").items()}
    if isinstance(value, list) and value:
        return fields(value[0], f"{above}[]")
    return {above: type(value)}


NULL = type(None)
# The place of a data set, examples drawn by lm-eval, and filters made of its functions.
THEIRS_ALONE = ("dataset_kwargs", "test_split", "fewshot_config", "filter_list[].filter", "batch_sizes[]")
OPEN = (".config.model_args", ".config.gen_kwargs", ".configs.b_prose.generation_kwargs.top_p")
"""Objects describing what was asked for, which are empty in theirs; and a setting that theirs does
not name.
"""


def test_results_have_each_field_that_lm_eval_writes_and_no_other(written):
    theirs = fields(json.loads((THEIRS / "results.json").read_text()))
    theirs = {name: kind for name, kind in theirs.items() if not any(own in name for own in THEIRS_ALONE)}
    ours = fields(json.loads(written[0][0].read_text()))
    ours = {name: kind for name, kind in ours.items() if not name.startswith(OPEN)}
    assert ours.keys() == {name for name in theirs if not name.startswith(OPEN)} | {".config.batch_sizes"}
    for name in ours.keys() & theirs.keys():
        assert ours[name] == theirs[name] or NULL in (ours[name], theirs[name]) or "version" in name, name


def test_a_sample_has_the_fields_of_lm_eval_in_its_order_and_of_its_types(written):
    theirs, ours = lines(THEIRS / "samples.jsonl")[0], lines(written[0][1])[0]
    assert list(ours) == list(theirs)
    unlike = {".doc.choices", ".arguments.gen_args_0.arg_1.top_p"}  # the row of a data set, our sampling
    assert {name: kind for name, kind in fields(ours).items() if name not in unlike} == fields(theirs)


def test_samples_stand_in_lm_evals_order_one_filter_after_the_other(written):
    places = [(row["filter"], row["doc_id"]) for row in lines(written[0][1])]
    assert places == [(row["filter"], row["doc_id"]) for row in lines(THEIRS / "samples.jsonl")]


@pytest.mark.parametrize("whose", ["theirs", "ours"])
def test_hashes_are_of_what_lm_eval_hashes(written, whose):
    """The same function of the row gives lm-eval's hashes in lm-eval's file and ours in our file."""

    def digest(text):
        return sha256(text.encode()).hexdigest()

    directory = {"theirs": (THEIRS / "results.json", THEIRS / "samples.jsonl"), "ours": written[0][:2]}[whose]
    rows = lines(directory[1])
    for row in rows:
        assert row["doc_hash"] == digest(json.dumps(row["doc"], indent=2, ensure_ascii=False))
        assert row["prompt_hash"] == digest(row["arguments"]["gen_args_0"]["arg_0"])
        assert row["target_hash"] == digest(row["target"])
    joined = "".join(row["doc_hash"] + row["prompt_hash"] + row["target_hash"] for row in rows)
    assert json.loads(directory[0].read_text())["task_hashes"] == {"b_prose": digest(joined)}


@pytest.mark.parametrize("whose", ["theirs", "ours"])
def test_scores_are_the_means_of_the_samples_with_their_standard_error(written, whose):
    directory = {"theirs": (THEIRS / "results.json", THEIRS / "samples.jsonl"), "ours": written[0][:2]}[whose]
    scores = json.loads(directory[0].read_text())["results"]["b_prose"]
    for name in ("strict-match", "flexible-extract"):
        values = [row["exact_match"] for row in lines(directory[1]) if row["filter"] == name]
        column = pl.Series(values)
        assert scores[f"exact_match,{name}"] == pytest.approx(column.mean())
        assert scores[f"exact_match_stderr,{name}"] == pytest.approx(column.std() / len(values) ** 0.5)


def test_files_are_named_as_lm_eval_finds_them(written):
    """In a folder named after the model; the task is between the first and the last underscore of the
    name.
    """
    results, samples = written[0]
    assert results.parent.name == "m"
    assert results.name.startswith("results_")
    tag = results.stem.removeprefix("results_")
    assert "_" not in tag
    assert samples.name == f"samples_b_prose_{tag}.jsonl"


def test_scores_are_shares_by_filter_with_their_standard_error(written):
    results = json.loads(written[0][0].read_text())
    assert results["results"]["b_prose"] == {
        "name": "b_prose",
        "alias": "b_prose",
        "sample_len": 3,
        "exact_match,strict-match": pytest.approx(1 / 3),
        "exact_match_stderr,strict-match": pytest.approx((1 / 9) ** 0.5),
        "exact_match,flexible-extract": pytest.approx(2 / 3),
        "exact_match_stderr,flexible-extract": pytest.approx((1 / 9) ** 0.5),
    }
    assert results["n-samples"]["b_prose"] == {"original": 3, "effective": 3}


def test_what_was_read_and_written_stands_in_a_sample_by_each_filter(written):
    rows = lines(written[0][1])
    assert rows[0]["arguments"]["gen_args_0"]["arg_0"] == "## Question\nq\n\n## Solution\n"
    assert rows[0]["arguments"]["gen_args_0"]["arg_1"]["until"] == ["\n\n## Question"]
    assert [row["filtered_resps"] for row in rows if row["doc_id"] == 1] == [["[invalid]"], ["7"]]
    assert rows[1]["resps"] == [["The answer is 7"]]


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


@pytest.mark.parametrize("name", ["thesis.txt", "results_2024-05-01T00-00-00.json", "sub/notes.txt"])
def test_a_folder_that_holds_something_else_is_not_written_into(tmp_path, name):
    table, answered = items(GOLDS), responses(TEXTS)
    grades, _ = grade(answered, table, CLEAN, PARAMS)
    material = Answered("m", table, answered, grades, parameters(), FILES)
    again = export_lm_eval(material, tmp_path)
    assert export_lm_eval(material, tmp_path) == again, "its own files are the same, and stay"
    mine = tmp_path / "m" / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("precious")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ArtifactError, match="jz3 did not make it"):
        export_lm_eval(material, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
