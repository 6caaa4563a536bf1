"""Each example in docs/evaluation.md is judged as the page says, by the rule it names."""

import json
import re
from pathlib import Path

from jz3.answers.equality import equal
from tests.answers.make_cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"


def _examples():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
        if not line.startswith("| `") or len(cells) < 2:
            continue
        for cell, label in zip(cells[1:3], (True, False), strict=False):
            for gold, predicted in re.findall(r"`([^`]+)` and `([^`]+)`", cell):
                yield cells[0], gold, predicted, label


def test_every_rule_that_any_case_meets_is_explained_on_the_page_and_no_other():
    """Rules of a limit are met by hostile texts, `no_answer` by extraction; each has a test of its own."""
    equality = PAGE.read_text(encoding="utf-8").partition("## Equality")[2].partition("\n#")[0]
    lines = equality.splitlines()
    explained = {
        rule
        for line in lines
        if line.startswith("| `")
        for rule in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    met = {equal(row["gold"], row["predicted"]).rule for row in cases}
    met |= {equal(gold, predicted).rule for _, gold, predicted, _ in _examples()}
    of_limits = {"timeout", "worker_died", "too_long", "too_deep", "control_characters", "no_answer"}
    assert met <= explained
    assert explained - met <= of_limits
    assert of_limits <= explained


def test_the_examples_of_the_page_hold():
    examples = list(_examples())
    assert len(examples) > 60
    wrong = [
        (rules, gold, predicted, verdict)
        for rules, gold, predicted, label in examples
        if (verdict := equal(gold, predicted)).equal is not label or f"`{verdict.rule}`" not in rules
    ]
    assert wrong == []
