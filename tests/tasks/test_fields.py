"""A benchmark or an instruction set whose fields the parameters name, in any kind of file."""

import csv
import json

import polars as pl
import pytest

from jz3.core.artifacts import InFiles
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.raw import DataError
from jz3.tasks.tasks import TasksParams, gather

FIELDS = {"name": "fields", "question": "q.text", "answer": "a", "subject": "tags", "level": "grade"}


def items(folder, form, rows=None, name="rows.jsonl"):
    if rows is not None:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"name": "own", "reader": "file", "pattern": name, "format": form, "items": None, "digest": None}
    table, metrics, _ = collect_items(InFiles(folder), BenchmarksParams.model_validate({"sources": [source]}))
    return table.select("question", "choices", "gold", "subject", "level").rows(), metrics.rows.rejected


def test_fields_are_read_where_the_parameters_say(tmp_path):
    rows = [
        {"q": {"text": " How many? "}, "a": 7, "tags": ["sums", "words"], "grade": 3},
        {"q": {"text": "How much?"}, "a": "It is 3.\n#### 1,200", "tags": []},
        {"q": {"text": "What is it?"}, "a": r"So $\boxed{\frac{1}{2}}$.", "tags": None},
        {"q": {"text": "Which?"}, "a": ["1", 2.0]},
        {"q": {"text": ""}, "a": 1},
        {"q": {"text": "Empty?"}, "a": " "},
    ]
    found, rejected = items(tmp_path, FIELDS, rows)
    assert found == [
        ("How many?", None, "7", "sums, words", "3"),
        ("How much?", None, "1200", None, None),
        ("What is it?", None, r"\frac{1}{2}", None, None),
        ("Which?", None, "1, 2", None, None),
    ]
    assert rejected == {"benchmarks.no_gold": 1, "benchmarks.no_question": 1}


@pytest.mark.parametrize(
    ("choices", "row"),
    [
        ("all", {"all": ["10", "20"]}),
        ("all", {"all": "A. 10\nB. 20"}),
        ("all", {"all": {"A": "10", "B": "20"}}),
        ("all", {"all": [{"label": "B", "text": "20"}, {"label": "A", "text": "10"}]}),
        ("all", {"all": "['10', '20']"}),
        (["one", "two", "three"], {"one": "10", "two": 20, "three": None}),
        (["one", "two", "three"], {"one": "10", "two": 20, "three": ""}),
    ],
)
@pytest.mark.parametrize("answer", ["B", 1, "20", "(b)"])
def test_choices_stand_in_one_field_or_in_several(tmp_path, choices, row, answer):
    form = {"name": "fields", "question": "q", "answer": "a", "choices": choices}
    assert items(tmp_path, form, [{"q": "Which?", "a": answer, **row}])[0] == [
        ("Which?", ["10", "20"], "B", None, None)
    ]


def test_an_answer_may_count_from_one(tmp_path):
    form = {"name": "fields", "question": "q", "answer": "a", "choices": ["x", "y"], "first_choice": 1}
    rows = [{"q": "Which?", "a": answer, "x": "10", "y": "20"} for answer in (1, "2", "B")]
    assert [row[2] for row in items(tmp_path, form, rows)[0]] == ["A", "B", "B"]
    with pytest.raises(DataError, match="the gold 0 is none of 2 choices"):
        items(tmp_path, form, [rows[0] | {"a": 0}])


def test_a_benchmark_may_be_a_csv_or_a_table(tmp_path):
    form = {"name": "fields", "question": "q", "answer": "a"}
    rows = [{"q": "One, or\ntwo?", "a": "007"}, {"q": "é?", "a": "8"}]
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["q", "a"])
        writer.writeheader()
        writer.writerows(rows)
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    expected = [("One, or\ntwo?", None, "007", None, None), ("é?", None, "8", None, None)]
    assert items(tmp_path, form, name="rows.csv")[0] == expected
    assert items(tmp_path, form, name="rows.parquet")[0] == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"q": {"text": "Why?"}}, "KeyError"),
        ({"q": {"text": 5}, "a": 1}, "'q.text' is a int"),
        ({"q": {"text": "Why?"}, "a": float("inf")}, "the number is inf"),
        ({"q": {"text": "Why?"}, "a": {}}, "the answer is a dict"),
    ],
)
def test_a_row_that_has_them_not_is_named_with_its_line(tmp_path, row, reason):
    with pytest.raises(
        DataError, match=rf"row 2 is not of the format 'fields' \(rows.jsonl line 2: .*{reason}"
    ):
        items(tmp_path, FIELDS, [{"q": {"text": "How?"}, "a": 1}, row])


def instructions(folder, form, rows):
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = {"reader": "file", "pattern": "set.jsonl", "format": form, "rows": None, "seed": 1}
    params = TasksParams.model_validate(
        {"families": [], "targets": {}, "instructions": {"own": told}, "seeds": {}}
    )
    gathered = gather(InFiles(folder), params)
    table, metrics = gathered.instructions, gathered.metrics
    return table.sort("problem"), metrics.rows


def test_an_instruction_set_of_ones_own(tmp_path):
    form = {"name": "fields", "question": "prompt", "solution": "reply", "subject": "topic", "kind": "cot"}
    rows = [
        {"prompt": "A?", "reply": r"So \boxed{1}.", "topic": "sums"},
        {"prompt": "B?", "reply": "Two."},
        {"prompt": "C?", "reply": ""},
        {"prompt": "D?"},
    ]
    table, account = instructions(tmp_path, form, rows)
    assert table.select("problem", "solution", "answer", "subject", "kind").rows() == [
        ("A?", r"So \boxed{1}.", "1", "sums", "cot"),
        ("B?", "Two.", None, None, "cot"),
    ]
    assert account.rejected == {"tasks.no_solution": 1, "tasks.other_format": 1}
    assert account.read == 4


def test_ids_of_instruction_rows_stay_where_others_go(tmp_path):
    rows = [{"question": f"What is {n} + 1?", "answer": f"It is {n + 1}.\n#### {n + 1}"} for n in range(9)]
    before, _ = instructions(tmp_path, "gsm8k", [rows[0], *rows])
    after, _ = instructions(tmp_path, "gsm8k", rows[:0:-1])
    ids = dict(before.select("problem", "problem_id").rows())
    assert before["problem_id"].n_unique() == 10
    assert all(ids[problem] == row_id for problem, row_id in after.select("problem", "problem_id").rows())
