"""A prompt that kills its workers is a row of the failures table; every other row is there."""

import polars as pl
import pytest

from jz3.core.frames import Accounted
from jz3.synthesis.synthesize import Synthesis
from jz3.tables.failure import Failure
from tests.generation.builders import execution
from tests.synthesis.test_synthesize import PARAMS, prompts
from tests.workers.work import Poisoned

pytestmark = pytest.mark.long


def test_a_prompt_that_ends_three_workers_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    poison = pl.when(pl.col("prompt_id") == "prompt 005").then(pl.lit("poison")).otherwise("compact")
    rows = prompts(12).with_columns(compact=poison)
    how = execution(workers=2, generation_batch=4, generation_commit=4)
    synthesis = Synthesis(rows.lazy(), "compact", Poisoned(), PARAMS, how)
    completions = Accounted(synthesis.completions())
    made = pl.concat(completions)
    assert set(rows["prompt_id"]) - set(made["prompt_id"]) == {"prompt 005"}
    (failure,) = Failure.validate(completions.account.failures).rows(named=True)
    assert failure["row_id"] == "prompt 005"
    assert "ended 3 workers" in failure["reason"]
    rows = completions.account.metrics.rows
    assert rows.model_dump() == {"read": 12, "kept": 11, "rejected": {}, "failed": 1}
