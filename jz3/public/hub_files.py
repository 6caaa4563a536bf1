"""Files of a data set of the Hugging Face hub, by an address that polars and pandas accept, too:
`hf://datasets/OWNER/NAME`, optionally with `@REVISION` and the path of a file or folder.

`HF_ENDPOINT` names another hub, `HF_TOKEN` the user for a gated data set; files are kept in the hub's cache.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jz3.core.errors import UserError

BEGIN = "hf://datasets/"
_ADDRESS = re.compile(rf"{BEGIN}([\w.-]+/[\w.-]+)(?:@([^/]+))?/?(.*)")
ENDINGS = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".arrow")
"""Endings of files that hold rows. Only files of the first ending that the data set has are read."""
NOTES = ("dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json", "croissant.json")
"""Files that have such an ending but hold no rows."""


@dataclass(frozen=True)
class HubFiles:
    """Files on this machine."""

    address: str
    """The address with its commit."""
    root: Path
    files: list[Path]


def hub_files(address: str) -> HubFiles:
    """The files of an address, downloaded if they are not here. Raises UserError."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UserError(
            f"{address} is not an address of a data set; `{BEGIN}OWNER/NAME`, optionally with @REVISION or "
            f"/PATH, was expected. Correct it."
        )
    repo, revision, path = match.groups()
    try:
        from huggingface_hub import HfApi, constants, get_token, hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled
    except ModuleNotFoundError as missing:
        raise UserError(
            f"{missing.name} is not installed; data sets of the hub need it. Run "
            f"`pip install huggingface_hub`."
        ) from missing
    hub = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    api = HfApi(endpoint=hub, token=get_token() or False)
    try:
        found = api.dataset_info(repo, revision=revision)
        commit = str(found.sha)
        names = _of_rows([one.rfilename for one in found.siblings or []], path)
        if not names:
            raise UserError(
                f"{address} has no file of rows; one that ends in {', '.join(ENDINGS)} was expected. See "
                f"{hub}/datasets/{repo}/tree/{commit}."
            )
        files = [
            Path(
                str(
                    hf_hub_download(
                        repo, name, repo_type="dataset", revision=commit, token=api.token, endpoint=hub
                    )
                )
            )
            for name in names
        ]
    except (HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:160]
        raise UserError(
            f"{address} could not be fetched from {hub} ({reason}); an existing data set that "
            f"is open to you was expected. Check its name, the network, HF_TOKEN and HF_HUB_OFFLINE."
        ) from error
    root = files[0]
    for _ in PurePosixPath(names[0]).parts:
        root = root.parent
    return HubFiles(f"{BEGIN}{repo}@{commit}{f'/{path}' if path else ''}", root, files)


def _of_rows(names: list[str], path: str) -> list[str]:
    """The files at or below `path` with the first ending that any of them has."""
    folder = path.rstrip("/")
    below = [
        name
        for name in sorted(names)
        if (not folder or name == folder or name.startswith(f"{folder}/"))
        and PurePosixPath(name).name not in NOTES
    ]
    for ending in ENDINGS:
        found = [name for name in below if ending in PurePosixPath(name).suffixes[-2:]]
        if found:
            return found
    return []
