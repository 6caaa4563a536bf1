"""Any number of completions with a known truth, for the tests and the benchmark of curation.

Questions are recombined from the sentences of `$JZ3_SHARED/samples` with other numbers, solutions from halves
of the released ones. Among them are planted, at places drawn by the seed:
- `exact`: another row's question with case, spacing and punctuation changed;
- `near`: another row's question with one to six words changed, with the true Jaccard similarity beside it,
  which lies on both sides of any threshold from 0.5 to 0.9;
- `verbatim`: a benchmark's question of any length, dressed up, alone or (from six words on) in a text;
- `respelt`: a benchmark's question with its LaTeX in another spelling, alone or in a text;
- `edited`: a benchmark's question with one to three words changed that keeps thirteen in a row;
- `broken`: a completion without a solution, which `parse` rejects.

The same rows and seed give the same bytes. Costs some 25,000 rows a second; memory for the planted texts and
one frame.
"""

import json
import os
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jz3.tables.completion import Completion
from jz3.tables.item import Item
from jz3.tables.prompt import Prompt
from jz3.text.problem_text import Unusable, read_problem
from jz3.text.words import tokens, words
from tests.curation.respelt import SPELLINGS, all_at_once

SHARED = Path(os.environ.get("JZ3_SHARED", Path(__file__).parents[3] / "shared"))
SHARES = {"exact": 0.02, "near": 0.02, "verbatim": 0.01, "respelt": 0.01, "edited": 0.01, "broken": 0.01}
"""Shares of all rows; the others are fresh. These are the shares of the measured prototype, rounded (spec of
curation).
"""
SHINGLE = 5
KEPT_WORDS = 13
TOOL_SHARE = 27  # per cent (released corpus: 27 % tool)
VARIANTS = 40  # of each sentence from 100,000 rows on (the measured prototype)
FRAME_ROWS = 50_000
QUESTIONS = {
    "aqua": ("question",),
    "asdiv": ("body", "question"),
    "carp_en": ("content",),
    "gsm-hard": ("input",),
    "gsm8k": ("question",),
    "math-oai": ("problem",),
    "mawps": ("input",),
    "svamp": ("Body", "Question"),
}
"""For each benchmark the fields that make up its question."""
MARKS = re.compile(r"```|\\boxed|^#|\b(?:problem|solution)\b", re.IGNORECASE | re.MULTILINE)
SHINGLES = frozenset[tuple[str, ...]]


