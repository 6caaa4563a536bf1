"""`jz3 grade`: verdicts in the order of the lines, and a malformed line named by its number."""

import json
import subprocess
import sys

import pytest

from jz3.answers.grade_file import as_json, grade_answers, grade_responses, named, summary
from jz3.core.errors import UserError


def _file(tmp_path, *rows):
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_verdicts_come_in_the_order_of_the_lines(tmp_path):
    path = _file(
        tmp_path,
        {"gold": "18", "predicted": "18.0"},
        {"gold": "18", "predicted": "19", "benchmark": "gsm8k"},
        {"gold": 18, "predicted": "\\$18"},
        {"gold": "B", "predicted": "b", "benchmark": "aqua"},
    )
    verdicts = list(grade_answers(path))
    assert [verdict.equal for verdict in verdicts] == [True, False, True, True]
    assert json.loads(as_json(verdicts[0])) == {"equal": True, "rule": "number"}
    assert summary(verdicts).startswith("3 of 4 equal (75.00 %)")


def test_responses_are_extracted_first(tmp_path):
    path = _file(
        tmp_path,
        {"gold": "8", "predicted": "We add: 5 and 3. So \\boxed{8}."},
        {"gold": "C", "predicted": "A number, so choose (C).", "benchmark": "mmlu_stem"},
        {"gold": "8", "predicted": "I do not know"},
    )
    verdicts = list(grade_responses(path))
    assert [verdict.equal for verdict in verdicts] == [True, True, False]
    assert verdicts[2].rule == "no_answer"


BAD_LINES = [
    b"{",
    b"[1]",
    b'{"gold": "1"}',
    b'{"gold": "1", "predicted": true}',
    b'"text"',
    b'{"gold": "\xff"}',
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named_by_its_number_and_the_rest_is_graded(tmp_path, line):
    path = tmp_path / "bad.jsonl"
    good = b'{"gold": "1", "predicted": "1"}\n'
    path.write_bytes(good + b"\n" + line + b"\n" + good)
    told = []
    verdicts = list(named(grade_answers(path), told.append))
    assert [(verdict.line, verdict.equal) for verdict in verdicts] == [(1, True), (3, False), (4, True)]
    assert verdicts[1].rule == "bad_line"
    assert [message.partition(": ")[0] for message in told] == [f"{path}, line 3"]
    assert json.loads(as_json(verdicts[1])) == {
        "equal": False,
        "rule": "bad_line",
        "line": 3,
        "error": told[0],
    }


def test_the_command_names_a_bad_line_and_gives_a_verdict_for_each(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"gold": "1", "predicted": "1"}\nnonsense\n{"gold": "2", "predicted": null}\n')
    shown = subprocess.run(
        [sys.executable, "-m", "jz3", "grade", str(path), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rules = [json.loads(line)["rule"] for line in shown.stdout.splitlines()]
    assert rules == ["identical", "bad_line", "no_answer"]
    assert "line 2: not JSON" in shown.stderr


def test_null_is_no_answer_and_numbers_stay_as_they_are_written(tmp_path):
    path = tmp_path / "numbers.jsonl"
    huge = "7" * 6000
    path.write_text(
        "\ufeff"
        + f'{{"gold": 5, "predicted": {huge}}}\n{{"gold": {huge}, "predicted": {huge}}}\n'
        + '{"gold": 0.10, "predicted": 1e-1}\n{"gold": 5, "predicted": null}\n{"gold": 5, "predicted": NaN}\n'
        + f'{{"gold": "5", "predicted": "\\ud800"}}\n{{"gold": 5, "predicted": {"[" * 5000}}}\n',
        encoding="utf-8",
    )
    for verdicts in (list(grade_answers(path)), list(grade_responses(path))):
        assert [verdict.equal for verdict in verdicts[1:]] == [True, True, False, False, False, False]
        assert verdicts[3].rule == "no_answer"
        assert verdicts[6].rule == "bad_line"
    assert not next(grade_answers(path)).equal


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="absent"):
        list(grade_answers(tmp_path / "absent.jsonl"))
