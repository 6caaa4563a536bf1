"""Base models: the same corpus and parameters give the same bytes; what is saved is what is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch

from jz3.core.artifacts import MANIFEST, InDir, InFiles
from jz3.lm.model import ModelError, load_model, load_tokenizer, model_digest, save_model, tokenizer_digest
from jz3.lm.tokenizer import train_tokenizer
from jz3.raw.fetched import Fetched, FetchedFile, sha256_of
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.training.base import BaseParams, ConfigModel, base, build
from tests import executions
from tests.lm.texts import TEXTS
from tests.loopback_hub import LoopbackHub, serving
from tests.training.test_corpus_training import TRAINING

CONFIG = {
    "kind": "config",
    "hidden_size": 32,
    "layers": 2,
    "heads": 2,
    "mlp": 64,
    "seed": 0,
    "max_positions": 128,
    "training": None,
}
ROOT = Path(__file__).parents[2]


def corpus():
    return Passage.validate(
        pl.DataFrame(
            [
                {
                    "passage_id": f"{number:03}",
                    "source": "web",
                    "document_id": str(number),
                    "origin": "test",
                    "licence": "CC0-1.0",
                    "offset": 0,
                    "text": text,
                }
                for number, text in enumerate(TEXTS)
            ]
        ),
        cast=True,
    )


def params(**changes) -> BaseParams:
    return BaseParams.model_validate(
        {"vocabulary": 350, "synthesis": CONFIG, "reference": CONFIG, "final": CONFIG, **changes}
    )


def made_base(asked: BaseParams, made: list[Path], passages=None):
    nothing = InFiles(made[0].parent)
    return base(corpus() if passages is None else passages, asked, nothing, *made, executions.execution())


def directories(root: Path) -> list[Path]:
    made = [root / name for name in ("synthesis", "reference", "final")]
    for directory in made:
        directory.mkdir(parents=True)
    return made


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_two_runs_leave_the_same_bytes_and_three_whole_models(tmp_path):
    metrics = made_base(params(), directories(tmp_path / "one"))
    assert made_base(params(), directories(tmp_path / "other"), corpus().reverse()) == metrics
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert one == other
    assert {Path(name).name for name in one} >= {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        MANIFEST,
    }
    assert metrics.rows.kept == len(TEXTS)
    assert metrics.vocabulary == 350


def test_another_seed_gives_other_weights_and_the_same_tokenizer(tmp_path):
    made = directories(tmp_path)
    made_base(params(final={**CONFIG, "seed": 1}), made)
    synthesis, _, final = (InDir(ModelManifest, directory).manifest() for directory in made)
    assert synthesis.digest != final.digest
    assert synthesis.tokenizer_digest == final.tokenizer_digest


def test_a_trained_base_is_the_same_for_equal_configs_and_in_every_run(tmp_path):
    asked = params(
        synthesis={**CONFIG, "training": TRAINING.model_dump()},
        reference={**CONFIG, "training": TRAINING.model_dump()},
    )
    one, other = directories(tmp_path / "one"), directories(tmp_path / "other")
    metrics = made_base(asked, one)
    assert made_base(asked, other, corpus().reverse()) == metrics
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    synthesis, reference, final = (InDir(ModelManifest, directory).manifest() for directory in one)
    assert synthesis == reference
    assert synthesis.digest != final.digest
    assert synthesis.tokens > 0 == final.tokens
    assert metrics.synthesis_loss == metrics.reference_loss is not None
    assert metrics.final_loss is None


def test_a_saved_model_loads_with_equal_logits_and_an_equal_tokenizer(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 350)
    manifest = build(ConfigModel.model_validate(CONFIG), tokenizer, tmp_path)
    model, loaded = load_model(tmp_path, "float32"), load_tokenizer(tmp_path)
    assert manifest.digest == model_digest(tmp_path)
    assert manifest.tokenizer_digest == tokenizer_digest(loaded) == tokenizer_digest(tokenizer)
    assert manifest.parameters == sum(weight.numel() for weight in model.parameters())
    assert [loaded(text)["input_ids"] for text in TEXTS] == [tokenizer(text)["input_ids"] for text in TEXTS]
    again = tmp_path / "again"
    again.mkdir()
    save_model(again, model, loaded, made_by="test", steps=1, tokens=2)
    tokens = torch.tensor([loaded(TEXTS[0])["input_ids"]])
    with torch.no_grad():
        assert torch.equal(load_model(again, "float32")(tokens).logits, model(tokens).logits)
    for name in ("tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_padding_of_an_earlier_call_does_not_change_what_is_saved(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 350)
    digest = tokenizer_digest(tokenizer)
    tokenizer(["a", "b c d"], padding=True, truncation=True, max_length=2)
    assert tokenizer_digest(tokenizer) == digest
    build(ConfigModel.model_validate(CONFIG), tokenizer, tmp_path)
    saved = json.loads((tmp_path / "tokenizer.json").read_text())
    assert saved["padding"] is None
    assert saved["truncation"] is None


def test_damaged_weights_are_one_clear_error(tmp_path):
    build(ConfigModel.model_validate(CONFIG), train_tokenizer(TEXTS, 350), tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read as a model"):
        load_model(tmp_path, "float32")


REVISION = "0123456789abcdef0123456789abcdef01234567"

FETCHED_RUN = """
import sys
from pathlib import Path
from jz3.core.artifacts import InDir, InFiles
from jz3.core.errors import UserError
from jz3.generation.engines import find_model
from jz3.tables.model_manifest import ModelManifest
from jz3.lm.model import load_model, load_tokenizer
from jz3.lm.sharded import load_sharded
from jz3.training.base import FetchedModel, fetched_manifest
from tests.executions import execution
from tests.lm.optimizers import OPTIMIZER
directory, models = Path(sys.argv[1]), InFiles(Path(sys.argv[2]))
made = fetched_manifest(FetchedModel(kind="fetched", source="tiny"), models, directory)
assert [file.name for file in directory.iterdir()] == ["manifest.json"]
assert load_model(directory, "float32").num_parameters() == made.parameters
assert (Path(find_model(InDir(ModelManifest, directory)).path) / "model.safetensors").is_file()
assert load_sharded(directory, execution(ranks=1), OPTIMIZER).num_parameters() == made.parameters
print(len(load_tokenizer(directory)), made.hub)
weights = Path(find_model(InDir(ModelManifest, directory)).path) / "model.safetensors"
weights.write_bytes(weights.read_bytes()[:-8])
for source, use in (
    ("absent", lambda name: fetched_manifest(FetchedModel(kind="fetched", source=name), models, directory)),
    ("tiny", lambda name: fetched_manifest(FetchedModel(kind="fetched", source=name), models, directory)),
    ("tiny", lambda _: load_model(directory, "float32")),
):
    try:
        use(source)
    except UserError as error:
        print(error)
