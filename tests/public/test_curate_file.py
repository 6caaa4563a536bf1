"""`jz3 curate FILE`: every row is kept or rejected with a rule, by the graph's own functions."""

import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.artifacts import InFiles
from jz3.curation.decontaminate import decontaminate
from jz3.curation.dedup import DedupParams, dedup
from jz3.curation.filter import FilterParams, judge_form
from jz3.curation.overlap import DecontaminateParams
from jz3.curation.released import index_notes, read_releases
from jz3.public.curate_file import Wanted, curate_file
from jz3.public.curation import items_of, problems_of
from jz3.tables.item import Item
from jz3.tables.problem import Problem

ROOT = Path(__file__).parents[2]
ITEM = "A baker sells 12 loaves in the morning and 15 in the afternoon; how many loaves are sold in all?"
PROGRAM = (
    "We let Python add the numbers of the problem for us.\n\n```python\nprint({0} + 7)\n```\n\n"
    "```output\n{1}\n```\n\nTherefore the farmer has \\boxed{{{1}}} of them in the end."
)


def row(i, **fields):
    names = ["Anna", "Boris", "Carla", "David", "Elena", "Frank", "Greta", "Henry"]
    problem = f"{names[i]} keeps {i + 30} animals near town {i} and buys seven more; how many are there?"
    return {"question": problem, "response": PROGRAM.format(i + 30, i + 37), "mine": {"n": i}} | fields


ROWS = [
    *(row(i) for i in range(5)),
    row(5, question=row(0)["question"].upper()),
    row(6, response=PROGRAM.format(36, 99)),
    row(
        7,
        response="It is $\\frac{1}{2$, as we add all the numbers that are given in the text, one by one.",
    ),
    row(7, question=ITEM),
    row(7, question=None),
]


HEADER = b"question,ans\xffwer\nwhat is,5\nwhat else,6\n"


def write(path, rows):
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path):
    path = write(tmp_path / "mine.jsonl", ROWS)
    path.write_text(path.read_text() + "no row\n")
    return path


@pytest.fixture
def benchmark(tmp_path):
    (tmp_path / "bakery").mkdir()
    return write(tmp_path / "bakery/test.jsonl", [{"question": ITEM, "answer": "27"}])


def test_kept_and_rejected_are_all_that_was_read(file, benchmark, tmp_path):
    out = tmp_path / "out"
    done = run("curate", file, "--against", benchmark, "-o", out, "--json")
    account = json.loads(done.stdout)
    kept, rejected = lines(out / "kept.jsonl"), lines(out / "rejected.jsonl")
    assert account["rows"] == {
        "read": 11,
        "kept": 5,
        "rejected": {
            "decontaminate.ngram": 1,
            "dedup.exact": 1,
            "execute.wrong_answer": 1,
            "filter.unbalanced_latex": 1,
            "read.no_text": 1,
            "read.not_json": 1,
        },
        "failed": 0,
    }
    assert (len(kept), len(rejected)) == (5, 6)
    assert all(one in ROWS for one in kept)
    assert all({"jz3_rule", "jz3_evidence"} <= one.keys() for one in rejected)
    certificate = json.loads((out / "certificate/manifest.json").read_text())
    assert [one["hit_items"] for one in certificate["benchmarks"]] == [1]
    assert "data_files: kept.jsonl" in (out / "README.md").read_text()


def test_verdicts_are_those_of_the_stages(tmp_path, benchmark):
    rows = ROWS[:9]
    out = tmp_path / "out"
    wanted = Wanted(("filter", "dedup", "decontaminate"), against=[str(benchmark)])
    curate_file(str(write(tmp_path / "mine.jsonl", rows)), out, wanted, lambda _: None)
    paper = yaml.safe_load((ROOT / "profiles/paper.yaml").read_text())
    table = problems_of([one["question"] for one in rows], [one["response"] for one in rows])
    filtered = judge_form([Problem.cast(table)], FilterParams(**paper["filter"]["default"]))
    params = DedupParams(**paper["dedup"])
    released = read_releases(InFiles(tmp_path), [], index_notes(params.bands, params.rows_per_band))
    distinct = dedup(table.lazy(), [filtered], released, params, 1, tmp_path).verdicts
    items = Item.cast(items_of({"bakery": [ITEM]}))
    clean = decontaminate([table], items, DecontaminateParams(**paper["decontaminate"]), threads=1).verdicts
    rules = pl.concat([filtered, distinct, clean]).drop_nulls("rule").unique("row_id", keep="first")
    expected = {rows[int(name)]["question"]: (str(rule), seen) for name, rule, seen in rules.iter_rows()}
    found = lines(out / "rejected.jsonl")
    assert {one["question"]: (one["jz3_rule"], one["jz3_evidence"]) for one in found} == expected
    assert len(expected) == 3


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_tables_with_any_columns(tmp_path, ending):
    table = pl.DataFrame([{"text": one["question"], "n": i} for i, one in enumerate(ROWS[:6])])
    getattr(table, f"write_{ending}")(tmp_path / f"mine.{ending}")
    done = run("dedup", tmp_path / f"mine.{ending}", "--problem", "text", "-o", tmp_path / "out")
    assert "read 6, kept 5, rejected 1" in done.stdout
    assert {one["text"] for one in lines(tmp_path / "out/kept.jsonl")} <= set(table["text"])


