"""CodeManifest: the stages whose code is listed in a directory, each in a file with its name."""

from pydantic import BaseModel


class CodeManifest(BaseModel):
    code: dict[str, str]
    """The digest of each stage's `STAGE.txt`, which has a line with path and digest for each module."""
