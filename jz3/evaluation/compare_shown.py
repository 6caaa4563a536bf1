"""A comparison of answer files as lines for people, as one document for scripts, and as a line per item."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from jz3.evaluation.compare import Comparison, Score

SHOWN = 10
"""Items with different verdicts shown on a terminal (chosen: they fit on a screen)."""


def as_document(found: Comparison) -> dict[str, Any]:
    """Scores, pairs, items and notes."""
    return {
        "scores": [asdict(one) for one in found.scores],
        "pairs": [asdict(one) for one in found.pairs],
        "items": [asdict(one) for one in found.judged],
        "notes": list(found.notes),
    }


def as_lines(found: Comparison) -> str:
    """The table of items as JSON lines."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in found.judged)


def as_text(found: Comparison) -> str:
    """Scores, tests and the first items on which two files differ; for one file, the rules that decided."""
    lines = [line for score in found.scores for line in _score(score)]
    for pair in found.pairs:
        holm = f", {pair.p_holm:.3g} after Holm" if len(found.pairs) > 1 else ""
        lines.append(
            f"{pair.file} against {pair.against}: {pair.difference:+.2f} points on {pair.items} items "
            f"(better on {pair.better}, worse on {pair.worse}; McNemar p = {pair.p_value:.3g}{holm})"
        )
    lines.append("")
    lines += _differing(found) if len(found.scores) > 1 else _rules(found)
    return "\n".join(lines)


def _score(score: Score) -> list[str]:
    right = round(score.accuracy * score.items / 100, 2)
    answers = f" by {score.answers} answers" if score.answers > score.items else ""
    return [
        f"{score.file}: {right:g} of {score.items} equal{answers} ({score.accuracy:.2f} %, 95 % interval "
        f"{score.low:.2f} to {score.high:.2f}); {score.no_answer} without an answer; math-verify "
        f"{score.math_verify:.2f} %, another verdict on {score.disagree}"
    ]


def _rules(found: Comparison) -> list[str]:
    counts = Counter((one.equal, one.rule) for one in found.judged)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        f"{'equal' if is_equal else 'different':9}  {rule:24} {count:8}" for (is_equal, rule), count in ranked
    ]


def _differing(found: Comparison) -> list[str]:
    by_item: dict[str, dict[str, tuple[bool, str]]] = {}
    golds: dict[str, str] = {}
    for one in found.judged:
        golds[one.item] = one.gold
        by_item.setdefault(one.item, {})[one.file] = one.equal, one.extracted or "none"
    differing = [item for item, said in by_item.items() if len({right for right, _ in said.values()}) > 1]
    lines = [
        f"  {item[:40]}: gold {golds[item]}; "
        + ", ".join(
            f"{name} {taken[:40]} ({'right' if right else 'wrong'})"
            for name, (right, taken) in by_item[item].items()
        )
        for item in differing[:SHOWN]
    ]
    if not differing:
        return ["no item differs"]
    return [f"{len(differing)} items differ; the first of them (`--table FILE` has all):", *lines]
