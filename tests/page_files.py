"""The user files that commands of the pages name, made afresh in a folder."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.curation.rows import SHARED

GSM8K = SHARED / "benchmarks/gsm8k/test.jsonl"


def _rows(file: Path, rows: Iterable[object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _read(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def two_models(folder: Path) -> None:
    """60 items with the answers of two models: rows of our own layout, and OpenAI's batch output."""
    items = _read(GSM8K)[:60]
    golds = [item["answer"].rpartition("#### ")[2] for item in items]
    said = {
        "a": [gold if n % 5 else "7" for n, gold in enumerate(golds)],
        "b": [gold if n % 2 else "8" for n, gold in enumerate(golds)],
    }
    texts = {name: [f"We work it out. The answer is {value}." for value in of] for name, of in said.items()}
    _rows(folder / "gold.jsonl", ({"id": n, **item} for n, item in enumerate(items)))
    _rows(
        folder / "a.jsonl",
        (
            {"question": item["question"], "response": text}
            for item, text in zip(items, texts["a"], strict=True)
        ),
    )
    _rows(
        folder / "b.jsonl",
        (
            {
                "custom_id": str(n),
                "response": {"body": {"choices": [{"message": {"role": "assistant", "content": text}}]}},
            }
            for n, text in enumerate(texts["b"])
        ),
    )


def released_problems(folder: Path) -> None:
    """50 of the released tool problems, 8 of them twice, and 12 with questions of GSM8K."""
    released, items = _read(SHARED / "samples/tool.jsonl"), _read(GSM8K)
    asked = [
        {"input": item["question"], "output": row["output"]}
        for item, row in zip(items[:12], released[50:], strict=False)
    ]
    _rows(folder / "mine.jsonl", [*released[:50], *released[:8], *asked])
    (folder / "gsm8k").mkdir()
    shutil.copyfile(GSM8K, folder / "gsm8k/test.jsonl")


def of_doors(folder: Path) -> None:
    two_models(folder)
    released_problems(folder)


def of_readme(folder: Path) -> None:
    of_doors(folder)
    _rows(folder / "pairs.jsonl", [{"gold": "1/2", "predicted": "0.5"}, {"gold": "3", "predicted": "4"}])


def of_export(folder: Path) -> None:
    right = {"problem": "What is 2 + 3?", "solution": "It is \\boxed{5}.", "licence": "MIT"}
    _rows(folder / "mine.jsonl", [{"id": "a", **right}, {"id": "b", **right, "solution": "It is 5."}])
    with (folder / "mine.jsonl").open("a") as file:
        file.write('{"id": "c", "problem": "What is')


def of_journeys(folder: Path) -> None:
    _rows(folder / "out/kept.jsonl", [{"question": "What is 2 + 3?", "answer": "5"}])


def of_report(folder: Path) -> None:
    _rows(folder / "mine.jsonl", ({"id": n, "problem": f"What is ${n} + 1$?"} for n in range(100_000)))


def of_experiments(folder: Path) -> None:
    """The edit that the page describes before `jz3 why`."""
    params = folder / "params.yaml"
    text = params.read_text()
    assert text.count("  ngram: 13") == 1
    params.write_text(text.replace("  ngram: 13", "  ngram: 12"))


MADE: dict[str, Callable[[Path], None]] = {
    "README.md": of_readme,
    "docs/doors.md": of_doors,
    "docs/experiments.md": of_experiments,
    "docs/export.md": of_export,
    "docs/journeys.md": of_journeys,
    "docs/report.md": of_report,
}
