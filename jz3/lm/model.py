"""Models on disk: a directory with weights (safetensors), config, tokenizer and `manifest.json`.

A manifest on its own may name a model of the hub by a fixed revision: then weights and tokenizer come from
the hub's cache on this machine, where `jz3 fetch` puts them. Heavy libraries are imported when a model is
first used.
"""

import importlib.metadata
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jz3.core.artifacts import MANIFEST, InDir
from jz3.core.errors import UserError
from jz3.core.hashing import canonical_json, content_id, files_digest
from jz3.core.remedies import remedy
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.words import PromptForm

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

CARD = "README.md"
"""The card for people, beside the weights of a trained model."""
LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")
"""Libraries whose versions are in each manifest: other versions may give other weights."""


class ModelError(UserError):
    """A model directory cannot be used."""


def load_model(directory: Path, dtype: str) -> "PreTrainedModel":
    """The model in a directory, or the hub model that its manifest names; `dtype` is one such as `float32`.

    Raises ModelError if weights or config are missing or damaged.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    place = place_of(directory)
    try:
        return AutoModelForCausalLM.from_pretrained(
            place, dtype=dtype, trust_remote_code=False, local_files_only=True
        )
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(_unreadable(directory, "a model", error)) from error


def load_tokenizer(directory: Path) -> "PreTrainedTokenizerFast":
    """The tokenizer in a directory, or of the hub model that its manifest names.

    Raises ModelError if it is missing, damaged, or has no token for the end of a text.
    """
    from transformers import AutoTokenizer

    place = place_of(directory)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(_unreadable(directory, "a tokenizer", error)) from error
    if not tokenizer.is_fast or tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {directory} ({place}) has no fast form or no end token; both were expected. "
            f"Choose another model in section `base`."
        )
    return tokenizer


def save_model(
    directory: Path,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerFast",
    *,
    made_by: str,
    steps: int,
    tokens: int,
    prompt_form: PromptForm | None = None,
) -> ModelManifest:
    """Write weights, config, tokenizer and manifest into a directory; the same model gives the same bytes.

    `prompt_form` is that of the prompts which a synthesis model was trained on. The saved model generates
    with its cache on, even if it is saved during a training without it.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    with cache(model, on=True):
        model.save_pretrained(directory)
    save_tokenizer(directory, tokenizer)
    manifest = ModelManifest(
        hub=None,
        digest=model_digest(directory),
        tokenizer_digest=tokenizer_digest(tokenizer),
        parameters=model.num_parameters(),
        made_by=made_by,
        steps=steps,
        tokens=tokens,
        prompt_form=prompt_form,
        libraries=libraries(),
    )
    write_manifest(directory, manifest)
    return manifest


def in_format(model: "PreTrainedModel", dtype: str) -> "PreTrainedModel":
    """The same model, with its weights converted to a number format such as `bfloat16`."""
    import torch

    return model.to(getattr(torch, dtype))  # pyright: ignore[reportReturnType]


@contextmanager
def cache(model: "PreTrainedModel", *, on: bool) -> Generator[None]:
    """Switch a model's cache on or off until the block ends.

    With the cache on, packed documents see each other without a warning: every forward pass over packed
    blocks needs it off.
    """
    before = model.config.use_cache
    model.config.use_cache = on
    try:
        yield
    finally:
        model.config.use_cache = before


def save_tokenizer(directory: Path, tokenizer: "PreTrainedTokenizerFast") -> None:
    """Save the tokenizer's files, without traces of where it was loaded from and of the last call's
    padding.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    tokenizer.save_pretrained(directory)
    config_file = directory / "tokenizer_config.json"
    config: dict[str, Any] = json.loads(config_file.read_text())
    for trace in ("is_local", "local_files_only", "name_or_path"):
        config.pop(trace, None)
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_manifest(directory: Path, manifest: ModelManifest) -> None:
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def model_digest(directory: Path) -> str:
    """Digest of every file of a model except the manifest and the card."""
    files = [file for file in directory.rglob("*") if file.is_file() and file.name not in (MANIFEST, CARD)]
    return files_digest(files, directory)


def tokenizer_digest(tokenizer: "PreTrainedTokenizerFast") -> str:
    """Digest of what the tokenizer does (vocabulary, rules, special tokens), not of the bytes of its
    files.
    """
    rules: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    rules.pop("padding", None)
    rules.pop("truncation", None)
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return content_id(canonical_json(rules), canonical_json(special))


def padding_token(tokenizer: "PreTrainedTokenizerFast") -> int:
    """The pad token, or the end token if there is none, which does as well because padding bears no loss."""
    pad: Any = tokenizer.pad_token_id
    return end_token(tokenizer) if pad is None else int(pad)


def end_token(tokenizer: "PreTrainedTokenizerFast") -> int:
    """The end token; `load_tokenizer` accepts only tokenizers that have one."""
    end: Any = tokenizer.eos_token_id
    return int(end)


def libraries() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def place_of(directory: Path) -> Path:
    """The folder with weights and tokenizer. For a hub model this is not its name: given a name, transformers
    always asks the hub for an adapter, whatever the options.
    """
    on_hub = InDir(ModelManifest, directory).manifest().on_hub
    if on_hub is None:
        return directory
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name, revision = on_hub
    folder = repo_folder_name(repo_id=name, repo_type="model")
    place = Path(constants.HF_HUB_CACHE) / folder / "snapshots" / revision
    if not place.is_dir():
        raise ModelError(_unreadable(directory, "a model", FileNotFoundError(f"{place} does not exist")))
    return place


def _unreadable(directory: Path, what: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    return (
        f"{directory} cannot be read as {what} ({reason}); weights, config, tokenizer were expected there. "
        f"{remedy(directory, 'Give a directory that `base`, `finetune` or `pretrain` left.')} "
        f"A model of the hub must have been fetched: `jz3 fetch --only model`."
    )
