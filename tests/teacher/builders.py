"""Prompts of every level and kind, seed problems, and teachers as params.yaml declares them."""

import polars as pl

from jz3.tables.prompt import Prompt
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.declaration import Teacher
from jz3.writer.catalogue import BY_LEVEL
from jz3.writer.server import MODEL
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from tests import executions

LEVELS = [level for level, families in BY_LEVEL.items() if families]
EXECUTION = executions.execution(
    generation_batch=8,
    generation_commit=8,
    training_batch=8,
    concurrency=8,
    requests_per_minute=1_000_000,
    tokens_per_minute=1_000_000_000,
    timeout_s=30,
    retries=2,
)
REPLAY = EXECUTION.model_copy(update={"teacher": "replay"})
FIELDS = {"temperature": 0.6, "top_p": 1.0, "max_tokens": 2_500, "seed": "drawn"}


def prompts(count):
    return Prompt.validate(
        pl.DataFrame([prompt(number) for number in range(count)], schema=Prompt.create_empty().schema)
    )


def prompt(number):
    level, kind = LEVELS[number % len(LEVELS)], ("cot", "tool")[number // 2 % 2]
    passage = f"Passage {number} speaks of money."
    return {
        "prompt_id": f"p{number:03}",
        "passage_id": f"passage-{number}",
        "source": "web",
        "level": level,
        "kind": kind,
        "full": f"Level: {level}\nKind: {kind}\n\n### Passage\n{passage}\n\n### New problem\n",
        "compact": f"{level} {kind}\n{passage}\n[Problem]\n",
    }


def teacher(
    provider="writer", model=MODEL, share=1.0, api="chat", account="OPENAI", request=FIELDS, **fields
):
    """`fields` override those of a request that needs them all."""
    return Teacher.model_validate(
        {
            "share": share,
            "provider": provider,
            "model": model,
            "api": api,
            "account": account,
            "request": {**request, **fields},
        }
    )


def seed_row(number, family, kind="cot", split="instruction", drawn_by=None):
    """A problem of the writer's family with its solution; a text draws its wording."""
    values = distinct_draws(family, split, 1, "seed")[0]
    written = write_draw(family, kind, values, drawn_by or f"seed {number}")
    return {
        "seed_id": f"s{number:02}",
        "origin": "covered",
        "licence": "MIT",
        "split": "train",
        "level": family.level,
        "kind": kind,
        "subject": family.name,
        "question": written.problem,
        "solution": written.solution,
        "answer": written.answer,
    }


def seed_problems(rows):
    return SeedProblem.validate(pl.DataFrame(rows, schema=SeedProblem.create_empty().schema))


def working(augmented, name):
    """The rows of one table of workings that a recipe left."""
    return next(one.rows for one in augmented.workings if one.name == name)
