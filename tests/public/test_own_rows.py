"""Files as users have them: turns, capitals, nested fields, stdin, a data set of the hub."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.errors import UserError
from jz3.public.hub_files import hub_files
from jz3.public.own_rows import fields_of, no_text, problem_of, solution_of
from tests.conftest import ROOT
from tests.loopback_hub import COMMIT, LoopbackHub, serving

ASKED = ["How many eggs are in four dozen eggs?", "How many legs have seven spiders in all?"]
SAID = ["There are 4 * 12 = 48 eggs, so \\boxed{48}.", "There are 7 * 8 = 56 legs, so \\boxed{56}."]


def chat(question, answer, who="role", what="content", asking="user", answering="assistant"):
    return [
        {who: "system", what: "Be brief."},
        {who: asking, what: question},
        {who: answering, what: "Let me see."},
        {who: asking, what: "And?"},
        {who: answering, what: answer},
    ]


SHAPES = {
    "messages": lambda q, a: {"messages": chat(q, a)},
    "sharegpt": lambda q, a: {"conversations": chat(q, a, "from", "value", "human", "gpt")},
    "parts": lambda q, a: {"messages": chat(q, [{"type": "text", "text": a}])},
    "prompt of turns": lambda q, a: {
        "prompt": [{"role": "user", "content": q}],
        "completion": [{"role": "assistant", "content": a}],
    },
    "capitals": lambda q, a: {"QUESTION": q, "Answer": a},
    "a list of one": lambda q, a: {"question": q, "response": [a]},
    "turns as JSON": lambda q, a: {"messages": json.dumps(chat(q, a))},
    "alpaca": lambda q, a: {"instruction": q, "input": "", "output": a},
    "alpaca with an input": lambda q, a: {
        "instruction": q.partition("\n\n")[0],
        "input": q.partition("\n\n")[2],
        "output": a,
    },
    "preferences": lambda q, a: {"prompt": q, "chosen": chat(q, a), "rejected": chat(q, "No.")},
    "a prompt beside its turns": lambda q, a: {"prompt": q, "messages": chat(q, a)},
    "openmathinstruct-2": lambda q, a: {"problem": q, "generated_solution": a, "expected_answer": "48"},
    "svamp": lambda q, a: {
        "Body": q.rpartition(" in ")[0],
        "Question": "in" + q.rpartition(" in")[2],
        "Answer": a,
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_problem_and_solution_are_found_in_each_shape(shape):
    rows = [SHAPES[shape](*texts) for texts in zip(ASKED, SAID, strict=True)]
    fields = fields_of("mine.jsonl", rows, None, None)
    assert [problem_of(row, fields.problem) for row in rows] == ASKED
    assert [solution_of(row, fields.solution) for row in rows] == SAID


def test_a_field_within_another_is_shown_and_taken_by_its_name():
    rows = [{"data": {"text": ASKED[0]}, "n": 1}]
    with pytest.raises(UserError, match=r"found data\.text, n\."):
        fields_of("mine.jsonl", rows, None, None)
    assert problem_of(rows[0], fields_of("mine.jsonl", rows, "data.text", None).problem) == ASKED[0]


def test_the_story_before_a_question_is_said_and_may_be_missing():
    rows = [{"Question": ASKED[1]}, {"Body": "A spider has eight legs.", "Question": "And seven?"}]
    fields = fields_of("mine.jsonl", rows, None, None)
    assert fields.said(rows).startswith("problem from `Body` and `Question`, solution")
    assert [problem_of(row, fields.problem) for row in rows] == [
        ASKED[1],
        "A spider has eight legs. And seven?",
    ]
    nested = {"data": {"body": "A spider has eight legs.", "question": "And seven?"}}
    assert problem_of(nested, "data.question") == "A spider has eight legs. And seven?"
    assert problem_of({"Body": "A spider has eight legs.", "Question": ""}, "Question") == ""


def test_an_instruction_and_its_input_are_one_problem():
    rows = [
        {"instruction": "Factor the expression.", "input": "x^2 - 1", "output": "(x - 1)(x + 1)"},
        {"instruction": "Find the roots.", "input": "x^2 - 1", "output": "1 and -1"},
        {"instruction": "What is 2 + 2?", "input": "", "output": "4"},
    ]
    for some in (rows, rows[:2], rows[2:]):
        fields = fields_of("mine.jsonl", some, None, None)
        told = [problem_of(row, fields.problem) for row in some]
        assert len(set(told)) == len(some)
        assert all(
            row["instruction"] in text and row["input"] in text for row, text in zip(some, told, strict=True)
        )
    assert (
        fields_of("mine.jsonl", rows, None, None)
        .said(rows)
        .startswith("problem from `instruction` and `input`")
    )


def test_a_table_without_a_header_is_named():
    with pytest.raises(
        UserError, match=r"found What is it\?, 5\. The first line of a CSV file names its columns"
    ):
        fields_of("mine.csv.gz", [{"What is it?": "Why?", "5": "6"}], None, None)
    with pytest.raises(UserError, match="found no field at all"):
        fields_of("mine.jsonl", [{}], None, None)


def test_bytes_are_no_text():
    assert no_text({"question": b"\x89PNG"}, "question")
    assert problem_of({"question": b"\x89PNG"}, "question") is None


def test_a_file_of_one_object_around_its_rows_is_named():
    with pytest.raises(UserError, match="`data` is a list of 2 objects: give a file with only that list"):
        fields_of("mine.json", [{"data": [{"question": text} for text in ASKED]}], None, None)


def test_what_is_no_text_is_rejected_and_never_compared_as_one(tmp_path):
    rows = [{"question": ASKED, "solution": SAID}, {"question": ASKED[0], "solution": SAID[0]}]
    (tmp_path / "mixed.json").write_text(json.dumps(rows))
    done = CliRunner().invoke(
        app, ["dedup", str(tmp_path / "mixed.json"), "-o", str(tmp_path / "out"), "--json"]
    )
    assert json.loads(done.stdout)["rows"]["rejected"] == {"read.not_text": 1}


@pytest.mark.parametrize(
    "rows", [{"question": ASKED, "solution": SAID}, [{"question": None}, {"question": ""}]]
)
def test_a_file_of_which_no_row_can_be_read_is_no_success(tmp_path, rows):
    """Such as one object with whole columns, as pandas writes it."""
    (tmp_path / "columns.json").write_text(json.dumps(rows))
    done = CliRunner().invoke(app, ["dedup", str(tmp_path / "columns.json"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "rows of columns.json can be read (read.no" in done.stderr
    assert not (tmp_path / "out").exists()


def test_stdin_is_json_lines(tmp_path):
    lines = "".join(json.dumps({"question": text}) + "\n" for text in [*ASKED, ASKED[0].upper()])
    done = CliRunner().invoke(app, ["dedup", "-", "-o", str(tmp_path / "out")], input=lines)
    assert done.stdout.splitlines()[:2] == ["read 3, kept 2, rejected 1", f"  {'dedup.exact':30} {1:8}"]
    assert "stdin.jsonl: 3 rows" in done.stderr


def test_a_data_set_of_the_hub_is_curated_at_its_commit(tmp_path):
    pl.DataFrame({"question": ASKED, "answer": SAID}).write_parquet(tmp_path / "train.parquet")
    hub = LoopbackHub()
    hub.files["datasets/me/sums"] = {
        "README.md": b"# Sums",
        "dataset_infos.json": b"{}",
        "main/train-00000-of-00001.parquet": (tmp_path / "train.parquet").read_bytes(),
        "main/test.jsonl": b"{}\n",
    }
    hub.files["datasets/me/asked"] = {"test.jsonl": json.dumps({"question": ASKED[0]}).encode()}
    asked, sums = "hf://datasets/me/asked", "hf://datasets/me/sums"
    out = tmp_path / "out"
    with serving(hub):
        done = subprocess.run(
            [sys.executable, "-m", "jz3", "decontaminate", sums, "--against", asked, "-o", out, "--json"],
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0"}
            | {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
    status, document, said = done.returncode, done.stdout, done.stderr
    assert status == 0, said
    assert f"{sums}@{COMMIT}: main/train-00000-of-00001.parquet" in said
    account = json.loads(document)
    assert account["file"] == f"{sums}@{COMMIT}"
    assert (account["benchmarks"], account["rows"]["rejected"]) == (["asked"], {"decontaminate.whole": 1})
    assert json.loads((out / "kept.jsonl").read_text())["question"] == ASKED[1]


def test_an_address_that_is_none_and_a_hub_that_is_not_there_are_one_line(monkeypatch):
    with pytest.raises(UserError, match=r"`hf://datasets/OWNER/NAME`"):
        hub_files("hf://datasets/sums")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        UserError, match=r"me/sums could not be fetched from http://127\.0\.0\.1:9 \("
    ) as failed:
        hub_files("hf://datasets/me/sums")
    assert "\n" not in str(failed.value)
