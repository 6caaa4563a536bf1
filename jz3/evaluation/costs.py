"""What the run asked of models, stage by stage: requests, tokens, and money if a provider was paid."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from jz3.tables.cost import Cost


def costs_of(measured: Mapping[str, Any]) -> pl.DataFrame:
    """Table of Cost from the metrics of the stages that ask a model, by name."""
    rows = [
        {
            "stage": stage,
            "requests": values["rows"]["read"],
            "prompt_tokens": values["prompt_tokens"],
            "completion_tokens": values["completion_tokens"],
            "cost_usd": paid["cost_usd"] if paid.get("priced") else None,
        }
        for stage, values in measured.items()
        for paid in [values.get("paid") or values]
    ]
    return pl.DataFrame(rows, schema=Cost.create_empty().schema)
