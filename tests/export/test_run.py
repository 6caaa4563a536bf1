"""An export of a finished run is its training set, with the licence of the passage behind each row."""

import json
import shutil
import subprocess

import polars as pl
import pytest

from tests.conftest import Clone


@pytest.fixture(scope="module")
def clone(whole_run):
    return whole_run[0]


def test_a_training_set_with_its_provenance(clone, tmp_path):
    clone.run("python", "-m", "jz3", "export", "verl", "--out", str(tmp_path / "out"))
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    rows = pl.read_parquet(tmp_path / "out/part-*.parquet")
    training = pl.read_parquet(clone.path / "data/mix/jiuzhang/part-*.parquet")
    assert manifest["table"] == "data/mix/jiuzhang"
    assert manifest["rows"]["read"] == training.height
    known = rows.select(pl.col("extra_info").struct.unnest(), "reward_model")
    left_out = [json.loads(line)["id"] for line in (tmp_path / "out/rejected.jsonl").read_text().splitlines()]
    assert known["id"].to_list() == [name for name in training["row_id"] if name not in left_out]
    problems = pl.read_parquet(clone.path / "data/problems/jiuzhang/part-*.parquet")
    passages = pl.read_parquet(clone.path / "data/sample/corpus/part-*.parquet")
    expected = (
        known.select("id")
        .join(problems.select("problem_id", "passage_id"), left_on="id", right_on="problem_id", how="left")
        .join(passages, on="passage_id", how="left", maintain_order="left")
    )
    assert known["licence"].to_list() == expected["licence"].fill_null("").to_list()
    assert known["recipe"].to_list() == [
        "instruction" if part == "instruction" else "jiuzhang"
        for name, part in training.select("row_id", "part").iter_rows()
        if name not in left_out
    ]
    results = pl.read_parquet(clone.path / "data/execution_results/jiuzhang/part-*.parquet")
    printed = dict(results.filter("answer_counts").select("problem_id", "output").iter_rows())
    by_program = known.filter(pl.col("answer_from") == "program")
    assert by_program.height
    for name, gold in by_program.select(
        "id", pl.col("reward_model").struct.field("ground_truth")
    ).iter_rows():
        assert gold == printed[name].strip()


def test_a_table_that_is_not_here_is_an_error_and_no_empty_column(clone, tmp_path):
    copy = Clone(tmp_path / "copy")
    left_out = shutil.ignore_patterns(".git", "cache", "corpus", "models", "packed")
    shutil.copytree(clone.path, copy.path, ignore=left_out)
    done = subprocess.run(
        ("python", "-m", "jz3", "export", "openai", "--out", str(tmp_path / "out")),
        cwd=copy.path,
        env=copy.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "data/sample/corpus does not exist" in done.stderr
    assert "`dvc repro sample`" in done.stderr
    assert not (tmp_path / "out").exists()
