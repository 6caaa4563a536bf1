import json
import re
from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.target import Target
from jz3.tasks.raw import DataError
from jz3.tasks.tasks import TasksParams, gather
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.splits import part_of
from stages.tasks import main

COVERED = [family.name for family in FAMILIES[::3]]
COT = {"reader": "writer", "kind": "cot", "rows_per_family": 3, "seed": 1}
TOOL = COT | {"kind": "tool"}
GSM8K = {"reader": "file", "pattern": "gsm8k.jsonl", "format": "gsm8k", "rows": None, "seed": 1}


def params(targets, instructions, families=COVERED, seeds=None):
    found = {name: {"licence": "MIT", "split": "train", "rows": rows} for name, rows in (seeds or {}).items()}
    return TasksParams.model_validate(
        {"families": families, "targets": targets, "instructions": instructions, "seeds": found}
    )


@pytest.fixture
def raw(tmp_path: Path):
    rows = [
        {"question": f"What is {n} + {n}?", "answer": f"{n}+{n}=<<{n}+{n}={2 * n}>>{2 * n}\n#### {2 * n}"}
        for n in range(20)
    ]
    (tmp_path / "gsm8k.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return InFiles(tmp_path)


def test_instruction_data_and_targets_have_draws_of_their_own_from_the_listed_families_alone(raw):
    both = {"cot": COT, "tool": TOOL}
    gathered = gather(raw, params(both, both, seeds=both))
    metrics = gathered.metrics
    for table, column, part in (
        (gathered.targets, "question", "target"),
        (gathered.instructions, "problem", "instruction"),
        (gathered.seeds, "question", "teacher"),
    ):
        assert set(table["subject"]) == set(COVERED)
        assert table.height == 2 * 3 * len(COVERED)
        for row in table.iter_rows(named=True):
            reading = read(row[column])
            assert reading is not None
            assert reading.family.name == row["subject"]
            assert part_of(reading.family, reading.values) == part
            assert ("```python" in row["solution"]) == (row["kind"] == "tool")
    assert metrics.instructions_by_kind == {"cot": 3 * len(COVERED), "tool": 3 * len(COVERED)}
    assert metrics.targets == {"cot": 3 * len(COVERED), "tool": 3 * len(COVERED)}


def test_more_rows_of_a_family_keep_those_there_were(raw):
    few = gather(raw, params({}, {"cot": COT})).instructions
    many = gather(raw, params({}, {"cot": COT | {"rows_per_family": 6}})).instructions
    assert many.filter(pl.col("problem_id").is_in(few["problem_id"].implode())).equals(
        many.join(few, on="problem_id", how="semi")
    )
    assert set(few["problem_id"]) < set(many["problem_id"])
    assert set(few["problem"]) <= set(many["problem"])


def test_rows_of_a_file_are_drawn_by_hash_and_made_plain(raw):
    targets = gather(raw, params({"gsm8k": GSM8K | {"rows": 5}}, {})).targets
    more = gather(raw, params({"gsm8k": GSM8K | {"rows": 9}}, {})).targets
    assert targets.height == 5
    assert set(targets["target_id"]) < set(more["target_id"])
    for row in targets.iter_rows(named=True):
        number = int(re.search(r"\d+", row["question"])[0])
        answer = 2 * number
        assert row["solution"] == f"{number}+{number}={answer}\nThe answer is $\\boxed{{{answer}}}$."


def test_released_rows_and_math_are_read(raw):
    rows = [
        {"input": "## Question\nA?\n\n## Step-by-Step Solution\n", "output": "So \\boxed{1}."},
        {"input": "## Question\nB?\nC?\n\n## Code Solution\n", "output": "```python\nprint(2)\n```"},
    ]
    (raw.path / "sft.jsonl").write_text("\n".join(map(json.dumps, rows)))
    math = {
        "problem": "P?",
        "solution": "It is $\\boxed{\\frac{1}{2}}$.",
        "type": "Algebra",
        "level": "Level 5",
    }
    (raw.path / "math.jsonl").write_text(json.dumps(math))
    sft = GSM8K | {"pattern": "sft.jsonl", "format": "sft"}
    instructions = gather(
        raw, params({}, {"sft": sft, "math": GSM8K | {"pattern": "math.jsonl", "format": "math"}})
    ).instructions
    found = instructions.select("kind", "problem", "answer", "subject", "level").sort("problem").rows()
    assert found == [
        ("cot", "A?", "1", None, None),
        ("tool", "B?\nC?", None, None, None),
        ("cot", "P?", "\\frac{1}{2}", "Algebra", None),
    ]


def test_seed_problems_of_a_file_are_none_that_targets_or_instruction_data_hold(raw):
    wanted = {"gsm8k": GSM8K | {"rows": 6}}
    gathered = gather(raw, params(wanted, {"gsm8k": GSM8K | {"rows": 7, "seed": 2}}, seeds={"gsm8k": GSM8K}))
    taken = {*gathered.targets["question"], *gathered.instructions["problem"]}
    assert set(gathered.seeds["question"]) == {f"What is {n} + {n}?" for n in range(20)} - taken
    assert gathered.metrics.seeds == {"gsm8k": 20 - len(taken)}
    assert gathered.metrics.rows.kept == 6 + 7 + 20 - len(taken)
    with pytest.raises(DataError, match=f"20 rows were asked for, and there are {20 - len(taken)}"):
        gather(raw, params(wanted, {"g": GSM8K | {"rows": 7, "seed": 2}}, seeds={"g": GSM8K | {"rows": 20}}))


def test_a_seed_problem_is_the_passage_of_what_is_written_from_it(raw):
    gathered = gather(raw, params({}, {}, seeds={"cot": COT}))
    problems, seeds = gathered.seed_problems, gathered.seeds
    assert set(problems["source"]) == {"seed"}
    assert problems["passage_id"].null_count() == problems.height, "it is copied from no other text"
    texts = dict(gathered.seed_passages.select("passage_id", "text").iter_rows())
    assert texts == dict(problems.select("problem_id", "problem").iter_rows())
    assert texts == dict(seeds.select("seed_id", "question").iter_rows())
    assert set(gathered.seed_passages["licence"]) == set(seeds["licence"]) == {"MIT"}
    assert set(seeds["split"]) == {"train"}
    assert set(seeds["origin"]) == {"cot"}
    columns = ("level", "kind", "subject", "solution", "answer")
    assert problems.select(columns).equals(seeds.select(columns))
    assert seeds["answer"].null_count() == 0


def test_seeds_are_of_no_split_that_a_benchmark_is():
    with pytest.raises(ValueError, match="split"):
        TasksParams.model_validate(
            {"families": [], "targets": {}, "instructions": {}}
            | {"seeds": {"gsm8k": {"licence": "MIT", "split": "test", "rows": GSM8K}}}
        )


def test_what_the_parameters_name_wrongly_is_named(raw):
    with pytest.raises(DataError, match=r"grade\.juggling"):
        gather(raw, params({}, {"cot": COT}, families=["grade.juggling"]))
    with pytest.raises(DataError, match="30 rows were asked for, and there are 20"):
        gather(raw, params({"gsm8k": GSM8K | {"rows": 30}}, {}))
    with pytest.raises(DataError, match="row 1 is not of the format 'sft'"):
        gather(raw, params({"gsm8k": GSM8K | {"format": "sft"}}, {}))


def test_the_stage_leaves_both_tables_and_an_account(raw, tmp_path):
    main(
        params({"cot": COT, "gsm8k": GSM8K}, {"tool": TOOL}),
        raw,
        Out(Target, tmp_path / "targets.parquet"),
        Out(Problem, tmp_path / "instructions.parquet"),
        Out(SeedProblem, tmp_path / "seeds.parquet"),
        Out(Problem, tmp_path / "seed_problems"),
        Out(Passage, tmp_path / "seed_passages"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Metrics(tmp_path / "metrics.json"),
    )
    targets, instructions = (
        In(Target, tmp_path / "targets.parquet"),
        In(Problem, tmp_path / "instructions.parquet"),
    )
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert In(Reject, tmp_path / "rejects.parquet").rows() == 0
    assert numbers["rows"]["kept"] == targets.rows() + instructions.rows() == 6 * len(COVERED) + 20
    assert set(instructions.read()["source"]) == {"instruction"}
