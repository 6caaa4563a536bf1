"""Sends a publication to a dataset repository of the Hugging Face hub, in one commit.

Files of an earlier publication that are no longer sent are deleted in the same commit; other files of the
repository stay. Files that the repository already has are not sent again: the hub knows them by their
digests.

| variable | what it does |
|---|---|
| `HF_TOKEN` | your token with write access; without it, the one that `hf auth login` left |
| `HF_ENDPOINT` | another hub: a mirror, or one on loopback |
| `HF_HUB_DISABLE_XET` | with 1 files go through Git LFS, which every hub accepts |
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jz3.graph.fetching.hosts import Hub
from jz3.graph.publishing.contents import PUBLISHED, Publication, PublishError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

DATASET = "dataset"


def page(hub: Hub, repo: str) -> str:
    """The address of a dataset repository."""
    return f"{hub.endpoint}/datasets/{repo}"


def must_be_named(repo: str) -> None:
    """Raise PublishError if this is not an `owner/name` of the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
        named = repo.count("/") == 1
    except HFValidationError:
        named = False
    if not named:
        raise PublishError(
            f"{repo} is not a repository of the hub; `owner/name` was expected, of letters, digits, `-`, `_` "
            f"and `.`. Give such a name."
        )


def send(publication: Publication, hub: Hub, repo: str, *, private: bool) -> str:
    """Commit, creating the repository if needed; return the commit's address. Raises PublishError."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    with _in_one_line(hub, repo):
        api = hub.api()
        api.create_repo(repo, repo_type=DATASET, private=private or None, exist_ok=True)
        gone = sorted(_published(api, repo) - publication.files.keys())
        done = api.create_commit(
            repo,
            [
                *(
                    CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
                    for name, content in publication.files.items()
                ),
                *(CommitOperationDelete(name) for name in gone),
            ],
            repo_type=DATASET,
            commit_message=f"Publish the training sets of {publication.commit[:12]}",
        )
    return done.commit_url


def _published(api: "HfApi", repo: str) -> set[str]:
    """Files of the last publication that are still in the repository."""
    there = set(api.list_repo_files(repo, repo_type=DATASET))
    if PUBLISHED not in there:
        return set()
    with open(api.hf_hub_download(repo, PUBLISHED, repo_type=DATASET), encoding="utf-8") as stream:  # noqa: PTH123 (a path of the library's)
        document: Any = json.load(stream)
    return set(document["files"]) & there


@contextmanager
def _in_one_line(hub: Hub, repo: str) -> Generator[None]:
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise PublishError(
            f"HF_HUB_OFFLINE is set, but {repo} is to be sent; a network was expected. Unset it, or see what "
            f"would be sent with --dry-run."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = " ".join(str(error).split())[:200]
        if status in (401, 403):
            whose = "HF_TOKEN may not write there" if hub.token else "there is no token"
            raise PublishError(
                f"{hub.endpoint} does not let you write to {repo} ({whose}: {reason}); a token with the "
                f"right to write was expected. Make one at {hub.endpoint}/settings/tokens and set HF_TOKEN."
            ) from error
        raise PublishError(
            f"{hub.endpoint} did not accept {repo} ({reason}). Nothing was committed; run "
            f"this again: files that arrived are not sent twice."
        ) from error
    except HTTPError as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise PublishError(
            f"{hub.endpoint} cannot be reached ({reason}); an answer was expected. Check the network and "
            f"HF_ENDPOINT, and run this again."
        ) from error
