"""What is published from a finished run is what `load_dataset` and readers of Croissant find."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest
import yaml
from huggingface_hub import constants
from huggingface_hub.utils import _http

from jz3.core.graph_file import read_graph
from jz3.graph.fetching.hosts import Hub
from jz3.graph.publishing.contents import PublishError, publication
from jz3.graph.publishing.hub import must_be_named, send
from jz3.graph.publishing.licences import refusals, source_licences
from tests.conftest import Clone
from tests.loopback_hub import OTHER_TOKEN, TOKEN, LoopbackHub, serving

REPO = "me/mathematics"
needs_croissant = pytest.mark.skipif(
    not importlib.util.find_spec("mlcroissant"),
    reason="mlcroissant, of the extra `publish`, is not installed",
)


@pytest.fixture(scope="module")
def clone(whole_run, tmp_path_factory):
    """A copy of the finished run whose files are all in git."""
    copy = Clone(tmp_path_factory.mktemp("published") / "clone")
    shutil.copytree(whole_run[0].path, copy.path, copy_function=os.link, symlinks=True)
    for words in (("add", "-A"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a run")):
        copy.run("git", *words)
    return copy


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with serving(LoopbackHub()) as served:
        for name, value in {
            "HF_ENDPOINT": served.address,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(tmp_path / "hub"),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        yield served


def of_the_run(clone):
    """What the command would send; it looks at every dependency of the graph."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JZ3_STORE", "DVC_SITE_CACHE_DIR"):
            patch.setenv(name, clone.environment[name])
        return publication(clone.path, REPO, f"datasets/{REPO}", {})


@pytest.fixture(scope="module")
def found(clone):
    return of_the_run(clone)


@pytest.fixture
def sent(found, hub, monkeypatch, tmp_path):
    """Sends it from this process, to this hub or another, and by this user or another."""
    for name, value in {
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(_http.time, "sleep", lambda _: None)  # between the client's attempts, half a minute

    def send_it(**changes):
        ours = Hub(endpoint=hub.address, token=TOKEN, github="", offline=False)
        send(found, replace(ours, **changes), REPO, private=False)

    return send_it


def publish(clone, *words):
    return subprocess.run(
        (sys.executable, "-m", "jz3", "publish", REPO, *words),
        cwd=clone.path,
        env=clone.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_croissant
def test_the_hub_gives_the_rows_again(clone, hub, sent, tmp_path):
    said = publish(clone, "--dry-run", "--json")
    assert said.returncode == 0, said.stderr
    planned = json.loads(said.stdout)
    assert planned["sent"] is None
    assert not hub.asked

    done = publish(clone, "--private")
    assert done.returncode == 0, done.stderr
    files = hub.files[f"datasets/{REPO}"]
    assert files.keys() - {".gitattributes"} == planned["files"].keys()
    assert f"datasets/{REPO}" in hub.private
    assert files["README.md"] == (clone.path / "data/mix/README.md").read_bytes()
    assert b"question" not in b"".join(files[name] for name in files if name.startswith("certificates/"))
    assert json.loads(files["published.json"])["commit"] == clone.run("git", "rev-parse", "HEAD").strip()

    sets = yaml.safe_load((clone.path / "graph.yaml").read_text())["sets"]
    program = (
        "import json, sys; from datasets import load_dataset; repo, *names = sys.argv[1:]; "
        "print(json.dumps({name: load_dataset(repo, name, split='train').to_list() for name in names}))"
    )
    read = subprocess.run(
        (sys.executable, "-c", program, REPO, *sets),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    for name, rows in json.loads(read.stdout).items():
        assert rows == pl.read_parquet(clone.path / f"data/mix/{name}/part-*.parquet").to_dicts()

    _croissant_gives_the_rows(files, tmp_path, clone)

    hub.asked.clear()
    hub.files[f"datasets/{REPO}"] |= {"theirs.txt": b"keep", "figures/old.md": b"gone"}
    account = json.loads(files["published.json"])
    account["files"]["figures/old.md"] = "0"
    files["published.json"] = json.dumps(account).encode()
    sent()
    assert "theirs.txt" in files
    assert "figures/old.md" not in files
    assert not [line for line in hub.asked if line.startswith("PUT")], "the hub has every large file"


def _croissant_gives_the_rows(files, folder, clone):
    import mlcroissant as mlc

    for name, content in files.items():
        (folder / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "set" / name).write_bytes(content)
    found = mlc.Dataset(str(folder / "set/croissant.json"))
    assert not found.metadata.issues.errors
    assert not found.metadata.issues.warnings
    rows = [row["jiuzhang/output"].decode() for row in found.records("jiuzhang")]
    assert rows == pl.read_parquet(clone.path / "data/mix/jiuzhang/part-*.parquet")["output"].to_list()
    part = folder / "set/jiuzhang/part-00000.parquet"
    (parts,) = [one for one in found.metadata.distribution if one.id == "jiuzhang/part-00000.parquet"]
    assert parts.sha256 == hashlib.sha256(part.read_bytes()).hexdigest()


@needs_croissant
def test_who_may_not_write_is_told_so(sent, monkeypatch):
    with pytest.raises(PublishError, match="does not let you write to me/mathematics") as error:
        sent(token=OTHER_TOKEN)
    assert "\n" not in str(error.value)
    with pytest.raises(PublishError, match="cannot be reached"):
        sent(endpoint="http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PublishError, match="HF_HUB_OFFLINE is set"):
        sent()


def test_edits_and_stale_stages_are_not_published(clone, hub):
    new = clone.path / "note.txt"
    new.write_text("of mine")
    done = publish(clone, "--dry-run")
    new.unlink()
    assert done.returncode == 1
    assert "git sees 1 edited or new files (note.txt)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not hub.asked

    params = clone.path / "params.yaml"
    before = params.read_text()
    params.unlink()  # a link to the file of the finished run
    document = yaml.safe_load(before)
    document["pack"]["length" if "length" in document["pack"] else next(iter(document["pack"]))] = 64
    params.write_text(yaml.safe_dump(document))
    commit = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "edited")
    clone.run(*commit)
    try:
        with pytest.raises(PublishError, match=r"stages are stale \(pack@"):
            of_the_run(clone)
    finally:
        clone.run("git", "reset", "-q", "--hard", "HEAD~1")


def test_every_row_has_a_licence(whole_run):
    root = whole_run[0].path
    graph = read_graph(root)
    found = source_licences(root, graph, {})
    assert not refusals(found)
    card = json.loads((root / "data/metrics/card.json").read_text())
    by_name = {name: sum(counts.values()) for name, counts in card["by_licence"].items()}
    for name, rows in by_name.items():
        without = {one.origin: one.rows for one in found if one.training_set == name and "rows" in one.origin}
        of_passages = sum(one.rows for one in found if one.training_set == name and "rows" not in one.origin)
        assert of_passages + sum(without.values()) == rows


@pytest.mark.parametrize("name", ["mathematics", "a/b/c", "me/", "/x", "me/a b", "me/--x", "../x"])
def test_a_name_that_is_none_is_refused_before_all_else(name):
    with pytest.raises(PublishError, match="owner/name"):
        must_be_named(name)
