"""Rows of both stages, on weights given by a formula: their keys and payloads never change.

If they do, rows that were paid for are silently lost or misread: a changed payload needs a new version of the
operation.
"""

import base64

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

from jz3.core.artifacts import MANIFEST, InDir
from jz3.influence.attribute import ATTRIBUTE, AttributeParams, attribute
from jz3.influence.checkpoints import ADAPTER_FILE, BASE, CONFIG_FILE, FIRST_MOMENTS, SECOND_MOMENTS
from jz3.influence.sketch import SKETCH, SketchParams, sketch
from jz3.lm.model import load_model
from jz3.lm.tokenizer import train_tokenizer
from jz3.store.row_store import open_store
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.training.base import ConfigModel, build
from tests.influence.references import execution, problems, targets

FORM = {"max_tokens": 64, "direction": "adam", "precision": "fp32"}
SHAPE = {"hidden_size": 8, "layers": 1, "heads": 2, "mlp": 12, "seed": 0, "max_positions": 64}
LAYER = "base_model.model.model.layers.0.mlp.down_proj"


def formula(shape, scale):
    """Numbers that every machine rounds in the same way."""
    count = torch.Size(shape).numel()
    return (((torch.arange(count) * 37) % 101 - 50).float() * scale).reshape(shape)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    texts = [text for row in problems(4).iter_rows(named=True) for text in (row["problem"], row["solution"])]
    build(
        ConfigModel(kind="config", training=None, **SHAPE),
        train_tokenizer(pl.Series(texts), 300),
        root / BASE,
    )
    model = load_model(root / BASE, "float32")
    for weight in model.parameters():
        weight.data = formula(weight.shape, 2**-6)
    model.save_pretrained(root / BASE)
    for name, scale in (("epoch-1", 2**-9), ("epoch-2", 2**-8)):
        (root / name).mkdir()
        (root / name / CONFIG_FILE).write_text('{"lora_alpha": 4, "r": 2}')
        for file, of in (
            (ADAPTER_FILE, scale),
            (f"{FIRST_MOMENTS}.safetensors", scale / 16),
            (f"{SECOND_MOMENTS}.safetensors", scale / 64),
        ):
            adapter = {
                f"{LAYER}.lora_A.weight": formula((2, 12), of),
                f"{LAYER}.lora_B.weight": formula((8, 2), of),
            }
            squares = {key: weight.square() for key, weight in adapter.items()}
            save_file(squares if file.startswith(SECOND_MOMENTS) else adapter, root / name / file)
    manifest = CheckpointsManifest(
        base_digest="5" * 32,
        tokenizer_digest="7" * 32,
        checkpoints=[
            Checkpoint(directory=name, mean_learning_rate=0.01, step=1, mean_loss=1.0)
            for name in ("epoch-1", "epoch-2")
        ],
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=1e-8,
        libraries={},
    )
    (root / MANIFEST).write_text(manifest.model_dump_json())
    return InDir(CheckpointsManifest, root)


def stored(operation):
    """The results by key."""
    return {row.key: row.result for row in open_store().rows(operation)}


def test_rows_of_attribute_are_what_they_were(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    attribute(problems(2), targets(), reference, AttributeParams(**FORM), execution())
    expected = {
        "182527f2a24e4bd0bc34eb7510ce56e5": (0.1913680, 0.1791122, 5.714344),
        "27f2d655290e654e34a6e25779e6298e": (0.2063328, 0.1940166, 5.702826),
        "3e38a03a1b964ee3fba7e94533f1a719": (0.2018933, 0.1873166, 5.701997),
        "4fd0b5949c3118b3776264e011f2068b": (0.1968960, 0.1867922, 5.716264),
    }
    found = stored(ATTRIBUTE)
    assert (ATTRIBUTE.name, ATTRIBUTE.version, found.keys()) == ("attribute", 1, expected.keys())
    for key, (products, sums, loss) in expected.items():
        cosines = pytest.approx({"products": products, "sums": sums}, abs=1e-5)
        assert found[key] == {"cosines": cosines, "loss": pytest.approx(loss, abs=1e-5)}


def test_rows_and_facts_of_sketch_are_what_they_were(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    params = SketchParams(**FORM, share=1.0, size=4, seed=3)
    made = sketch(problems(2), reference, params, execution())
    assert [frame.height for frame in made.frames] == [2, 2]
    assert made.facts == {
        "size": "4",
        "seed": "3",
        "direction": "adam",
        "precision": "fp32",
        "max_tokens": "64",
        "checkpoints": "61dc59cc82e40384e352c540cc852893",
    }
    expected = {
        "23486d0324647a6bfe0a018c6997eb9c": ([-0.2211, -0.2732, -0.0060, -0.9077], 5.701997),
        "7af50c5a82288db35873620400e17549": ([-0.2512, -0.3203, 0.1021, -0.8730], 5.714344),
        "e32b22307c9b3ed77ebd35824aca955d": ([-0.2280, -0.2830, -0.0020, -0.8930], 5.702826),
        "fdfa4b0bf1128036b4b9e953a3bdb28b": ([-0.2563, -0.3289, 0.1079, -0.8613], 5.716264),
    }
    found = stored(SKETCH)
    assert (SKETCH.name, SKETCH.version, found.keys()) == ("sketch", 1, expected.keys())
    for key, (numbers, loss) in expected.items():
        assert found[key].keys() == {"halves", "loss"}
        assert found[key]["loss"] == pytest.approx(loss, abs=1e-5)
        halves = np.frombuffer(base64.b64decode(found[key]["halves"]), "<f2")
        assert halves.tolist() == pytest.approx(numbers, abs=1e-3)
