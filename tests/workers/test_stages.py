"""`answer`, `attribute`, `sketch` leave the same with two workers of a Ray cluster as in their own process.

The cluster was started in a directory other than that of the stages, which name their models by relative
paths. `execute` has its own test of this, `synthesize` several.
"""

from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import InDir
from jz3.evaluation.answer import answer
from jz3.generation.completion_rows import GENERATE
from jz3.generation.engines import open_engine
from jz3.influence.attribute import ATTRIBUTE, attribute
from jz3.influence.sketch import SKETCH, sketch
from jz3.lm.tokenizer import train_tokenizer
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.training.base import ConfigModel, build
from tests import executions
from tests.evaluation.test_answer import FILES, parameters
from tests.evaluation.test_grade import items
from tests.generation.builders import tiny_model
from tests.influence.references import problems, targets, train_reference
from tests.influence.test_attribute import ATTRIBUTION
from tests.influence.test_sketch import PARAMS
from tests.workers.work import Programming

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    started = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100_000_000}
    )
    yield started
    started.shutdown()


@pytest.fixture
def both_ways(cluster, tmp_path, monkeypatch):
    """Runs a function with one worker and with two, each with a store of its own; returns results and
    rows.
    """

    def run(stage, operation):
        found = []
        for name, changes in (("one", {}), ("two", {"workers": 2, "ray_address": cluster.address})):
            monkeypatch.setenv("JZ3_STORE", str(tmp_path / name))
            how = executions.execution(generation_batch=4, generation_commit=3, training_batch=4, **changes)
            made = stage(how)
            rows = {row.key: (row.request, row.result) for row in open_store().rows(operation)}
            found.append((made, rows))
        return found

    return run


def test_answer_by_prose_and_by_program(both_ways, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = InDir(ModelManifest, tiny_model(Path("model"), context=512))
    table = items(["1", "2", "3"])
    params = parameters(samples=2)
    params = params.model_copy(
        update={"tool": params.tool.model_copy(update={"benchmarks": ["b"], "rounds": 1})}
    )

    def stage(how):
        with open_engine("transformers", model, "saved", how) as engine:
            return answer(table, FILES, engine, params, how)

    (one, rows), (two, same_rows) = both_ways(stage, GENERATE)
    assert one.responses.equals(two.responses)
    assert one.metrics == two.metrics
    assert rows == same_rows
    assert len(rows) == 2 * 6


def test_the_rounds_of_answers_by_program_open_the_model_once_in_each_worker(both_ways, tmp_path):
    params = parameters(samples=3)
    params = params.model_copy(
        update={"tool": params.tool.model_copy(update={"benchmarks": ["b"], "rounds": 3})}
    )
    engine = Programming(tmp_path)
    (one, rows), (two, same_rows) = both_ways(
        lambda how: answer(items(["1", "2", "3"]), FILES, engine, params, how), GENERATE
    )
    assert one.responses.equals(two.responses)
    assert rows == same_rows
    by_program = two.responses.filter(pl.col("setting") == "tool")
    assert set(by_program["calls"]) == {3}
    assert all(text.count("```output\n7\n```") == 2 for text in by_program["text"])
    opened = (tmp_path / "opened").read_text().split()
    assert len(opened) == len(set(opened)) <= 1 + 2, "workers for each round would be four or more"


def test_attribute(both_ways, reference, monkeypatch):
    monkeypatch.chdir(reference.path.parent)
    reference = InDir(reference.kind, Path(reference.path.name))
    (one, rows), (two, same_rows) = both_ways(
        lambda how: attribute(problems(), targets(), reference, ATTRIBUTION, how), ATTRIBUTE
    )
    assert one.scores.equals(two.scores)
    assert one.metrics == two.metrics
    assert rows == same_rows
    assert len(rows) == 2 * problems().height


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    texts = [text for row in problems().iter_rows(named=True) for text in (row["problem"], row["solution"])]
    shape = {"hidden_size": 24, "layers": 2, "heads": 2, "mlp": 48, "seed": 0, "max_positions": 64}
    model = ConfigModel(kind="config", training=None, **shape)
    build(model, train_tokenizer(pl.Series(texts), 300), root / "base")
    return train_reference(root / "base", root / "reference")[1]


def test_sketch(both_ways, reference):
    """The frames are computed as they are read."""
    (one, rows), (two, same_rows) = both_ways(
        lambda how: pl.concat(sketch(problems(), reference, PARAMS, how).frames), SKETCH
    )
    assert one.equals(two)
    assert rows == same_rows
    assert one.height == len(rows) == 40
