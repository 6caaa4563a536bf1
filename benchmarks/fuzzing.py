r"""Millions of hostile answers: crashes, verdicts that depend on the order, judgements that take too long.

    python benchmarks/fuzzing.py [--pairs N] [--repeated N] [--first N] [--seed N] [--found FILE] [--quick]

Pairs: an answer of the shared pairs, of the regression set or of the cases from the field, or one put
together at random, changed in up to four places, paired with another one or with a further change of itself;
each pair is judged both ways round, and every tenth also as a whole response. Repeated: one token or two, up
to 5,000 times, bare or inside a closing, as responses. Sympy's worker is left out, as it has a limit of its
own: what only it could decide is unreadable. Each pair follows from the seed and its number alone, so a run
can be cut into parts (`--first`). What was found is printed and goes into `--found` as JSON lines; the last
line is one JSON object, and a crash or an asymmetry ends the program with status 1. Seconds are of CPU: of
one judgement, both ways round where it is a pair.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.answers.equality import MAX_CHARACTERS, POLICY, equal_with
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.answers.gold_form import form_of
from jz3.answers.grade_file import GradeLine, grade_response
from jz3.answers.symbolic import LIMIT_SECONDS, AnswerVerdict, Symbolic
from tests.answers.test_responses import REPEATED

SHARED = Path(os.environ.get("JZ3_SHARED", "../shared"))
TEXTS = (
    SHARED / "answers" / "pairs.jsonl",
    Path(__file__).parent.parent / "tests" / "answers" / "cases.jsonl",
    SHARED / "faults" / "grader" / "failing.jsonl",
)
ENDED_SECONDS = 20
"""CPU seconds after which a judgement is stopped, so that the run goes on (chosen: slow beyond doubt)."""
REPORT_EVERY = 10_000

PIECES = [
    *"0123456789+-*/^_{}()[]|<>=,.;:$%!&~'\" xyabeiπ√°∞²½−", "\\frac", "\\sqrt", "\\text{", "\\left(",
    "\\right)", "\\pm", "\\cup", "\\le", "\\infty", "\\pi", "\\in", "\\begin{pmatrix}", "\\end{pmatrix}",
    "\\begin{cases}", "\\end{cases}", "\\\\", "\\overline{", "\\circ", "\\log", "\\sin", "\\lfloor",
    "\\rfloor", "\\binom", "\\cdot", "\\mathbb{R}", "\\setminus", "\\bar", "\\%", " and ", " or ",
    " dollars", " cm", "(mod 5)", "_{8}", "0.(3)", "...", "1e5", "\\$", "\\,", "k\\in\\mathbb{Z}", "half",
    "twenty", "third", "percent", "no solution", "x = ", "\\approx", "\\boxed{", "$$", "\\n", "答案是",
]  # fmt: skip
"""Tokens to put into an answer."""
SPACES = [" ", "\n ", " \t", "\u3000", "\r\n", "* ", "$ ", "\\\\[a"]
"""Tokens that mean nothing; they are repeated as well."""
FRAMES = [
    "{}", "So {}", "So {}what", "The answer is {}.", "The answer is ${}$.", "\\boxed{{{}}}", "#### {}",
    "<answer>{}</answer>", "Hence\n\\[{}\\]", "<think>so {}</think>\n{}", "**Final Answer**\n\n{}",
    "答案是{}",
    "the answers in {} foo", "we choose {}what", "#### the final answer is{}\nfoo", "x \\[ {}",
    "we get {} and that is all", "Therefore $x = {}$ is what was asked for", '{{"answer": "{}"}}',
]  # fmt: skip
"""Closings of a response."""
GOLDS = ["5", "B", "x+1", "(1,2)", "1,2", "x = 1", "\\text{no solution}", "[2,5)", "\\frac{1}{2}", "3:2"]
COUNTS = [2, 3, 5, 7, 12, 24, 40, 60, 150, 400, 900, 2_000, 3_500, 5_000]
"""How often a token is repeated."""


class OverLimitError(BaseException):
    """A judgement was stopped. No error handler of the judged code may catch this."""


class NoWorker(Symbolic):
    """Whatever sympy's worker would be asked counts as unreadable."""

    def same(self, a: str, b: str) -> AnswerVerdict:  # noqa: ARG002 (the worker's signature)
        return AnswerVerdict(equal=False, rule="unreadable")


