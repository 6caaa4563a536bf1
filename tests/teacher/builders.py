"""Prompts of every level and kind, and teachers as params.yaml declares them."""

import polars as pl

from jz3.tables.prompt import Prompt
from jz3.teacher.declaration import Teacher
from jz3.writer.catalogue import BY_LEVEL
from jz3.writer.server import MODEL

LEVELS = [level for level, families in BY_LEVEL.items() if families]
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
    """`fields` are set over those of a request that needs them all."""
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