def test_a_folder_of_others_is_left_and_ones_own_made_anew(file, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    assert run("dedup", file, "-o", out).exit_code == 1
    assert [one.name for one in out.iterdir()] == ["thesis.txt"]
    assert run("dedup", file, "-o", tmp_path / "new").exit_code == 0
    first = (tmp_path / "new/kept.jsonl").read_bytes()
    assert run("dedup", file, "-o", tmp_path / "new").exit_code == 0
    assert (tmp_path / "new/kept.jsonl").read_bytes() == first


@pytest.mark.parametrize(
    ("command", "rows", "said"),
    [
        ("dedup", [{"mine": "x"}], "--problem"),
        ("filter", [{"question": "x"}], "was expected. Name it with --solution.\n"),
        ("dedup", [{"question": " "}], "none of the 1 rows"),
        ("dedup", [], "no rows"),
    ],
)
def test_what_cannot_be_curated_is_named(tmp_path, command, rows, said):
    done = run(command, write(tmp_path / "mine.jsonl", rows), "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert said in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [b"n\xff.csv", b"plain.csv"])
@pytest.mark.parametrize("command", [("dedup",), ("export", "openai")])
def test_a_name_that_is_not_utf8_is_one_line(tmp_path, name, command):
    """In a header or in a file's name: Python keeps its bytes as halves of surrogate pairs."""
    file = tmp_path / os.fsdecode(name)
    file.write_bytes(b"question,answer\nwhat is \xff,5\nwhat else is,6\n" if name[0:1] == b"n" else HEADER)
    done = run(*command, file, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "not UTF-8" in done.output
    assert len(done.output.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_rows_with_bytes_that_are_not_utf8_are_rejected(tmp_path):
    (tmp_path / "mine.csv").write_bytes(b"question,answer\nwhat is \xff,5\nwhat else is there,6\n")
    assert run("dedup", tmp_path / "mine.csv", "-o", tmp_path / "out").exit_code == 0
    assert [one["jz3_rule"] for one in lines(tmp_path / "out/rejected.jsonl")] == ["read.not_utf8"]
    assert len(lines(tmp_path / "out/kept.jsonl")) == 1


@settings(max_examples=15)
@given(
    texts=st.lists(
        st.one_of(
            st.none(), st.text(st.characters(exclude_categories=()), max_size=20)
        ),  # halves of pairs too
        min_size=1,
        max_size=12,
    )
)
def test_no_row_is_lost(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("law")
    asked = ["What is 2 + 3?", *texts]  # a file without a readable row is an error
    file = write(folder / "mine.jsonl", [{"question": text, "n": i} for i, text in enumerate(asked)])
    curate_file(str(file), folder / "out", Wanted(("dedup",)), lambda _: None)
    kept, rejected = lines(folder / "out/kept.jsonl"), lines(folder / "out/rejected.jsonl")
    assert sorted(one["n"] for one in kept + rejected) == list(range(len(asked)))


def test_benchmarks_of_one_name_are_compared_together(tmp_path):
    """`a/items.jsonl` and `b/items.jsonl`, or the training and the test items of one benchmark."""
    for folder, one in (("a", ROWS[0]), ("b", ROWS[1])):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "items.jsonl", [{"question": one["question"]}])
    file = write(tmp_path / "mine.jsonl", ROWS[:3])
    against = [("--against", tmp_path / folder / "items.jsonl") for folder in "ab"]
    done = run("decontaminate", file, *against[0], *against[1], "-o", tmp_path / "out", "--json")
    account = json.loads(done.stdout)
    assert account["rows"]["rejected"] == {"decontaminate.ngram": 2}
    assert account["benchmarks"] == ["items"]


def test_a_compressed_benchmark_has_the_name_of_its_folder(tmp_path, benchmark):
    packed = benchmark.with_name("test.jsonl.gz")
    packed.write_bytes(gzip.compress(benchmark.read_bytes()))
    file = write(tmp_path / "mine.jsonl", ROWS[:2])
    done = run("decontaminate", file, "--against", packed, "-o", tmp_path / "out", "--json")
    assert json.loads(done.stdout)["benchmarks"] == ["bakery"]


def test_a_benchmark_without_a_field_of_questions_is_named(tmp_path):
    """`--problem` names a field of the file, not of the benchmark."""
    file = write(tmp_path / "mine.jsonl", ROWS[:2])
    items = write(tmp_path / "items.jsonl", [{"data": {"mine": ITEM}}])
    done = run("decontaminate", file, "--against", items, "-o", tmp_path / "out")
    last = done.stderr.splitlines()[-1]
    assert "found data.mine. Rename the field of its questions to `question`." in last


def test_a_benchmark_without_questions_is_named_and_rows_without_one_are_counted(tmp_path):
    file = write(tmp_path / "mine.jsonl", ROWS[:2])
    empty = write(tmp_path / "empty.jsonl", [{"question": None}])
    done = run("decontaminate", file, "--against", empty, "-o", tmp_path / "out")
    assert (done.exit_code, "has no text in any `question`" in done.stderr) == (1, True)
    some = write(tmp_path / "some.jsonl", [{"question": ITEM}, {"question": None}])
    done = run("decontaminate", file, "--against", some, "-o", tmp_path / "out")
    assert "1 of its rows have no question in `question` and are compared with nothing" in done.stderr


def test_the_file_is_not_replaced_by_its_output(tmp_path):
    file = write(tmp_path / "mine.jsonl", ROWS[:6])
    assert run("dedup", file, "-o", tmp_path / "out").exit_code == 0
    before = {one: one.read_bytes() for one in (tmp_path / "out").rglob("*") if one.is_file()}
    done = run("dedup", tmp_path / "out/kept.jsonl", "-o", tmp_path / "out")
    assert (done.exit_code, "which the output would replace" in done.stderr) == (1, True)
    assert {one: one.read_bytes() for one in (tmp_path / "out").rglob("*") if one.is_file()} == before


def test_rows_are_json_to_every_reader(tmp_path):
    """A bare NaN is not JSON."""
    table = pl.DataFrame([{"question": one["question"], "score": float("nan")} for one in ROWS[:2]])
    table.with_columns(
        nested=pl.struct(deep=pl.concat_list(pl.col("score"), pl.lit(float("inf"))))
    ).write_parquet(tmp_path / "mine.parquet")
    assert run("dedup", tmp_path / "mine.parquet", "-o", tmp_path / "out").exit_code == 0
    read = pl.read_ndjson(tmp_path / "out/kept.jsonl")
    assert read["score"].to_list() == [None, None]
    assert read["nested"].to_list() == [{"deep": [None, None]}] * 2


def test_numbers_beyond_floats_are_kept_as_they_are_written(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text(f'{{"question": "{ROWS[0]["question"]}", "score": 1e400}}\n')
    assert run("dedup", file, "-o", tmp_path / "out").exit_code == 0
    assert lines(tmp_path / "out/kept.jsonl") == [{"question": ROWS[0]["question"], "score": "1e400"}]


def test_the_items_of_svamp_are_compared_with_their_stories(tmp_path):
    """Of `Question` alone too little is left to compare, and what asks the same of another story is clean."""
    story, asked = (
        "Dan had $ 3 left with him after he bought a candy bar. If he had $ 4 at the start",
        "How much was it?",
    )
    items = write(tmp_path / "svamp.jsonl", [{"Body": story, "Question": asked, "Answer": 1.0}])
    mine = [f"{story}. {asked}", f"{ROWS[0]['question']} {asked}"]
    file = write(tmp_path / "mine.jsonl", [{"question": text} for text in mine])
    done = run("decontaminate", file, "--against", items, "-o", tmp_path / "out", "--json")
    assert json.loads(done.stdout)["rows"]["rejected"] == {"decontaminate.ngram": 1}
    assert [one["question"] for one in lines(tmp_path / "out/kept.jsonl")] == mine[1:]


def test_a_benchmark_is_neither_the_file_itself_nor_replaced_by_the_output(tmp_path):
    file = write(tmp_path / "mine.jsonl", ROWS[:2])
    done = run("decontaminate", file, "--against", tmp_path / "." / "mine.jsonl", "-o", tmp_path / "out")
    assert (done.exit_code, "is the file itself; the items of a benchmark" in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()
    assert run("dedup", file, "-o", tmp_path / "out").exit_code == 0
    other = write(tmp_path / "other.jsonl", ROWS[3:5])
    done = run("decontaminate", other, "--against", tmp_path / "out/kept.jsonl", "-o", tmp_path / "out")
    assert (done.exit_code, "which the output would replace" in done.stderr) == (1, True)
    assert len(lines(tmp_path / "out/kept.jsonl")) == 2