@dataclass
class Findings:
    """What was judged, and what was wrong with it."""

    file: TextIO | None
    seconds: float = 0.0
    slowest: dict[str, float] = field(default_factory=dict[str, float])
    counts: Counter[str] = field(default_factory=Counter[str])

    def judge(self, kind: str, number: int, texts: tuple[str, ...], judged: Callable[[], object]) -> None:
        """Judge once; `judged` returns what is wrong, or None."""
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, ENDED_SECONDS)
        try:
            wrong = judged()
        except OverLimitError:
            wrong = None  # reported below, by its seconds
        except Exception as error:  # any error at all is the finding
            wrong = f"crash: {error!r}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - start
        self.seconds += seconds
        self.counts[kind] += 1
        self.slowest[kind] = max(seconds, self.slowest.get(kind, 0.0))
        if wrong is None and seconds > LIMIT_SECONDS:
            wrong = f"over limit: {seconds:.1f} s"
        if wrong is not None:
            self.found(kind, number, texts, str(wrong))

    def found(self, kind: str, number: int, texts: tuple[str, ...], wrong: str) -> None:
        self.counts[wrong.split(":")[0]] += 1
        print(f"{kind} {number}: {wrong}: {[text[:200] for text in texts]}", flush=True)
        if self.file is not None:
            row = {"kind": kind, "number": number, "wrong": wrong, "texts": texts}
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.file.flush()

    def figures(self) -> dict[str, float]:
        return {
            "pairs": self.counts["pair"],
            "pair_responses": self.counts["response"],
            "repeated": self.counts["repeated"],
            "crashes": self.counts["crash"],
            "asymmetries": self.counts["asymmetry"],
            "over_limit": self.counts["over limit"],
            **{f"slowest_{kind}": round(seconds, 3) for kind, seconds in sorted(self.slowest.items())},
            "cpu_seconds": round(self.seconds, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--repeated", type=int, default=50_500)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair and repeated text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--found", type=Path, help="file that what was found is appended to")
    parser.add_argument("--quick", action="store_true", help="500 pairs, 100 repeated texts")
    arguments = parser.parse_args()
    pairs, repeated = (500, 100) if arguments.quick else (arguments.pairs, arguments.repeated)
    signal.signal(signal.SIGPROF, _ended)
    with NoWorker(LIMIT_SECONDS) as worker, _appended(arguments.found) as file:
        findings = Findings(file)
        _judge_pairs(range(arguments.first, arguments.first + pairs), arguments.seed, worker, findings)
        _judge_repeated(range(arguments.first, arguments.first + repeated), arguments.seed, worker, findings)
    figures = findings.figures()
    for name, figure in figures.items():
        print(f"{name:20} {figure:>12,}")
    print(json.dumps(figures))
    sys.exit(1 if figures["crashes"] or figures["asymmetries"] else 0)


def _ended(*_: object) -> None:
    raise OverLimitError


def _appended(path: Path | None) -> TextIO:
    return Path(path or os.devnull).open("a", encoding="utf-8")


def _judge_pairs(numbers: range, seed: int, worker: Symbolic, findings: Findings) -> None:
    texts = list(_answers())
    for number in numbers:
        draw = random.Random(f"{seed}/pair/{number}")
        a, b = _pair(draw, texts)
        findings.judge("pair", number, (a, b), lambda a=a, b=b: _asymmetry(a, b, worker))
        if number % 10 == 0:
            response = _framed(draw, b)
            findings.judge("response", number, (a, response), lambda a=a, r=response: _graded(a, r, worker))
        if (number + 1) % REPORT_EVERY == 0:
            print(number + 1, json.dumps(findings.figures()), flush=True)


def _judge_repeated(numbers: range, seed: int, worker: Symbolic, findings: Findings) -> None:
    tokens = list(dict.fromkeys([*REPEATED, *PIECES, *SPACES]))
    for number in numbers:
        draw = random.Random(f"{seed}/repeated/{number}")
        gold = draw.choice(GOLDS)
        text = _repeated(draw, tokens, number)
        findings.judge("repeated", number, (gold, text), lambda g=gold, t=text: _graded(g, t, worker))
        if (number + 1) % REPORT_EVERY == 0:
            print(number + 1, json.dumps(findings.figures()), flush=True)


def _asymmetry(a: str, b: str, worker: Symbolic) -> str | None:
    there, back = equal_with(a, b, POLICY, worker), equal_with(b, a, POLICY, worker)
    return None if there.equal == back.equal else f"asymmetry: {there.rule}, {back.rule}"


def _graded(gold: str, response: str, worker: Symbolic) -> None:
    """Grade with both extractions, free and by letters, and judge what they find."""
    extract_strict(response)
    found = extract_lenient(response, form_of(gold))
    if found.answer is not None:
        equal_with(gold, found.answer, POLICY, worker)
    equal_with(gold, response[:MAX_CHARACTERS], POLICY, worker)
    grade_response(GradeLine("B", response, "aqua"))


def _answers() -> Iterator[str]:
    """The distinct answers of the pairs and cases, sorted."""
    missing = [str(path) for path in TEXTS if not path.exists()]
    if missing:
        sys.exit(f"{', '.join(missing)}: absent. Set JZ3_SHARED to the folder that holds pairs and faults.")
    rows = (json.loads(line) for path in TEXTS for line in path.read_text(encoding="utf-8").splitlines())
    texts = {text[:300] for row in rows for text in (row.get("gold"), row.get("predicted")) if text}
    yield from sorted(texts)


def _pair(draw: random.Random, texts: list[str]) -> tuple[str, str]:
    def one() -> str:
        return draw.choice(texts) if draw.random() < 0.75 else _made(draw, draw.randint(0, 4))

    a = _changed(draw, one(), texts)
    return a, _changed(draw, a if draw.random() < 0.5 else one(), texts)


def _changed(draw: random.Random, text: str, texts: list[str]) -> str:
    for _ in range(draw.randint(0, 4)):
        place, end = draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)
        behind = text[place:]
        put_in = {
            "piece": (draw.choice(PIECES), behind),
            "cut": ("", text[place + draw.randint(1, 3) :]),
            "copied": (text[end : end + 12], behind),
            "of another": (draw.choice(texts)[:12], behind),
            "repeated": (text[place : place + 3] * draw.choice([2, 5, 40]), behind),
        }
        middle, rest = put_in[draw.choices(list(put_in), [40, 20, 15, 15, 10])[0]]
        text = (text[:place] + middle + rest)[: MAX_CHARACTERS + 1] or "5"
    return text


