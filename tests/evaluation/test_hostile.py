"""A thousand hostile predictions in a row: all different, within their limits, and nothing is left behind."""

import os
import resource
import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from jz3.answers.symbolic import Symbolic
from jz3.evaluation.grade import GradeParams, grade
from tests.answers.test_equality import HOSTILE
from tests.evaluation.test_grade import CLEAN, items, responses

LIMIT = 0.2
GOLDS = ["5", "\\frac{x}{2}", "(1,2)", "\\text{east}", "\\int_0^1 x\\,dx"]
TEXTS = [f"So \\boxed{{{text}}}." for text in HOSTILE.values()] + list(HOSTILE.values())


def _processes_of_worker():
    """Living processes of the symbolic worker that are ours, or whose parent has gone."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            ours = os.getsid(int(entry.name)) == os.getsid(0) and _parent(entry) in (os.getpid(), 1)
        except OSError:
            continue
        if "jz3.answers.symbolic_worker" in command and ours:
            found.append(entry.name)
    return found


def _left_behind(before):
    """Those that are still there after a while: the kernel ends a worker's child a moment later."""
    for _ in range(100):
        left = set(_processes_of_worker()) - set(before)
        if not left:
            return left
        time.sleep(0.05)
    return left


def _parent(entry):
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def _cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _asked(number):
    return GOLDS[number % len(GOLDS)], TEXTS[number % len(TEXTS)]


def _numbers(graded):
    return {int(item.partition("/")[2]) for item in graded["item_id"]}


def _hostile(count):
    golds, texts = zip(*map(_asked, range(count)), strict=True)
    start = _cpu()
    graded, metrics = grade(
        responses(list(texts)), items(list(golds)), CLEAN, GradeParams(symbolic_seconds=LIMIT, test=[])
    )
    return graded, metrics, _cpu() - start


COUNT = len(GOLDS) * len(TEXTS)
"""Predictions: their numbers have no common factor, so each gold meets each text exactly once."""


@pytest.mark.long
def test_each_hostile_text_against_each_gold_costs_at_most_its_limits_and_leaks_no_worker():
    before = _processes_of_worker()
    graded, metrics, seconds = _hostile(COUNT)
    assert graded.height == COUNT
    assert not graded["correct"].any()
    # Two of the bare texts hold one number, 5, which lenient extraction takes whatever follows it.
    five = {("5", HOSTILE["NUL"]), ("5", HOSTILE["many percent signs"])}
    assert _numbers(graded.filter(pl.col("correct_lenient"))) == {
        n for n in range(COUNT) if _asked(n) in five
    }
    assert "worker_died" not in metrics.by_rule
    # Two extractions and a second opinion: at most three questions per prediction; most stop long before.
    assert seconds < COUNT * LIMIT * 3
    assert seconds / COUNT < 2 * LIMIT
    assert not _left_behind(before)


def test_a_question_after_many_timeouts_is_answered_as_before_them():
    before = _processes_of_worker()  # other tests of this process may keep some
    with Symbolic(LIMIT) as symbolic:
        rules = Counter(symbolic.second_opinion("5", "9^{9^{9^{9}}}").rule for _ in range(3))
        assert rules == {"timeout": 3}
        assert symbolic.second_opinion("\\frac{1}{2}", "0.5").equal
        assert set(_processes_of_worker()) > set(before)
    assert not _left_behind(before)
