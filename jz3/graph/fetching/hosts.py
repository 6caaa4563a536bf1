"""The two hosts of the table: the Hugging Face hub through its own library, and files in GitHub repositories.

| variable | what it does |
|---|---|
| `HF_ENDPOINT` | another hub: a mirror, or one on loopback |
| `HF_TOKEN` | your token for gated sources; without it, the one that `hf auth login` left |
| `HF_HUB_OFFLINE` | with 1 there are no requests, and a missing file is an error |
| `HF_HUB_CACHE`, `HF_HOME` | where files are kept |
| `JZ3_GITHUB` | another place than https://raw.githubusercontent.com, with the same paths |

Every error of these libraries becomes one line that says what to do.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jz3.core.errors import UserError
from jz3.graph.fetching.table import SourceEntry
from jz3.raw.fetched import RepositoryKind, snapshot

if TYPE_CHECKING:
    from huggingface_hub import HfApi

GITHUB = "https://raw.githubusercontent.com"
UNAUTHORISED, FORBIDDEN, MISSING = 401, 403, 404


class FetchError(UserError):
    """Something could not be fetched, or is not what the table says."""


@dataclass(frozen=True)
class Hub:
    """The hub to ask, and the user."""

    endpoint: str
    token: str | None
    github: str
    offline: bool

    def api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token or False)


def hub_of_environment() -> Hub:
    """The hub that the environment variables above describe."""
    from huggingface_hub import constants, get_token

    return Hub(
        endpoint=os.environ.get("HF_ENDPOINT") or constants.ENDPOINT,
        token=get_token(),
        github=os.environ.get("JZ3_GITHUB", GITHUB),
        offline=constants.is_offline_mode(),
    )


def kind_of(entry: SourceEntry) -> RepositoryKind:
    """The repository kind of an entry."""
    return "model" if entry.purpose == "model" else "dataset"


def must_be_open(hub: Hub, name: str, entry: SourceEntry) -> None:
    """Raise FetchError if a gated source does not admit this user."""
    with named_errors(hub, name, entry):
        hub.api().auth_check(entry.repo, repo_type=kind_of(entry))


def bring(hub: Hub, name: str, entry: SourceEntry, path: str) -> Path:
    """Download a file of a resolved source unless it is here; an interrupted download continues."""
    with named_errors(hub, name, entry, path):
        if entry.host == "github":
            return _of_github(hub, entry, path)
        from huggingface_hub import hf_hub_download

        return Path(
            str(
                hf_hub_download(
                    entry.repo,
                    path,
                    repo_type=kind_of(entry),
                    revision=entry.revision,
                    token=hub.token or False,
                    endpoint=hub.endpoint,
                )
            )
        )


def place(entry: SourceEntry, path: str) -> Path:
    """The path of a file of a resolved source, whether or not it is there yet."""
    return snapshot(entry.host, kind_of(entry), entry.repo, str(entry.revision)) / path


def _of_github(hub: Hub, entry: SourceEntry, path: str) -> Path:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.file_download import http_get

    file = place(entry, path)
    if file.is_file():
        return file
    if hub.offline:
        raise OfflineModeIsEnabled(f"{path} is not in the cache, and HF_HUB_OFFLINE is set")
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.incomplete")
    try:
        with part.open("ab") as stream:
            http_get(
                f"{hub.github}/{entry.repo}/{entry.revision}/{path}",
                stream,
                resume_size=stream.tell(),
                expected_size=(entry.held or {})[path].bytes,
                displayed_filename=path,
            )
    except (
        HfHubHTTPError
    ):  # the file is gone, or shorter than the part that is here: the download cannot continue
        part.unlink()
        raise
    return part.replace(file)


@contextmanager
def named_errors(hub: Hub, name: str, entry: SourceEntry, path: str | None = None) -> Generator[None]:
    """Turns errors of the libraries into a FetchError of one line."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    what = f"{name}: {path or entry.repo}" + (f" of {entry.repo}" if path else "")
    at = f"commit {entry.revision}" if entry.revision else "its main branch"
    page = f"{hub.endpoint}/{'datasets/' if kind_of(entry) == 'dataset' else ''}{entry.repo}"
    try:
        yield
    except GatedRepoError as error:
        way = (
            f"the account of HF_TOKEN was expected to have access. Ask for it at {page}, then run this again"
            if hub.token
            else f"a token with access was expected. Ask for access at {page}, then set HF_TOKEN"
        )
        raise FetchError(f"{what} is gated and not open to you; {way}.") from error
    except RevisionNotFoundError as error:
        raise FetchError(
            f"{what} has no {at} any more at {hub.endpoint}; the pinned one was expected. Set revision and "
            f"held of '{name}' in data/sources.yaml to null, with the reason, and run `jz3 fetch --resolve`."
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise FetchError(_unreachable(hub, what, entry, error)) from error
    except EntryNotFoundError as error:
        raise FetchError(_gone(what, at, name)) from error
    except RepositoryNotFoundError as error:
        raise FetchError(_closed(hub, what, _status(error))) from error
    except HfHubHTTPError as error:
        status = _status(error)
        if status in (UNAUTHORISED, FORBIDDEN):
            raise FetchError(_closed(hub, what, status)) from error
        if status == MISSING:
            raise FetchError(_gone(what, at, name)) from error
        reason = " ".join(str(error).split())[:160]
        raise FetchError(f"{what} could not be fetched ({reason}). Run it again; it continues.") from error
    except HFValidationError as error:
        raise FetchError(
            f"{what} is not a name as the hub has them; `owner/name` was expected. Correct it."
        ) from error
    except HTTPError as error:  # the network: HfHubHTTPError is one too
        raise FetchError(_unreachable(hub, what, entry, error)) from error


def _unreachable(hub: Hub, what: str, entry: SourceEntry, error: Exception) -> str:
    reason = "HF_HUB_OFFLINE is set" if hub.offline else " ".join(str(error.__cause__ or error).split())[:160]
    return (
        f"{what} is not on this machine and cannot be fetched ({reason}); an answer from "
        f"{hub.github if entry.host == 'github' else hub.endpoint} was expected. Check network, HF_ENDPOINT "
        f"and HF_HUB_OFFLINE."
    )


def _gone(what: str, at: str, name: str) -> str:
    return (
        f"{what} is gone at {at}; the file that data/sources.yaml names was expected. Set revision and held "
        f"of '{name}' there to null, with the reason, and run `jz3 fetch --resolve`."
    )


def _closed(hub: Hub, what: str, status: int | None) -> str:
    if hub.token and status == UNAUTHORISED:
        return (
            f"{what}: {hub.endpoint} does not accept HF_TOKEN; a valid token was expected. Make one at "
            f"{hub.endpoint}/settings/tokens, or unset it for sources that are not gated."
        )
    return f"{what} is not at {hub.endpoint}, or private; check its name in data/sources.yaml, and HF_TOKEN."


def _status(error: Any) -> int | None:  # noqa: ANN401 (the library's errors, whose response may be None)
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)
