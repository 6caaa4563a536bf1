"""distilabel: a pipeline of steps, whose outputs it caches by the signature of each step."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from choosing import key_of, words_of
from distilabel.mixins.runtime_parameters import RuntimeParameter
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepInput, step
from distilabel.steps.tasks import TextGeneration
from grading import is_right
from parsing import parse
from prompts import prompt_of, read_templates

TEMPERATURE = 0.7
LEAST_WORDS = 12

Rows = Iterator[list[dict[str, Any]]]


@step(inputs=["id", "generation"], outputs=["problem", "answer"])
def read_problem(rows: StepInput) -> Rows:
    parsed = [(row, *parse(row["generation"])) for row in rows]
    yield [row | {"problem": problem, "answer": answer} for row, problem, answer in parsed if problem]


@step(inputs=["problem"], outputs=["problem"])
def filter_short(rows: StepInput, least_words: RuntimeParameter[int] = 0) -> Rows:
    yield [row for row in rows if words_of(row["problem"]) >= least_words]


@step(inputs=["id", "problem"], outputs=["problem"], step_type="global")
def drop_repeated(rows: StepInput) -> Rows:
    first: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        first.setdefault(key_of(row["problem"]), row)
    yield list(first.values())


@step(inputs=["problem", "answer"], outputs=["right"])
def grade(rows: StepInput) -> Rows:
    yield [row | {"right": is_right(row["problem"], row["answer"])} for row in rows]


def main() -> None:
    templates = read_templates("templates")
    with Path("texts/texts.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    prompts = [
        {"id": row["id"], "instruction": prompt_of(row["id"], row["text"], templates)} for row in texts
    ]
    with Pipeline(name="problems") as pipeline:
        llm = OpenAILLM(
            model="teacher",
            base_url=os.environ["OPENAI_BASE_URL"],
            generation_kwargs={"temperature": TEMPERATURE, "max_new_tokens": 500},
        )
        (
            LoadDataFromDicts(data=prompts, batch_size=100)
            >> TextGeneration(llm=llm, input_batch_size=100)
            >> read_problem()
            >> filter_short(name="filter")
            >> drop_repeated()
            >> grade()
        )
    distiset = pipeline.run(parameters={"filter": {"least_words": LEAST_WORDS}})
    Path("data").mkdir(exist_ok=True)
    rows = distiset["default"]["train"].select_columns(["id", "problem", "answer", "right"])
    rows.to_json("data/graded.jsonl")


if __name__ == "__main__":
    main()
