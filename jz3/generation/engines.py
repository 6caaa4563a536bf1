"""Opens the engine that a stage names, for the model in its manifest."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.generation.engine import FP8, ComputedIn, Engine, EngineName, ModelSource
from jz3.tables.model_manifest import ModelManifest


@contextmanager
def open_engine(
    name: EngineName, model: InDir[ModelManifest], dtype: ComputedIn, execution: Execution
) -> Generator[Engine]:
    """The engine of that name for a model; memory and servers are released when the block ends."""
    source = find_model(model)
    if dtype != "saved":
        source = replace(source, dtype=dtype)
    if name == "transformers" and dtype in FP8:
        raise UserError(
            f"dtype {dtype} is a format of vLLM's servers; engine transformers computes in saved, float32 or "
            f"bfloat16. Choose one of them, or engine vllm."
        )
    if name == "transformers":
        from jz3.generation.transformers_engine import TransformersEngine

        engine = TransformersEngine(source, execution)
    else:
        from jz3.generation.served_engine import ServedEngine

        # Absolute, like the model's path. Not resolved: the Python of an environment is a link.
        python = str(Path(execution.vllm_python).absolute())
        engine = ServedEngine(name, source, execution.model_copy(update={"vllm_python": python}))
    try:
        yield engine
    finally:
        engine.close()


def find_model(model: InDir[ModelManifest]) -> ModelSource:
    """Read what an engine must know from the manifest and the model's config."""
    manifest = model.manifest()
    if manifest.on_hub is None:
        config = model.path / "config.json"
        # Absolute: a worker of a cluster may run in another directory.
        return ModelSource(str(model.path.absolute()), manifest.digest, _dtype(config))
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    name, revision = manifest.on_hub
    try:
        config = Path(hf_hub_download(name, "config.json", revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{name}@{revision}, which {model.path} names, is not on this machine; a fetched model was "
            f"expected. Run `jz3 fetch --only model`."
        ) from error
    # The folder rather than the name, so that no engine asks the hub.
    return ModelSource(str(config.parent), manifest.digest, _dtype(config))


def _dtype(config: Path) -> str:
    values = json.loads(config.read_text())
    return values.get("dtype") or values.get("torch_dtype") or "float32"
