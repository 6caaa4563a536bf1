"""The code that comes in a model's folder is never run, whatever a terminal would answer."""

import json

import pytest

from jz3.lm.model import ModelError, load_model, load_tokenizer, write_manifest
from jz3.tables.model_manifest import ModelManifest

CODE = """
from pathlib import Path
Path({mark!r}).write_text("ran")
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
class Config(PretrainedConfig):
    model_type = "stranger"
class Model(PreTrainedModel):
    config_class = Config
class Tokenizer(PreTrainedTokenizerFast):
    pass
"""


@pytest.mark.parametrize("load", [lambda place: load_model(place, "float32"), load_tokenizer])
def test_code_of_a_model_is_refused_and_not_asked_about(tmp_path, monkeypatch, load):
    mark, model = tmp_path / "mark", tmp_path / "model"
    model.mkdir()
    (model / "strange.py").write_text(CODE.format(mark=str(mark)))
    classes = {"AutoConfig": "strange.Config", "AutoModelForCausalLM": "strange.Model"}
    (model / "config.json").write_text(json.dumps({"model_type": "stranger", "auto_map": classes}))
    tokenizer = {"tokenizer_class": "Tokenizer", "auto_map": {"AutoTokenizer": ["strange.Tokenizer", None]}}
    (model / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    manifest = ModelManifest(
        hub=None,
        digest="0",
        tokenizer_digest="0",
        parameters=0,
        made_by="a stranger",
        steps=0,
        tokens=0,
        prompt_form=None,
        libraries={},
    )
    write_manifest(model, manifest)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ModelError):
        load(model)
    assert not mark.exists()