_MADE = [
    "\\frac{#}{#}", "\\sqrt{#}", "\\sqrt[#]{#}", "(#, #)", "[#, #)", "\\{#, #\\}", "# + #", "# - #",
    "#^{#}", "#_{#}", "#!", "|#|", "\\log_{#} #", "\\sin #", "# \\le x < #", "x = #", "# = #", "# \\cup #",
    "# \\pm #", "#:#", "# and #", "#, #", "# \\text{ cm}", "#\\%", "$#$", "\\$#", "\\binom{#}{#}",
    "\\lfloor # \\rfloor", "\\begin{pmatrix} # & # \\\\ # & # \\end{pmatrix}", "# \\pmod{#}", "#^\\circ",
    "\\overline{#}", "f(#)", "\\begin{cases} # & x > # \\\\ # & x \\le # \\end{cases}", "# (#)", "##", "-#",
    "#\\mathbf{i}", "\\frac##",
]  # fmt: skip
"""Templates of an answer; # is a part."""
_PARTS = [
    "0",
    "1",
    "2",
    "-3",
    "17",
    "0.5",
    "1,000",
    "10^{20}",
    "1e-9",
    "x",
    "y",
    "n",
    "e",
    "\\pi",
    "i",
    "AB",
    "five",
]


def _made(draw: random.Random, depth: int) -> str:
    if depth == 0:
        return draw.choice(_PARTS)
    first, *rest = draw.choice(_MADE).split("#")
    return first + "".join(_made(draw, draw.randrange(depth)) + part for part in rest)


def _framed(draw: random.Random, answer: str) -> str:
    frame = draw.choice(FRAMES)
    return frame.format(*[answer] * frame.count("{}"))


def _repeated(draw: random.Random, tokens: list[str], number: int) -> str:
    """First every token at every count, bare; then two tokens in turn, or inside a closing."""
    if number < len(tokens) * len(COUNTS):
        return tokens[number // len(COUNTS)] * COUNTS[number % len(COUNTS)]
    several = "".join(draw.choice(tokens) for _ in range(draw.choice([1, 2, 2, 3])))
    return _framed(draw, several * draw.choice(COUNTS))


if __name__ == "__main__":
    main()
