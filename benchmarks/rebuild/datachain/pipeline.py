"""DataChain: delta updates for the calls, checkpoints for what follows them."""

import json
from collections.abc import Iterator
from pathlib import Path

import datachain as dc
from choosing import key_of, words_of
from datachain import C, llm
from grading import is_right
from parsing import parse
from prompts import prompt_of, read_templates

TEMPERATURE = 0.7
LEAST_WORDS = 12


def first(id: list[str], problem: list[str], answer: list[str]) -> Iterator[tuple[str, str, str]]:  # noqa: A002
    """The first row by id of those with one key."""
    yield min(zip(id, problem, answer, strict=True))


def main() -> None:
    templates = read_templates("templates")
    with Path("texts/texts.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    prompts = [{"id": row["id"], "prompt": prompt_of(row["id"], row["text"], templates)} for row in texts]
    dc.read_records(prompts, schema={"id": str, "prompt": str}).save("prompts")
    (
        dc.read_dataset("prompts", delta=True, delta_on="id", delta_compare="prompt")
        .settings(llm="openai/teacher")
        .map(completion=llm.complete("prompt", temperature=TEMPERATURE))
        .save("completions")
    )
    (
        dc.read_dataset("completions")
        .map(parse, params=["completion"], output={"problem": str, "answer": str})
        .filter(C("problem") != "")
        .save("problems")
    )
    dc.read_dataset("problems").map(words=words_of).filter(C("words") >= LEAST_WORDS).save("filtered")
    (
        dc.read_dataset("filtered")
        .map(key=key_of)
        .agg(first, partition_by="key", output={"id": str, "problem": str, "answer": str})
        .save("unique")
    )
    graded = dc.read_dataset("unique").map(right=is_right).save("graded")
    Path("data").mkdir(exist_ok=True)
    graded.order_by("id").to_jsonl("data/graded.jsonl")


if __name__ == "__main__":
    main()
