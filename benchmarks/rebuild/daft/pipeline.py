"""Daft: rows that were written before are skipped by their key, in files that are appended to."""

import json
from pathlib import Path

import daft
from choosing import key_of, words_of
from daft import col
from daft.functions import prompt
from grading import is_right
from parsing import parse
from prompts import prompt_of, read_templates

TEMPERATURE = 0.7
LEAST_WORDS = 12


@daft.func
def problem_of(completion: str) -> str:
    return parse(completion)[0]


@daft.func
def answer_of(completion: str) -> str:
    return completion.partition("Answer:")[2].strip()


@daft.func
def words(problem: str) -> int:
    return words_of(problem)


@daft.func
def key(problem: str) -> str:
    return key_of(problem)


@daft.func
def right(problem: str, answer: str) -> bool:
    return is_right(problem, answer)


def main() -> None:
    daft.set_runner_ray()
    templates = read_templates("templates")
    with Path("texts/texts.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    prompts = daft.from_pylist(
        [{"id": row["id"], "prompt": prompt_of(row["id"], row["text"], templates)} for row in texts]
    )
    (
        prompts.skip_existing("data/completions", key_column=["id", "prompt"], file_format="parquet")
        .with_column(
            "completion",
            prompt(
                col("prompt"),
                provider="openai",
                model="teacher",
                use_chat_completions=True,
                temperature=TEMPERATURE,
            ),
        )
        .write_parquet("data/completions", write_mode="append")
    )
    completions = daft.read_parquet("data/completions/*.parquet").join(prompts, on=["id", "prompt"])
    parsed = completions.select(
        col("id"),
        problem_of(col("completion")).alias("problem"),
        answer_of(col("completion")).alias("answer"),
    )
    long = parsed.where(col("problem") != "").where(words(col("problem")) >= LEAST_WORDS)
    firsts = (
        long.with_column("key", key(col("problem")))
        .groupby("key")
        .agg(col("id").min(), col("problem").min(), col("answer").min())
    )
    graded = firsts.select(
        col("id"), col("problem"), col("answer"), right(col("problem"), col("answer")).alias("right")
    )
    Path("data").mkdir(exist_ok=True)
    rows = graded.sort("id").to_pylist()
    Path("data/graded.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
