"""The checker's figures: a correct problem counts; a wrong one, or one that nobody can read, does not."""

from pathlib import Path

import yaml

from jz3.curation.correctness import check_problems, correctness_metrics
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem
from jz3.writer.catalogue import FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.write import write_draw
from tests.report.builders import problem, table

BAGS = (
    "There are 3 bags with 2 apples in each bag, and Ann finds 6 more apples. "
    "How many apples are there altogether?"
)


def result(row, output, status="ok"):
    return {
        "problem_id": row["problem_id"],
        "status": status,
        "outputs": [output],
        "output": output,
        "answer_counts": False,
        "error": None,
    }


def checked(root, problems, results=()):
    return correctness_metrics(judged(root, problems, results))


def judged(root, problems, results=()):
    return check_problems(
        table(Problem, problems, root / "problems"),
        table(ExecutionResult, list(results), root / "results.parquet"),
    )


def test_a_tool_problem_is_correct_if_its_program_prints_the_exact_answer(tmp_path):
    rows = [problem(number, kind="tool", text=BAGS, answer="12") for number in range(5)]
    results = [
        result(rows[0], "12\n"),
        result(rows[1], "13\n"),
        result(rows[2], "12", status="timeout"),
        result(rows[3], "The answer\n12"),
    ]
    found = checked(tmp_path, rows, results)
    assert (found.tool_problems, found.tool_read, found.tool_correct) == (5, 5, 1)
    assert found.tool_correct_share == 0.2
    assert (found.prose_problems, found.prose_correct_share) == (0, None)


def test_a_prose_problem_is_correct_if_its_box_holds_the_exact_answer(tmp_path):
    rows = [
        problem(0, text=BAGS, answer="12"),
        problem(1, text=BAGS, answer="24"),
        problem(2, text=BAGS, answer="12") | {"answer": None},
        problem(3, text="Which problem is this?", answer="12"),
    ]
    found = checked(tmp_path, rows)
    assert (found.prose_problems, found.prose_read, found.prose_correct) == (4, 3, 1)
    assert found.prose_correct_share == 0.25
    assert found.families_read == 1


def test_every_problem_that_a_family_writes_is_correct(tmp_path):
    rows, results = [], []
    for number, family in enumerate(FAMILIES):
        kind = ("cot", "tool")[number % 2]
        made = write_draw(family, kind, family.draw(Draws(f"key {number}")), "key")
        rows.append(problem(number, kind=kind, text=made.problem, answer=made.answer))
        if kind == "tool":
            results.append(result(rows[-1], made.answer))
    found = checked(tmp_path, rows, results)
    assert found.families_read == found.families == len(FAMILIES)
    assert found.tool_correct_share == found.prose_correct_share == 1


def test_where_no_family_reads_any_problem_none_is_judged(tmp_path):
    """As with another teacher, who words problems differently."""
    rows = [problem(0, text="Bags have 2 apples; there are 6 of them. How many are there?", answer="12")]
    found = checked(tmp_path, rows)
    assert (found.prose_problems, found.prose_read, found.prose_correct) == (1, 0, 0)
    assert found.prose_correct_share is None
    assert found.tool_correct_share is None
    assert judged(tmp_path / "again", rows)["right"].to_list() == [None]


def test_the_first_rows_decide_whether_the_others_are_read(tmp_path, monkeypatch):
    """Reading six million problems of a teacher in vain would take an hour and a half."""
    monkeypatch.setattr("jz3.curation.correctness.FRAME", 2)
    other = "Which problem is this?"
    late = [problem(0, text=other), problem(1, text=other), problem(2, text=BAGS, answer="12")]
    assert judged(tmp_path / "late", late)["right"].to_list() == [None] * 3
    early = [problem(0, text=other), problem(1, text=BAGS, answer="12"), problem(2, text=BAGS, answer="12")]
    assert judged(tmp_path / "early", early)["right"].to_list() == [False, True, True]


def test_each_problem_has_its_verdict_and_what_no_family_reads_has_no_family(tmp_path):
    rows = [
        problem(0, text=BAGS, answer="12"),
        problem(1, text=BAGS, answer="24"),
        problem(2, text="Which problem is this?", answer="12"),
    ]
    found = judged(tmp_path / "writer", rows)
    assert found["right"].to_list() == [True, False, False]
    assert found["family"].is_null().to_list() == [False, False, True]


def test_no_stage_of_curation_reads_what_the_checker_found():
    root = Path(__file__).parents[2]
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    readers = {
        name for name, stage in stages.items() if "data/checked" in str(stage.get("do", stage).get("deps"))
    }
    assert readers.isdisjoint({"execute", "filter", "dedup", "decontaminate", "mix"})
    for name in ("execute", "filter", "dedup", "decontaminate", "mix"):
        code = [
            path for path in map(str, stages[name].get("do", stages[name])["deps"]) if path.endswith(".py")
        ]
        assert "jz3/curation/correctness.py" not in code
        assert not any(path.startswith("jz3/writer/") for path in code)
