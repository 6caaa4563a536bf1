"""Which prompt a text gets."""

from pathlib import Path
from zlib import crc32

from tally import tally


def read_templates(folder: str) -> list[str]:
    return [file.read_text() for file in sorted(Path(folder).glob("*.txt"))]


def prompt_of(text_id: str, text: str, templates: list[str]) -> str:
    """One of the templates, drawn by the text's id, with the text in it."""
    tally("prompt")
    template = templates[crc32(text_id.encode()) % len(templates)]
    return template.replace("{text}", text)
