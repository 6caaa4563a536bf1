"""datatrove: an inference step with its request cache, then steps over the documents that it wrote."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from choosing import key_of, words_of
from datatrove.data import Document, DocumentsPipeline
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from grading import is_right
from parsing import parse
from prompts import prompt_of, read_templates

TEMPERATURE = 0.7
LEAST_WORDS = 12
TEMPLATES = read_templates("templates")


async def ask(document: Document, generate: Callable[[dict[str, Any]], Awaitable[Any]]) -> str:
    content = prompt_of(document.id, document.text, TEMPLATES)
    result = await generate({"messages": [{"role": "user", "content": content}], "temperature": TEMPERATURE})
    return result.text


def read_problems(data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG001
    for document in data:
        problem, answer = parse(document.metadata["rollout_results"][0])
        if problem:
            document.text, document.metadata = problem, {"answer": answer}
            yield document


def drop_repeated(data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG001
    seen: set[str] = set()
    for document in sorted(data, key=lambda document: document.id):
        key = key_of(document.text)
        if key not in seen:
            seen.add(key)
            yield document


def grade(data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG001
    for document in data:
        document.metadata["right"] = is_right(document.text, document.metadata["answer"])
        yield document


def row_of(_: JsonlWriter, document: Document) -> dict[str, Any]:
    return {"id": document.id, "problem": document.text, **document.metadata}


def main() -> None:
    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=os.environ["OPENAI_BASE_URL"].removesuffix("/v1"),
        api_key="any",
        model_name_or_path="teacher",
        max_concurrent_generations=16,
    )
    asking = LocalPipelineExecutor(
        pipeline=[
            JsonlReader("texts"),
            InferenceRunner(
                rollout_fn=ask,
                config=config,
                output_writer=JsonlWriter(
                    "data/completions",
                    output_filename="${rank}_chunk_${chunk_index}.jsonl",
                    compression=None,
                ),
                checkpoints_local_dir="data/checkpoints",
                records_per_chunk=500,
            ),
        ],
        logging_dir="logs/ask",
        skip_completed=False,
    )
    reading = LocalPipelineExecutor(
        pipeline=[
            JsonlReader("data/completions"),
            read_problems,
            LambdaFilter(lambda document: words_of(document.text) >= LEAST_WORDS),
            drop_repeated,
            grade,
            JsonlWriter("data/graded", output_filename="rows.jsonl", compression=None, adapter=row_of),
        ],
        logging_dir="logs/read",
        skip_completed=False,
    )
    asking.run()
    reading.run()


if __name__ == "__main__":
    main()
