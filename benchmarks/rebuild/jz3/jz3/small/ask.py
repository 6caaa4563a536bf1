"""The model writes a problem for each text."""

import json
import os

import polars as pl
from jz3.small.prompts import prompt_of, read_templates
from jz3.small.tables import Written

from jz3.core.artifacts import InFiles
from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params, Seed
from jz3.generation.asking import ask_all
from jz3.generation.chat import ChatFailure, ChatRequest, chat_key
from jz3.generation.endpoint import Endpoint
from jz3.tables.failure import Failure


class AskParams(Params):
    """Who is asked, and how."""

    model: str
    temperature: float
    seed: Seed


def ask(
    texts: InFiles, templates: InFiles, params: AskParams, execution: Execution
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables of Written and Failure."""
    forms = read_templates(str(templates.path))
    rows = [json.loads(line) for file in texts.matching("*.jsonl") for line in file.open()]
    requests = [
        ChatRequest(
            provider="openai",
            model=params.model,
            prompt=prompt_of(row["id"], row["text"], forms),
            temperature=params.temperature,
            top_p=1.0,
            max_tokens=500,
            seed=draw_order(params.seed, row["id"]) % (1 << 31),
        )
        for row in rows
    ]
    endpoint = Endpoint(os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY"))
    written, failed = [], []
    for row, request, reply in zip(
        rows, requests, ask_all(requests, endpoint, execution, "texts"), strict=True
    ):
        if isinstance(reply, ChatFailure):
            failed.append((chat_key(request), row["id"], reply.reason))
        else:
            written.append((row["id"], reply.text))
    return (
        pl.DataFrame(written, Written.create_empty().schema, orient="row"),
        pl.DataFrame(failed, Failure.create_empty().schema, orient="row"),
    )
