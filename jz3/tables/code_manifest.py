"""CodeManifest: the stages whose code is listed in a directory, each in a text of its name."""

from pydantic import BaseModel


class CodeManifest(BaseModel):
    code: dict[str, str]
    """Stage to a digest of its list `STAGE.txt`, which has a line for each module: its path and digest."""
