"""bespokelabs-curator: its LLM class caches the calls of a data set; the rest is Python on its rows."""

import json
import os
from pathlib import Path
from typing import Any

from bespokelabs import curator
from choosing import key_of, words_of
from datasets import Dataset
from grading import is_right
from prompts import prompt_of, read_templates
from tally import tally

TEMPERATURE = 0.7
LEAST_WORDS = 12


class Poser(curator.LLM):
    """Poses a problem."""

    def prompt(self, input: dict[str, Any]) -> str:  # noqa: A002
        return input["prompt"]

    def parse(self, input: dict[str, Any], response: str) -> dict[str, str]:  # noqa: A002
        tally("parse")
        problem, found, answer = response.partition("Answer:")
        if not found:
            return {"id": input["id"], "problem": "", "answer": ""}
        problem = problem.strip().removeprefix("Problem: ")
        return {"id": input["id"], "problem": problem, "answer": answer.strip()}


def main() -> None:
    templates = read_templates("templates")
    with Path("texts/texts.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    prompts = [{"id": row["id"], "prompt": prompt_of(row["id"], row["text"], templates)} for row in texts]
    poser = Poser(
        model_name="openai/teacher",
        backend="litellm",
        generation_params={"temperature": TEMPERATURE},
        backend_params={
            "base_url": os.environ["OPENAI_BASE_URL"],
            "max_requests_per_minute": 100_000,
            "max_tokens_per_minute": 100_000_000,
        },
    )
    posed = poser(Dataset.from_list(prompts)).dataset
    problems = [row for row in posed if row["problem"]]
    long = [row for row in problems if words_of(row["problem"]) >= LEAST_WORDS]
    first: dict[str, dict[str, Any]] = {}
    for row in sorted(long, key=lambda row: row["id"]):
        first.setdefault(key_of(row["problem"]), row)
    graded = [row | {"right": is_right(row["problem"], row["answer"])} for row in first.values()]
    Path("data").mkdir(exist_ok=True)
    Dataset.from_list(graded).to_json("data/graded.jsonl")


if __name__ == "__main__":
    main()
