"""inspect-ai: the calls go through its cache of model output; the rest is Python on the samples."""

import json
import os
from pathlib import Path

from choosing import key_of, words_of
from grading import is_right
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import CachePolicy, get_model
from inspect_ai.solver import generate
from parsing import parse
from prompts import prompt_of, read_templates

TEMPERATURE = 0.7
LEAST_WORDS = 12


def main() -> None:
    templates = read_templates("templates")
    with Path("texts/texts.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    samples = [Sample(prompt_of(row["id"], row["text"], templates), id=row["id"]) for row in texts]
    model = get_model("openai-api/loopback/teacher", base_url=os.environ["OPENAI_BASE_URL"], api_key="any")
    task = Task(dataset=MemoryDataset(samples), solver=generate(cache=CachePolicy(expiry=None)))
    (log,) = run_eval(task, model=model, temperature=TEMPERATURE, display="none", log_dir="logs")
    assert log.status == "success", log.error
    parsed = [(str(sample.id), *parse(sample.output.completion)) for sample in log.samples or []]
    long = [row for row in parsed if row[1] and words_of(row[1]) >= LEAST_WORDS]
    first: dict[str, tuple[str, str, str]] = {}
    for row in sorted(long):
        first.setdefault(key_of(row[1]), row)
    Path("data").mkdir(exist_ok=True)
    with Path("data/graded.jsonl").open("w") as out:
        for row_id, problem, answer in first.values():
            graded = {"id": row_id, "problem": problem, "answer": answer, "right": is_right(problem, answer)}
            out.write(json.dumps(graded) + "\n")


if __name__ == "__main__":
    main()
