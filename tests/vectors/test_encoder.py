"""A fetched sentence encoder: the mean over a text's tokens, whatever texts are in its batch."""

import hashlib

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from jz3.core.artifacts import InFiles
from jz3.raw.fetched import Fetched
from jz3.raw.row import RawFileError
from jz3.vectors.encoder import FetchedEncoder, SpellingEncoder, open_encoder
from tests.executions import execution

TEXTS = ["the area of a square", "a prime", "sum of the roots of a polynomial and more words", ""]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The manifest of a tiny encoder, which is where the hub's files would be."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    root = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(root))
        manifest = Fetched(
            source="tiny",
            host="hub",
            kind="model",
            repo="jz3/tiny",
            revision="0" * 40,
            licence="MIT",
            files={},
        )
        folder = manifest.folder()
        folder.mkdir(parents=True)
        words = sorted({word for text in TEXTS for word in text.split()})
        (root / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
        BertTokenizerFast(str(root / "vocab.txt")).save_pretrained(folder)
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
        BertModel(config).save_pretrained(folder)
        files = {
            path.name: {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in folder.iterdir()
        }
        whole = Fetched.model_validate(manifest.model_dump() | {"files": files})
        (root / "tiny.fetched.json").write_text(whole.model_dump_json())
        yield InFiles(root)


def test_a_text_has_one_vector_of_length_1_whatever_stands_beside_it(models):
    params = FetchedEncoder(kind="fetched", source="tiny", max_tokens=8)
    together = open_encoder(params, models, execution(generation_batch=3))(TEXTS)
    assert together.shape == (4, 16)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    encode = open_encoder(params, models, execution(generation_batch=1))
    for text, vector in zip(TEXTS, together, strict=True):
        assert encode([text])[0] == pytest.approx(vector, abs=1e-5)
    assert abs(together[0] - together[1]).max() > 0.01
    assert encode([]).shape == (0, 16)


def test_an_encoder_that_was_not_fetched_is_one_clear_line(tmp_path):
    params = FetchedEncoder(kind="fetched", source="absent", max_tokens=8)
    with pytest.raises(RawFileError, match=r"absent.fetched.json does not exist.*jz3 fetch --only absent"):
        open_encoder(params, InFiles(tmp_path), execution())


def test_the_encoder_by_spelling_needs_no_model(tmp_path):
    params = SpellingEncoder(kind="spelling", dimensions=32, most_words=4)
    assert open_encoder(params, InFiles(tmp_path), execution())(["a prime"]).shape == (1, 32)
