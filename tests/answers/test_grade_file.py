"""`jz3 grade`: verdicts in the order of the lines, and a malformed line named by its number."""

import json

import pytest

from jz3.answers.grade_file import as_json, grade_answers, grade_responses, summary
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


@pytest.mark.parametrize("line", ["{", "[1]", '{"gold": "1"}', '{"gold": "1", "predicted": null}', '"text"'])
def test_a_malformed_line_is_named_by_its_number(tmp_path, line):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"gold": "1", "predicted": "1"}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"bad\.jsonl, line 3: "):
        list(grade_answers(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="absent"):
        list(grade_answers(tmp_path / "absent.jsonl"))
