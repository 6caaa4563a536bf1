"""Each example in docs/evaluation.md is judged as the page says, by the rule it names."""

import re
from pathlib import Path

from jz3.answers.equality import equal

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"


def _examples():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
        if not line.startswith("| `") or len(cells) < 2:
            continue
        for cell, label in zip(cells[1:3], (True, False), strict=False):
            for gold, predicted in re.findall(r"`([^`]+)` and `([^`]+)`", cell):
                yield cells[0], gold, predicted, label


def test_the_examples_of_the_page_hold():
    examples = list(_examples())
    assert len(examples) > 60
    wrong = [
        (rules, gold, predicted, verdict)
        for rules, gold, predicted, label in examples
        if (verdict := equal(gold, predicted)).equal is not label or f"`{verdict.rule}`" not in rules
    ]
    assert wrong == []