"""


def test_a_fetched_model_leaves_its_manifest_alone_and_loads_through_it(tmp_path):
    """A hub cache in the layout of the hub's own client, and a reachable hub that is asked for nothing."""
    cached = tmp_path / "hub" / "models--org--tiny"
    snapshot = cached / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (cached / "refs").mkdir()
    build(ConfigModel.model_validate(CONFIG), train_tokenizer(TEXTS, 350), snapshot)
    (snapshot / MANIFEST).unlink()
    files = {
        file.name: FetchedFile(bytes=file.stat().st_size, sha256=sha256_of(file))
        for file in snapshot.iterdir()
    }
    fetched = Fetched(
        source="tiny", host="hub", kind="model", repo="org/tiny", revision=REVISION, licence=None, files=files
    )
    (tmp_path / "tiny.fetched.json").write_text(fetched.model_dump_json())
    out = tmp_path / "out"
    out.mkdir()
    with serving(LoopbackHub()) as hub:
        variables = {
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "HF_HUB_OFFLINE": "0",
            "HF_ENDPOINT": hub.address,
            "PYTHONPATH": str(ROOT),
        } | dict.fromkeys(("RANK", "LOCAL_RANK", "MASTER_PORT"), "0")
        variables |= {"WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}  # of a rank, alone
        run = subprocess.run(
            [sys.executable, "-c", FETCHED_RUN, str(out), str(tmp_path)],
            cwd=ROOT,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert not [line for line in hub.asked if "tiny" in line], "what was fetched is not asked for again"
    loaded, refused, short, unreadable = run.stdout.splitlines()
    assert loaded == f"350 org/tiny@{REVISION}"
    assert "absent.fetched.json does not exist" in refused
    assert "jz3 fetch --only absent" in refused
    size = fetched.files["model.safetensors"].bytes
    assert f"has {size - 8:,} bytes on this machine" in short
    assert f"{size:,} bytes were expected" in short
    assert "jz3 fetch --only tiny" in short
    assert "cannot be read as a model" in unreadable
    assert "jz3 fetch --only model" in unreadable
