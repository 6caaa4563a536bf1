"""PagesManifest: a directory of files for people: tables as Markdown and CSV, the report."""

from pydantic import BaseModel


class PagesManifest(BaseModel):
    """Files for people by name, each with a description."""

    files: dict[str, str]