class Planted:
    """Completions, their prompts, and the truth about them."""

    def __init__(self, rows: int, seed: int = 0) -> None:
        self.rows = rows
        self._seed = seed
        generator = np.random.Generator(np.random.PCG64(seed))
        self._sentences = pl.Series(_variants(VARIANTS if rows >= 100_000 else 4, seed))
        self._solutions = _solutions()
        self._step = 2**128 // rows
        order = generator.permutation(rows)
        counts = {role: int(share * rows) for role, share in SHARES.items()}
        bounds = np.cumsum(list(counts.values()))
        places = dict(zip(counts, np.split(order[: bounds[-1]], bounds[:-1]), strict=True))
        self._fresh = order[bounds[-1] :]
        self._broken = set(places.pop("broken").tolist())
        self._texts: dict[int, str] = {}
        self._truth: list[dict[str, Any]] = []
        for role in ("exact", "near"):
            self._plant_copies(role, places[role], generator)
        for role in ("verbatim", "respelt", "edited"):
            self._plant_items(role, places[role], generator)

    def completions(self, frame_rows: int = FRAME_ROWS) -> Iterator[pl.DataFrame]:
        """Frames of Completion in key order."""
        for start in range(0, self.rows, frame_rows):
            yield self._completions(np.arange(start, min(start + frame_rows, self.rows)))

    def prompts(self, frame_rows: int = 500_000) -> Iterator[pl.DataFrame]:
        """Frames of Prompt in key order; one prompt for each completion."""
        for start in range(0, self.rows, frame_rows):
            numbers = np.arange(start, min(start + frame_rows, self.rows))
            tool = pl.Series(self._tool(numbers))
            kind = pl.select(pl.when(tool).then(pl.lit("tool")).otherwise(pl.lit("cot"))).to_series()
            compact = pl.select(pl.format("high {}\nA passage.\n[Problem]\n", kind)).to_series()
            ids = self._ids(numbers, "")
            columns = {"prompt_id": ids, "passage_id": ids, "source": ["web"] * len(ids)}
            columns |= {"level": ["high"] * len(ids), "kind": kind, "full": compact, "compact": compact}
            yield pl.DataFrame(columns, schema=Prompt.create_empty().schema)

    def truth(self) -> pl.DataFrame:
        """`row_id`, `role`, `other` (id of the row or item that is repeated), `jaccard` (for near ones)."""
        schema = {"row_id": pl.String, "role": pl.String, "other": pl.String, "jaccard": pl.Float64}
        return pl.DataFrame(self._truth, schema=schema).sort("row_id")

    def questions(self, numbers: np.ndarray) -> list[str]:
        """Fresh questions: three to seven sentences each."""
        lengths = 3 + _draw(self._seed, numbers, 0) % 5
        columns = [
            self._sentences.gather(_draw(self._seed, numbers, place + 1) % len(self._sentences))
            for place in range(7)
        ]
        frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
        chosen = [pl.when(pl.Series(lengths) > place).then(pl.col(str(place))) for place in range(7)]
        return frame.select(pl.concat_str(chosen, separator=" ", ignore_nulls=True)).to_series().to_list()

    def _completions(self, numbers: np.ndarray) -> pl.DataFrame:
        questions = self.questions(numbers)
        start = int(numbers[0])
        for place in range(len(questions)):
            if start + place in self._texts:
                questions[place] = self._texts[start + place]
        marks = [
            "\n\n" if start + place in self._broken else "\n\n[Solution]\n" for place in range(len(questions))
        ]
        heads, tails, programs = self._solutions
        head = heads.gather(_draw(self._seed, numbers, 8) % len(heads))
        tail = tails.gather(_draw(self._seed, numbers, 9) % len(tails))
        program = programs.gather(_draw(self._seed, numbers, 10) % len(programs))
        cot = pl.concat_str([head, tail], separator="\n\n")
        solution = pl.when(pl.Series(self._tool(numbers))).then(program).otherwise(cot)
        text = pl.select(pl.concat_str([pl.Series(questions), pl.Series(marks), solution])).to_series()
        ids = self._ids(numbers, "")
        columns = {"completion_id": self._ids(numbers, "c"), "prompt_id": ids, "text": text}
        columns |= {"finish_reason": ["stop"] * len(ids), "prompt_tokens": [300] * len(ids)}
        columns |= {"completion_tokens": [600] * len(ids)}
        return pl.DataFrame(columns, schema=Completion.create_empty().schema)

    def _plant_copies(self, role: str, places: np.ndarray, generator: np.random.Generator) -> None:
        others = generator.choice(self._fresh, len(places))
        for number, other, text in zip(places.tolist(), others.tolist(), self.questions(others), strict=True):
            draws = random.Random(self._seed * 1_000_003 + number)
            copy = dressed(text, draws) if role == "exact" else edited(text, draws.randint(1, 6), draws)
            similarity = jaccard(text, copy) if role == "near" else None
            self._plant(number, copy, role, self._id(other, "c"), similarity)

    def _plant_items(self, role: str, places: np.ndarray, generator: np.random.Generator) -> None:
        questions = _questions(role)
        chosen = generator.integers(0, len(questions), len(places)).tolist()
        around = self.questions(places)
        for number, item, between in zip(places.tolist(), chosen, around, strict=True):
            item_id, text = questions[item]
            draws = random.Random(self._seed * 1_000_003 + number)
            planted = {"verbatim": dressed, "respelt": respelt, "edited": edited_item}[role](text, draws)
            if len(words(text)) >= 6 and draws.random() < 0.5:
                planted = f"{between[:200]}. {planted} {between[200:400]}"
            self._plant(number, planted, role, item_id, None)

    def _plant(self, number: int, text: str, role: str, other: str, similarity: float | None) -> None:
        self._texts[number] = text
        self._truth.append(
            {"row_id": self._id(number, "c"), "role": role, "other": other, "jaccard": similarity}
        )

    def _id(self, number: int, kind: str) -> str:
        return f"{number * self._step + len(kind):032x}"

    def _ids(self, numbers: np.ndarray, kind: str) -> list[str]:
        return [self._id(number, kind) for number in numbers.tolist()]

    def _tool(self, numbers: np.ndarray) -> np.ndarray:
        return _draw(self._seed, numbers, 11) % 100 < TOOL_SHARE


def dressed(text: str, draws: random.Random) -> str:
    """The same words with case, spacing and punctuation changed."""
    case = draws.choice([str, str.upper, str.lower])
    space = draws.choice([" ", "  ", "\n"])
    marked = draws.choice(["", " !", " ...", "?"])  # directly after a number it would be a factorial
    return space.join(case(text).split(" ")) + marked


def respelt(text: str, draws: random.Random) -> str:
    """In one other spelling that changes it, or in several."""
    changed = [spelling(text) for spelling in (*SPELLINGS, all_at_once)]
    return draws.choice([other for other in changed if other != text])


