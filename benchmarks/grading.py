"""Speed, accuracy and memory of grading, against plain math-verify in the same run.

`python benchmarks/grading.py [--quick]` prints a table and, as its last line, one JSON object with the keys
`ratio_math_verify` (our pairs per CPU second over those of math-verify, caches cold, worker included),
`accuracy` (share of the labelled pairs judged rightly), `plain_without_sympy` (share of the pairs of plain
numbers that no worker was started for), `responses_per_second` (lenient extraction, one core),
`thoughts_per_second` (responses of one core that think for some 8,000 tokens and end in a plain answer,
extracted and graded) and `peak_mb` (ours: the peak of this process before math-verify is loaded, plus the
symbolic worker and the child that answers, after an integral and a sum). The pairs are read from the folder
that JZ3_SHARED names; --quick takes every tenth.
"""

import argparse
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

from jz3.answers.equality import equal
from jz3.answers.extract import extract_lenient
from jz3.answers.grade_file import GradeLine, grade_response
from jz3.answers.notation import clean
from jz3.answers.reading import read
from jz3.answers.symbolic import default_symbolic

SHARED = Path(os.environ.get("JZ3_SHARED", "../shared"))
NUM_RESPONSES = 50_000
NUM_THOUGHTS = 2_000
THOUGHT_CHARACTERS = 32_000
"""Some 8,000 tokens, at the usual four characters each."""
PLAIN = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")
NEEDING_SYMPY = [("\\int_0^1 x^2\\,dx", "\\frac13"), ("\\sum_{k=1}^{n} k", "\\frac{n(n+1)}{2}")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every tenth pair, a tenth of the responses")
    step = 10 if parser.parse_args().quick else 1
    pairs = _pairs(SHARED / "answers" / "pairs.jsonl")[::step]
    plain = [pair for pair in pairs if PLAIN.fullmatch(pair[0]) and PLAIN.fullmatch(pair[1])]
    without = _without_worker(plain)
    ours, right = _grade_ours(pairs)
    responses = _responses(pairs, NUM_RESPONSES // step)
    per_second = _extract(responses)
    thoughts_per_second = _grade_thoughts(NUM_THOUGHTS // step)
    peak_mb = _peak_mb()
    theirs, right_theirs = _grade_math_verify(pairs)
    _print_table(len(pairs), ours, theirs, right, right_theirs)
    print(f"pairs of plain numbers: {len(plain)}, decided without sympy: {without}")
    print(f"extraction: {per_second:,.0f} responses/s a core; peak {peak_mb:.0f} MB with the symbolic worker")
    print(
        f"responses with thoughts of 8,000 tokens: {thoughts_per_second:,.0f}/s a core, extracted and graded"
    )
    figures = {
        "ratio_math_verify": round(theirs / ours, 1),
        "accuracy": round(right / len(pairs), 5),
        "plain_without_sympy": round(without / len(plain), 5),
        "responses_per_second": round(per_second),
        "thoughts_per_second": round(thoughts_per_second),
        "peak_mb": round(peak_mb, 1),
    }
    print(json.dumps(figures))


def _pairs(path: Path) -> list[tuple[str, str, bool]]:
    if not path.exists():
        sys.exit(
            f"{path}: absent; expected the labelled pairs. Set JZ3_SHARED to the folder that holds them."
        )
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["gold"], row["predicted"], row["equal"]) for row in rows]


def _cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _without_worker(pairs: list[tuple[str, str, bool]]) -> int:
    """How many pairs are judged before a worker is needed (or sympy in this process)."""
    for number, (gold, predicted, _) in enumerate(pairs):
        equal(gold, predicted)
        if "sympy" in sys.modules or _descendants(os.getpid()):
            return number
    return len(pairs)


def _grade_ours(pairs: list[tuple[str, str, bool]]) -> tuple[float, int]:
    """CPU seconds and pairs judged rightly."""
    read.cache_clear()
    clean.cache_clear()
    start = _cpu_seconds()
    right = sum(equal(gold, predicted).equal is label for gold, predicted, label in pairs)
    default_symbolic().close()  # a worker's time counts once it has ended
    return _cpu_seconds() - start, right


def _grade_math_verify(pairs: list[tuple[str, str, bool]]) -> tuple[float, int]:
    """CPU seconds and pairs judged rightly, as its documentation uses it; the import is not counted."""
    import logging

    from math_verify import parse, verify

    logging.disable(logging.ERROR)
    parse("\\boxed{1}")
    start = _cpu_seconds()
    right = 0
    for gold, predicted, label in pairs:
        verdict = verify(parse(f"\\boxed{{{gold}}}"), parse(f"\\boxed{{{predicted}}}"))
        right += bool(verdict) is label
    return _cpu_seconds() - start, right


def _responses(pairs: list[tuple[str, str, bool]], num_responses: int) -> list[str]:
    """Responses of usual length (some 900 characters) that end in a box, a phrase or a bare number."""
    step = "First we add the 12 eggs to the 7 that were left, so $12 + 7 = 19$ eggs are in the basket. "
    ends = ["So the result is $\\boxed{{{}}}$.", "The answer is {}.", "That leaves {} of them."]
    return [step * (6 + i % 8) + ends[i % 3].format(pairs[i % len(pairs)][1]) for i in range(num_responses)]


def _extract(responses: list[str]) -> float:
    start = time.process_time()
    found = sum(extract_lenient(response).answer is not None for response in responses)
    seconds = time.process_time() - start
    if found != len(responses):
        sys.exit(f"extraction found {found} of {len(responses)} answers; expected all")
    return len(responses) / seconds


def _grade_thoughts(num_responses: int) -> float:
    """Thoughts try another answer in a box and contain signs that could begin a mark; golds repeat, as they
    do if an item is answered several times.
    """
    step = "First we add the 12 eggs to the 7 that were left, so $12 + 7 = 19$. Wait, is [5, 7) < 12? Yes. "
    guesses = step * (THOUGHT_CHARACTERS // len(step))
    ends = ["So the result is $\\boxed{{{}}}$.", "The answer is {}.", "#### {}"]
    responses = [
        (str(i % 500), f"<think>\n{guesses}So \\boxed{{{i}}}.\n</think>\n\n" + ends[i % 3].format(i % 500))
        for i in range(num_responses)
    ]
    start = time.process_time()
    right = sum(grade_response(GradeLine(gold, response, None)).equal for gold, response in responses)
    seconds = time.process_time() - start
    if right != num_responses:
        sys.exit(f"{right} of {num_responses} responses with thoughts are right; expected all")
    return num_responses / seconds


def _peak_mb() -> float:
    """Peak memory of this process, plus what the symbolic worker and its child hold after work that needs
    sympy.
    """
    for gold, predicted in NEEDING_SYMPY:
        if equal(gold, predicted).rule != "symbolic":
            sys.exit(f"{gold} and {predicted} are not decided by sympy; expected to measure its worker")
    held = sum(_proportional_kb(process) for process in _descendants(os.getpid()))
    default_symbolic().close()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + held) / 1024


def _descendants(process: int) -> list[int]:
    own = [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return own + [further for child in own for further in _descendants(child)]


def _proportional_kb(process: int) -> int:
    """Resident memory of a process; shared pages are divided by the number of processes that share them."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _print_table(num_pairs: int, ours: float, theirs: float, right: int, right_theirs: int) -> None:
    print(f"{'grader':22} {'pairs':>7} {'right':>9} {'CPU s':>8} {'pairs per CPU s':>16}")
    for name, seconds, correct in (("jz3", ours, right), ("math-verify 0.9.0", theirs, right_theirs)):
        share = 100 * correct / num_pairs
        print(f"{name:22} {num_pairs:7d} {share:8.2f}% {seconds:8.2f} {num_pairs / seconds:16,.0f}")


if __name__ == "__main__":
    main()
