"""CodeManifest: the stages whose code is listed in a directory, each in a file with its name."""

from pydantic import BaseModel


class CodeManifest(BaseModel):
    code: dict[str, str]
    """Digests by stage of the list `STAGE.txt`, which has a line for each module with its path and digest."""
