"""An export holds the rows of its table, one for one, in the form that the reader's own loader accepts."""

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from datasets import load_dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.exporting import FormatName
from jz3.cli.main import app
from jz3.core.errors import UserError
from jz3.export.export import export, line_of, rule_of
from jz3.export.formats import ASKED, FORMATS
from jz3.export.row import ExportRow, NoRow, Table
from jz3.export.sources import answer_of, exported
from jz3.public.curate_file import Wanted, curate_file
from jz3.reward import accuracy_reward, compute_score

TABLE = Table("data/mix/own", "0123456789abcdef")
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
answers = st.one_of(
    st.none(), texts, st.integers().map(str), st.sampled_from([r"\frac{1}{2}", "(1, 2)", "}"])
)
rows = st.lists(
    st.builds(
        ExportRow,
        row_id=texts,
        problem=texts,
        solution=st.none() | texts,
        answer=answers,
        answer_from=st.just("box"),
        licence=st.sampled_from(["", "MIT"]),
        pass_rate=st.none() | st.floats(0, 1),
    ),
    max_size=8,
)
many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines_of(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def read(folder):
    """The rows as read by polars and the standard library, which know nothing of the export."""
    if (folder / "data.jsonl").exists():
        return lines_of(folder / "data.jsonl")
    return pl.read_parquet(folder / "part-*.parquet").to_dicts()


def parts(form, row):
    """The problem, and what is learnt or rewarded, read from a row as the format's own documentation says."""
    match form:
        case "verl":
            return row["prompt"][0]["content"], row["reward_model"]["ground_truth"]
        case "trl-grpo":
            return row["prompt"][0]["content"], row["answer"]
        case "trl-sft":
            return row["prompt"][0]["content"], row["completion"][0]["content"]
        case "nemo-rl":
            return row["input"], row["output"]
        case "nemo-gym":
            return row["responses_create_params"]["input"][0]["content"], row["expected_answer"]
        case "openai" | "anthropic":
            user, assistant = row["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            return user["content"], assistant["content"]
        case "lm-eval":
            return row["question"], row["answer"]
        case "sharegpt":
            human, gpt = row["conversations"]
            assert (human["from"], gpt["from"]) == ("human", "gpt")
            return human["value"], gpt["value"]


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_command_has_the_formats():
    assert [name.value for name in FormatName] == list(FORMATS)


@many
@given(rows=rows, form=st.sampled_from(list(FORMATS)))
def test_rows_stand_one_for_one_and_the_same_bytes_again(tmp_path, rows, form):
    out = tmp_path / form
    manifest = export(rows, TABLE, FORMATS[form], out)
    first = bytes_of(out)
    needs = FORMATS[form].needs
    found, turned = read(out), lines_of(out / "rejected.jsonl")
    left_out = Counter((line["id"], line["rule"]) for line in turned)
    kept = []
    for row in rows:
        rule = next((key for key in left_out if key[0] == row.row_id and left_out[key]), None)
        value = row.answer if needs == "answer" else row.solution
        if (
            row.problem.strip()
            and (value or "").strip()
            and not (rule and rule[1] == "export.not_verifiable")
        ):
            kept.append((row.problem, value))
        else:
            assert rule is not None
            left_out[rule] -= 1
    asked = f"\n\n{ASKED}" if form in ("verl", "trl-grpo", "nemo-gym") else ""
    assert [parts(form, row) for row in found] == [(problem + asked, value) for problem, value in kept]
    assert manifest.rows.read == len(rows) == len(found) + len(turned)
    export(rows, TABLE, FORMATS[form], out)
    assert bytes_of(out) == first


@many
@given(rows=rows)
def test_a_reward_finds_every_exported_answer_right(tmp_path, rows):
    export(rows, TABLE, FORMATS["verl"], tmp_path / "verl")
    for row in read(tmp_path / "verl"):
        gold = row["reward_model"]["ground_truth"]
        assert compute_score(row["data_source"], f"It is \\boxed{{{gold}}}.", gold) == 1.0


@given(text=texts, other=texts)
def test_a_line_of_json_is_one_line_to_every_reader(text, other):
    line = line_of({text: other}).decode()
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {text: other}


@pytest.fixture
def file(tmp_path):
    rows = [
        {"id": "a", "question": "What is 2 + 3?", "solution": "It is \\boxed{5}.", "pass_rate": 0.25},
        {"id": "b", "question": "What is 3 + 3?", "solution": "It is six, or 6.", "pass_rate": 1},
        {"id": "c", "question": 'Say\u2028it\x85ℝ "😀"', "solution": "so\n#### 1,800", "license": "MIT"},
        {"id": "d", "question": "  ", "solution": "\\boxed{1}"},
        {"id": "e", "question": "half \ud800 a pair", "solution": "\\boxed{2}"},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n{not json\n")
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_the_reader_of_the_form_has_every_row(tmp_path, file, form, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    found = exported(str(file), None)
    out = tmp_path / form
    manifest = export(found.rows, found.table, FORMATS[form], out)
    kind, glob = ("json", "data.jsonl") if (out / "data.jsonl").exists() else ("parquet", "part-*.parquet")
    loaded = load_dataset(
        kind, data_files=str(out / glob), split="train", cache_dir=str(tmp_path / "cache")
    ).to_list()
    assert [parts(form, row) for row in loaded] == [parts(form, row) for row in read(out)]
    assert manifest.rows.read == 6
    expected = {"read.not_json": 1, "export.no_problem": 1}
    if FORMATS[form].needs == "answer":
        expected["export.no_answer"] = 1
        assert manifest.by_answer == {"box": 2, "hashes": 1}
    assert manifest.rows.rejected == dict(sorted(expected.items()))


def test_rewards_read_the_columns_of_grpo(tmp_path, file):
    found = exported(str(file), None)
    export(found.rows, found.table, FORMATS["trl-grpo"], tmp_path / "grpo")
    table = pl.read_parquet(tmp_path / "grpo/part-*.parquet")
    columns = {name: table[name].to_list() for name in table.columns if name != "prompt"}
    completions = [[{"role": "assistant", "content": text}] for text in columns["solution"]]
    assert accuracy_reward(completions=completions, **columns) == [1.0, 1.0, 1.0]
    assert columns["pass_rate"] == [0.25, None, None]
    assert columns["licence"] == ["", "MIT", ""]
    assert set(columns["table_digest"]) == {found.table.digest}


def test_forms_that_take_no_further_field_have_their_provenance_beside(tmp_path, file):
    found = exported(str(file), None)
    export(found.rows, found.table, FORMATS["anthropic"], tmp_path / "out")
    beside = lines_of(tmp_path / "out/provenance.jsonl")
    assert [line["id"] for line in beside] == ["a", "b", "c", "e"]
    for row in read(tmp_path / "out"):
        assert set(row) == {"messages"}
        assert all(set(message) == {"role", "content"} for message in row["messages"])


@pytest.mark.parametrize(
    ("solution", "found"),
    [
        ("so \\boxed{1} or rather \\boxed{2}", ("2", "box")),
        ("it is 7", (None, "")),
        ("\\boxed{}", (None, "")),
        ("#### ", (None, "")),
        ("#### a heading\n\nand a text", (None, "")),
        ("x\n#### -3.5", ("-3.5", "hashes")),
    ],
)
def test_an_answer_is_one_that_the_solution_marks(solution, found):
    assert answer_of(solution) == found


def test_fields_of_answers(tmp_path):
    rows = [
        {"problem": "p", "answer": 18, "response": "no box"},
        {"problem": "p", "answer": "long words " * 40, "response": "no box"},
        {"problem": "p", "answer": None, "response": "\\boxed{3}"},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    found = [(row.answer, row.answer_from) for row in exported(str(file), None).rows]
    assert found == [("18", "field"), (None, ""), ("3", "box")]


@pytest.mark.parametrize("name", ["answer", "Answer"])
def test_a_field_that_is_solution_and_answer_in_one(tmp_path, name):
    """AIME's public files have only `problem` and `answer`; sentences are solutions, not answers."""
    rows = [{"problem": "p", name: text} for text in (18, "\\frac{1}{2}", "It is 18.", "\\boxed{7}")]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    found = [(row.answer, row.answer_from) for row in exported(str(file), None).rows]
    assert found == [("18", "field"), ("\\frac{1}{2}", "field"), (None, ""), ("7", "box")]


def test_a_problem_whose_choices_stand_elsewhere_is_no_row(tmp_path):
    rows = [
        {"question": "Which is it?", "choices": ["north", "south"], "answer": 1},
        {"question": "Which is it? A) north B) south", "choices": ["north", "south"], "answer": "B"},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    first, second = exported(str(file), None).rows
    assert rule_of(first, FORMATS["trl-grpo"]) == "read.choices_apart"
    assert second.answer == "B"


def test_turns_of_others_are_problem_and_solution(tmp_path):
    turns = [{"role": "user", "content": "What is 2 + 3?"}, {"role": "assistant", "content": "\\boxed{5}"}]
    (tmp_path / "chat.jsonl").write_text(json.dumps({"messages": turns}))
    (row,) = exported(str(tmp_path / "chat.jsonl"), None).rows
    assert (row.problem, row.solution, row.answer) == ("What is 2 + 3?", "\\boxed{5}", "5")


def test_what_curate_left_is_exported_by_its_fields(tmp_path):
    problem = "A shop sells 12 apples a day, each for 2 dollars. How many dollars does it take in 7 days?"
    row = {"text": problem, "worked": "It sells 12 * 7 = 84 apples, so it takes \\boxed{168} dollars."}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row))
    file = str(tmp_path / "mine.jsonl")
    curate_file(file, tmp_path / "curated", Wanted(("execute",), "text", "worked"), lambda _: None)
    found = exported(str(tmp_path / "curated"), None)
    [kept] = found.rows
    assert found.table.name == "curated/kept.jsonl"
    assert (kept.problem, kept.solution, kept.answer) == (problem, row["worked"], "168")


def test_a_folder_of_others_is_left_as_it_is(tmp_path, file):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    run = CliRunner().invoke(app, ["export", "openai", str(file), "-o", str(out)])
    assert run.exit_code == 1
    assert bytes_of(out) == {"thesis.txt": b"precious"}


def test_a_file_is_not_replaced_by_its_export(tmp_path, file):
    out = str(tmp_path / "out")
    assert CliRunner().invoke(app, ["export", "trl-sft", str(file), "-o", out]).exit_code == 0
    part = tmp_path / "out/part-00000.parquet"
    before = part.read_bytes()
    done = CliRunner().invoke(app, ["export", "trl-sft", str(part), "-o", out])
    assert (done.exit_code, "which the output would replace" in done.stderr) == (1, True)
    assert part.read_bytes() == before


def test_a_file_beside_an_export_stops_the_next_one(tmp_path, file):
    out = tmp_path / "out"
    for _ in range(2):
        found = exported(str(file), None)
        export(found.rows, found.table, FORMATS["openai"], out)
    (out / "notes.txt").write_text("mine")
    found = exported(str(file), None)
    with pytest.raises(UserError, match=r"notes\.txt"):
        export(found.rows, found.table, FORMATS["verl"], out)
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "data.jsonl").exists()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("nowhere", "is not in a clone"), ("empty.jsonl", "no rows"), ("odd.jsonl", "no field of problems")],
)
def test_what_cannot_be_exported_is_one_line(tmp_path, monkeypatch, wanted, words):
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").write_text("")
    Path("odd.jsonl").write_text('{"left": 1}\n')
    run = CliRunner().invoke(app, ["export", "verl", wanted, "-o", "out"])
    assert run.exit_code == 1
    assert words in " ".join(run.stderr.split())
    assert not Path("out").exists()


def test_no_row_is_counted_by_its_rule(tmp_path):
    manifest = export([NoRow("line 3", "too_long")], TABLE, FORMATS["openai"], tmp_path / "out")
    assert manifest.rows.rejected == {"read.too_long": 1}
    assert (tmp_path / "out/rejected.jsonl").read_text() == '{"id":"line 3","rule":"read.too_long"}\n'


def test_an_export_without_a_row_ends_with_status_1(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"problem": "What is 2 + 2?"}\n{"problem": "What is 3 + 3?"}\n')
    done = CliRunner().invoke(app, ["export", "verl", str(file), "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "export.no_answer                      2" in done.stdout, "the account is shown all the same"
    (line,) = done.stderr.splitlines()
    assert "no row of mine.jsonl was written" in line
    assert (tmp_path / "out/rejected.jsonl").read_text().count("export.no_answer") == 2
