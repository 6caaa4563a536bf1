"""One warmed-up reference for the tests of both stages."""

import polars as pl
import pytest

from jz3.lm.tokenizer import train_tokenizer
from jz3.training.base import ConfigModel, build
from tests.influence.references import Trained, problems, train_reference


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    texts = [text for row in problems().iter_rows(named=True) for text in (row["problem"], row["solution"])]
    shape = {
        "hidden_size": 24,
        "layers": 2,
        "heads": 2,
        "mlp": 48,
        "seed": 0,
        "max_positions": 64,
        "training": None,
    }
    build(ConfigModel(kind="config", **shape), train_tokenizer(pl.Series(texts), 300), root / "base")
    _, checkpoints = train_reference(root / "base", root / "reference")
    return Trained(root / "base", checkpoints)
