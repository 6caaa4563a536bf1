"""What `jz3 publish` sends: the training sets with their card, certificates, figures and origins.

| in the repository | what | |---|---| | `README.md` | the dataset card that the stage `card` wrote;
`load_dataset` reads its configurations | | `MODEL/part-*.parquet`, `MODEL/manifest.json` | the training set
of each model | | `certificates/SET/manifest.json` | what was compared with which benchmark, without pairs
(they quote items) | | `figures/` | the tables of scores, and the report | | `croissant.json` | the same sets
for Croissant readers, with the digest of each file | | `published.json` | commit, licences, and the digest of
each file |

None of it contains time or host: the same commit gives the same bytes.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jz3.core.artifacts import In
from jz3.core.errors import UserError
from jz3.core.graph_file import Graph, read_graph
from jz3.core.remedies import remedy
from jz3.graph.publishing.croissant import CARD, CROISSANT, Described, Part, croissant
from jz3.graph.publishing.licences import SourceLicence, objection, refusals, source_licences
from jz3.graph.stale import stale_stages
from jz3.tables.training_row import TrainingRow

PUBLISHED = "published.json"
MOST_NAMED = 5
"""The most files or stages that a message names (chosen: one line)."""


class PublishError(UserError):
    """The run may not be published, or the hub refused it."""


@dataclass(frozen=True)
class Publication:
    """Everything that is sent, by path in the repository."""

    files: Mapping[str, Path | bytes]
    licences: list[SourceLicence]
    commit: str

    def size(self, name: str) -> int:
        """Size in bytes."""
        content = self.files[name]
        return len(content) if isinstance(content, bytes) else content.stat().st_size


def publication(root: Path, repo: str, address: str, stated: Mapping[str, str]) -> Publication:
    """What would be sent for the run in a clone. Raises PublishError if it may not be published.

    `address`: of the repository's page, for Croissant. `stated`: licences by source, where the sources say
    none. Costs a look at every dependency of the graph (some seconds), and a hash of what is sent.
    """
    commit, day = _commit(root)
    _must_be_fresh(root)
    graph = read_graph(root)
    licences = source_licences(root, graph, stated)
    refused = refusals(licences)
    unused = sorted(stated.keys() - {one.source for one in licences})
    if unused:
        named = ", ".join(sorted({one.source for one in licences}))
        raise PublishError(
            f"--licence names {', '.join(unused)}, from which no row comes; one of {named} was expected. "
            f"Correct the name."
        )
    if refused:
        raise PublishError(
            f"{len(refused)} sources may not be published: {'; '.join(refused)}. A licence that "
            f"allows it was expected of each. Leave them out of `sample.quotas` or `tasks`; if one states "
            f"no clear licence, and you know it, add --licence SOURCE=LICENCE."
        )
    files: dict[str, Path | bytes] = dict(sorted(_of_run(root, graph).items()))
    described = Described(
        name=repo.partition("/")[2],
        address=address,
        day=day,
        commit=commit,
        licences=sorted({one.licence for one in licences if one.licence}),
        sets={stage.key: _parts(files, stage.key) for stage in graph.of("mix")},
    )
    files[CROISSANT] = croissant(described)
    files[PUBLISHED] = _account(files, licences, commit)
    return Publication(files, licences, commit)


def _of_run(root: Path, graph: Graph) -> dict[str, Path]:
    found = {CARD: root / graph.path("card", "card")}
    for stage in graph.of("mix"):
        folder = root / stage.path("training")
        In(TrainingRow, folder).rows()  # if it is missing, the error names the command that brings it
        found |= {f"{stage.key}/{file.name}": file for file in sorted(folder.iterdir())}
    for stage in graph.of("decontaminate"):
        folder = root / stage.path("certificate")
        found[f"certificates/{folder.name}/manifest.json"] = folder / "manifest.json"
    pages = root / graph.path("tabulate", "pages")
    found |= {f"figures/{file.name}": file for file in sorted(pages.glob("*.*")) if file.suffix != ".json"}
    found["figures/report.html"] = root / graph.path("report", "pages") / "index.html"
    for file in found.values():
        if not file.is_file():
            raise PublishError(
                f"{file} does not exist, and is to be sent; a whole run was expected. "
                f"{remedy(file, 'Run `dvc repro`.')}"
            )
    return found


def _parts(files: Mapping[str, Path | bytes], model: str) -> list[Part]:
    return [
        Part(name, content, _sha256(content))
        for name, content in files.items()
        if isinstance(content, Path) and name.startswith(f"{model}/") and name.endswith(".parquet")
    ]


def _account(files: Mapping[str, Path | bytes], licences: list[SourceLicence], commit: str) -> bytes:
    assert not any(objection(one.licence) for one in licences)
    document = {
        "commit": commit,
        "licences": [
            {
                "set": one.training_set,
                "source": one.source,
                "origin": one.origin,
                "licence": one.licence,
                "rows": one.rows,
            }
            for one in licences
        ],
        "files": {name: _sha256(content) for name, content in files.items()},
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _must_be_fresh(root: Path) -> None:
    stale = [one.stage for one in stale_stages(root) if not one.only_missing]
    if stale:
        raise PublishError(
            f"{len(stale)} stages are stale ({_some(stale)}); a run that is up to date with this "
            f"commit was expected. Run `dvc repro`, and commit dvc.lock; `jz3 why {stale[0]}` says why."
        )


def _commit(root: Path) -> tuple[str, date]:
    """The commit that is checked out, and its date. Raises PublishError if git sees an edit."""
    edited = _git(root, "status", "--porcelain").splitlines()
    if edited:
        raise PublishError(
            f"git sees {len(edited)} edited or new files ({_some([line[3:] for line in edited])}); a clean "
            f"working tree was expected, as its commit is published too. Commit them, or `git stash -u`."
        )
    commit, seconds = _git(root, "log", "-1", "--format=%H %cs").split()
    return commit, date.fromisoformat(seconds)


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PublishError(
            f"git {' '.join(words)} failed in {root}: {done.stderr.strip()}; a clone with a commit was "
            f"expected. Run this in one."
        )
    return done.stdout


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


def _sha256(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
