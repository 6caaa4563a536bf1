"""The card beside a model's weights: what it was made from, how, and what was measured.

Every figure comes from a manifest, the parameters or the metrics of the run; nothing else is in it. The same
run gives the same bytes. Costs nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from jz3.core.artifacts import InDir
from jz3.lm.model import CARD
from jz3.tables.model_manifest import ModelManifest


def write_card(directory: Path, base: Path, sections: Mapping[str, BaseModel | Mapping[str, object]]) -> None:
    """Write the card beside the model and manifest in `directory`; `sections` become tables, by title."""
    manifest = InDir(ModelManifest, directory).manifest()
    tables = {"The model": _model(manifest), "Its base": _base(InDir(ModelManifest, base).manifest())}
    parts = [_head(), f"# {manifest.made_by}\n", USE]
    parts += [f"## {title}\n\n{_table(values)}" for title, values in {**tables, **sections}.items()]
    (directory / CARD).write_text("\n".join(parts))


def _head() -> str:
    """The header that a hub of models reads."""
    from huggingface_hub import ModelCardData

    head = ModelCardData(
        library_name="transformers", pipeline_tag="text-generation", tags=["mathematics", "jz3"]
    )
    return f"---\n{head.to_yaml()}\n---\n"


USE = """Plain weights (safetensors), made by a stage of jz3; `manifest.json` identifies them. Its answers
were graded by the stages behind it, if at all: their tables, not this card, say how good it is. The licences
of base and data hold for it too.
"""


def _model(manifest: ModelManifest) -> dict[str, object]:
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(manifest.libraries.items()))
    return {
        "digest": manifest.digest,
        "tokenizer digest": manifest.tokenizer_digest,
        "weights": f"{manifest.parameters:,}",
        "steps": f"{manifest.steps:,}",
        "tokens read, padding not counted": f"{manifest.tokens:,}",
        "libraries": libraries,
    }


def _base(manifest: ModelManifest) -> dict[str, object]:
    return {"model": manifest.hub or manifest.made_by, "digest": manifest.digest}


def _table(values: BaseModel | Mapping[str, object]) -> str:
    flat = _flat(values.model_dump(mode="json") if isinstance(values, BaseModel) else values)
    lines = [f"| {name} | {_shown(value)} |\n" for name, value in flat.items()]
    return "| | |\n|---|---|\n" + "".join(lines)


def _flat(values: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Values by dotted name."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        inner = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{above}{name}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            flat[f"{above}{name}"] = inner
    return flat


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value).replace("|", r"\|").replace("\n", " ")