def edited(text: str, edits: int, draws: random.Random) -> str:
    """Some words replaced, left out or added."""
    changed = text.split(" ")
    for _ in range(edits):
        place = draws.randrange(len(changed))
        new = draws.choice([["otherwise"], [], [changed[place], "moreover"]])
        changed[place : place + 1] = new if len(changed) > 2 else ["otherwise"]
    return " ".join(changed)


def edited_item(text: str, draws: random.Random) -> str:
    """A question with up to three words changed that keeps thirteen in a row."""
    kept = _grams(words(text), KEPT_WORDS)
    for edits in (draws.randint(1, 3), 2, 1, 1, 1):
        changed = edited(text, edits, draws)
        if kept & _grams(words(changed), KEPT_WORDS):
            return changed
    return f"Now: {text} Explain."


def jaccard(one: str, other: str) -> float:
    """The Jaccard similarity of the sets of five consecutive tokens, computed plainly."""
    first, second = _shingles(one), _shingles(other)
    return len(first & second) / len(first | second) if first or second else 1.0


@cache
def items() -> pl.DataFrame:
    """Table of Item: the questions of all benchmark files, up to 3,000 characters."""
    rows = []
    for benchmark, fields in QUESTIONS.items():
        lines = (SHARED / "benchmarks" / benchmark / "test.jsonl").read_text().splitlines()
        for number, line in enumerate(lines):
            question = " ".join(str(json.loads(line)[field]) for field in fields).strip()
            if 0 < len(question) <= 3000:
                rows.append(_item(benchmark, number, question))
    return pl.DataFrame(rows, schema=Item.create_empty().schema).sort("item_id")


@cache
def _questions(role: str) -> list[tuple[str, str]]:
    """Ids and questions of the items that a role repeats."""
    questions = items().select("item_id", "question").rows()
    if role == "edited":
        return [(item, text) for item, text in questions if len(words(text)) >= 2 * KEPT_WORDS]
    if role == "respelt":
        return [(item, text) for item, text in questions if all_at_once(text) != text]
    return questions


def _item(benchmark: str, number: int, question: str) -> dict[str, Any]:
    texts = {"item_id": f"{benchmark}/{number:05}", "benchmark": benchmark, "question": question}
    return texts | {"revision": "shared", "choices": None, "gold": "0", "subject": None, "level": None}


def _shingles(text: str) -> set[tuple[str, ...]]:
    sequence = tokens(text)
    return _grams(sequence, min(SHINGLE, max(len(sequence), 1)))


def _grams(sequence: list[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(sequence[start : start + n]) for start in range(len(sequence) - n + 1)}


@cache
def _samples(kind: str) -> list[tuple[str, str]]:
    rows = map(json.loads, (SHARED / "samples" / f"{kind}.jsonl").read_text().splitlines())
    return [(row["input"].split("## Question\n")[1].split("\n\n## ")[0], row["output"]) for row in rows]


def _variants(count: int, seed: int) -> list[str]:
    """Each released sentence with `count` different sets of numbers."""
    draws = random.Random(seed)
    texts = [question for kind in ("cot", "tool") for question, _ in _samples(kind)]
    sentences = {part.strip() for text in texts for part in re.split(r"(?<=[.?!])\s+", text)}
    usable = sorted(part for part in sentences if 20 <= len(part) <= 400 and not MARKS.search(part))

    def other(_: re.Match[str]) -> str:
        return str(draws.randint(2, 999))

    return [re.sub(r"(?<![\w.,])\d+(?![\w.,])", other, part) for part in usable for _ in range(count)]


def _solutions() -> tuple[pl.Series, pl.Series, pl.Series]:
    """First halves and second halves of prose solutions, and whole solutions by program."""
    heads, tails = [], []
    for _, solution in _samples("cot"):
        paragraphs = [part for part in solution.split("\n\n") if part.strip()]
        middle = len(paragraphs) // 2
        head, tail = "\n\n".join(paragraphs[:middle]), "\n\n".join(paragraphs[middle:])
        if middle and _readable(head, "cot") and _readable(tail, "cot"):
            heads.append(head)
            tails.append(tail)
    programs = [solution for _, solution in _samples("tool") if _readable(solution, "tool")]
    return pl.Series(heads), pl.Series(tails), pl.Series(programs)


def _readable(solution: str, kind: str) -> bool:
    read = read_problem(f"[Problem]\nWhy?\n\n[Solution]\n{solution}", kind)
    return not isinstance(read, Unusable) and ("```" not in solution or kind == "tool")


def _draw(seed: int, numbers: np.ndarray, place: int) -> np.ndarray:
    """63 random bits for each number (splitmix64 of number, place and seed)."""
    values = numbers.astype(np.uint64) * np.uint64(16) + np.uint64(place)
    values = (values + np.uint64(seed + 1)) * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((values ^ (values >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)
