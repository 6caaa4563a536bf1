"""Whole responses judged by our rules and by plain math-verify, by kind of closing.

`python benchmarks/responses.py [--quick]` prints a table and, as its last line, one JSON object: `responses`,
`right` and `right_math_verify` (shares), `kinds_behind` (kinds on which ours is less often right) and the CPU
seconds of both. The responses are those of `tests/answers/response_cases.py`; --quick takes every tenth.
math-verify reads gold and response with its default settings; where the gold is a letter of a choice, it
looks for letters as well.
"""

import argparse
import json
import logging
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.grade_file import GradeLine, grade_response
from jz3.answers.symbolic import default_symbolic
from tests.answers.response_cases import ResponseCase, response_cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every tenth response")
    step = 10 if parser.parse_args().quick else 1
    cases = list(response_cases())[::step]
    logging.disable(logging.ERROR)
    kinds: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    ours = theirs = 0.0
    for case in cases:
        kind, gold, response, label, benchmark = case
        start = time.process_time()
        own = grade_response(GradeLine(gold, response, benchmark)).equal is label
        between = time.process_time()
        kinds[kind].append((own, _by_math_verify(case) is label))
        ours, theirs = ours + between - start, theirs + time.process_time() - between
    default_symbolic().close()
    print(f"{'kind':18} {'responses':>9} {'jz3':>6} {'math-verify':>12}")
    for kind, pairs in sorted(kinds.items()):
        right, right_theirs = (sum(each) for each in zip(*pairs, strict=True))
        print(f"{kind:18} {len(pairs):9} {right:6} {right_theirs:12}")
    every = [pair for pairs in kinds.values() for pair in pairs]
    shares = [sum(each) / len(every) for each in zip(*every, strict=True)]
    figures = {
        "responses": len(every),
        "kinds": len(kinds),
        "right": round(shares[0], 4),
        "right_math_verify": round(shares[1], 4),
        "kinds_behind": sum(sum(own for own, _ in p) < sum(other for _, other in p) for p in kinds.values()),
        "cpu_seconds": round(ours, 2),
        "cpu_seconds_math_verify": round(theirs, 2),
    }
    print(json.dumps(figures))


def _by_math_verify(case: ResponseCase) -> bool:
    _, gold, response, _, benchmark = case
    letters = tuple(rules_of(benchmark).letters)
    readers = [LatexExtractionConfig(), ExprExtractionConfig()]
    with_letters = [StringExtractionConfig(strings=letters), *readers] if letters else readers
    return verify(parse(f"${gold}$", with_letters), parse(response, with_letters))


if __name__ == "__main__":
    main()
