"""What `jz3 fetch` fetches is what the table pins, completely or not at all; each fault is one line."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import constants
from huggingface_hub.utils import _http

from jz3.core.artifacts import InFiles
from jz3.graph.fetching import fetch as fetching
from jz3.graph.fetching.fetch import fetch
from jz3.graph.fetching.hosts import FetchError, Hub
from jz3.graph.fetching.needed import chosen, needed, not_fetched
from jz3.graph.fetching.resolve import resolve
from jz3.graph.fetching.shown import as_json, as_text
from jz3.graph.fetching.table import TABLE, SourceEntry, SourcesError, read_table
from jz3.graph.profile import write_profile
from jz3.raw.fetched import raw_files, read_manifest
from jz3.raw.row import RawFileError
from tests.corpus.test_ingest import ingest
from tests.corpus.test_ingest import params as ingest_params
from tests.loopback_hub import COMMIT, OTHER_TOKEN, TOKEN, LoopbackHub, git_id, serving

ROOT = Path(__file__).parents[2]
ROWS = b'{"text": "Two and two are four."}\n' * 40


@pytest.fixture
def hub():
    files = {
        "datasets/a/texts": {"web/one.jsonl": ROWS, "web/two.jsonl": b"{}\n", "arxiv/one.jsonl": ROWS * 2},
        "datasets/a/closed": {"one.jsonl": ROWS},
        "datasets/a/program": {"program.py": b"print()", "README.md": b"#"},
        "github/a/code": {"data/test.jsonl": ROWS},
    }
    with serving(
        LoopbackHub(files, gated={"datasets/a/closed"}, licences={"datasets/a/texts": "mit"})
    ) as served:
        yield served


@pytest.fixture
def asked(hub, monkeypatch, tmp_path):
    """A client of the hub, with a cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return Hub(endpoint=hub.address, token=TOKEN, github=f"{hub.address}/github", offline=False)


ANY_FILE = {"name": "documents", "files": ["**/*"]}
ENTRY = {
    "for": "corpus",
    "host": "hub",
    "repo": "a/texts",
    "revision": None,
    "files": ["web/*.jsonl"],
    "held": None,
    "bytes": None,
    "licence": None,
    "gated": None,
    "reader": "documents",
    "fields": ["text"],
    "reason": "not asked yet",
}


def table(root, **entries):
    """Write a table of entries that differ from ENTRY in these fields, and read it."""
    file = root / TABLE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("# of ours\n" + yaml.safe_dump({name: ENTRY | entry for name, entry in entries.items()}))
    return read_table(root)


def resolved(root, hub, **entries):
    resolve(root, table(root, **entries), hub, lambda _: None)
    return read_table(root)


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_what_is_null_is_looked_up_and_written_beside_the_comments(tmp_path, asked):
    entries = resolved(tmp_path, asked, web={}, closed={"repo": "a/closed", "files": ["*.jsonl"]})
    assert (tmp_path / TABLE).read_text().startswith("# of ours\n")
    web = entries["web"]
    assert (web.revision, web.licence, web.gated, web.reason) == (COMMIT, "mit", False, None)
    assert {name: file.digest for name, file in web.held.items()} == {
        "web/one.jsonl": digest(ROWS),
        "web/two.jsonl": digest(b"{}\n"),
    }
    assert web.size == len(ROWS) + 3
    assert entries["closed"].gated
    assert entries["closed"].reason == "not asked yet"  # its card states no licence


def test_a_second_fetch_brings_nothing_and_says_so(tmp_path, hub, asked):
    entries = resolved(tmp_path, asked, web={})
    said = []
    fetch(tmp_path, entries, asked, said.append)
    manifest = tmp_path / "data/raw/corpora/web.fetched.json"
    before, stamp, downloads = manifest.read_bytes(), manifest.stat().st_mtime_ns, len(hub.downloads())
    fetch(tmp_path, entries, replace(asked, offline=True), said.append)
    assert (manifest.read_bytes(), manifest.stat().st_mtime_ns) == (before, stamp)
    assert len(hub.downloads()) == downloads == 2
    assert [line.rpartition(", ")[2] for line in said] == ["checked", "as they were"]


@pytest.mark.parametrize("order", [["web", "arxiv"], ["arxiv", "web"]])
def test_sources_that_share_a_data_set_have_the_files_that_each_names(tmp_path, asked, order):
    entries = resolved(tmp_path, asked, web={}, arxiv={"files": ["arxiv/*"]})
    fetch(tmp_path, {name: entries[name] for name in order}, asked, lambda _: None)
    held = {
        name: [
            file.relative_to(found.root).as_posix()
            for found in [raw_files(InFiles(entries[name].manifest(tmp_path, name)), ["**/*.jsonl"])]
            for file in found.files
        ]
        for name in order
    }
    assert held == {"web": ["web/one.jsonl", "web/two.jsonl"], "arxiv": ["arxiv/one.jsonl"]}


def test_a_download_that_breaks_off_ends_whole(tmp_path, hub, asked):
    entries = resolved(tmp_path, asked, web={})
    hub.cut_after = 500
    fetch(tmp_path, entries, asked, lambda _: None)
    assert sum("web/one.jsonl" in line for line in hub.downloads()) == 2
    assert read_manifest(tmp_path / "data/raw/corpora/web.fetched.json").files["web/one.jsonl"].bytes == len(
        ROWS
    )


def on_github(**changes):
    held = {"data/test.jsonl": {"bytes": None, "digest": f"git:{git_id(ROWS)}"}}
    entry = {
        "host": "github",
        "repo": "a/code",
        "revision": COMMIT,
        "files": ["data/test.jsonl"],
        "held": held,
    }
    return ENTRY | entry | {"gated": False} | changes


def test_a_file_of_a_github_repository_is_checked_by_its_git_id(tmp_path, hub, asked):
    fetch(tmp_path, table(tmp_path, code=on_github()), asked, lambda _: None)
    manifest = read_manifest(tmp_path / "data/raw/corpora/code.fetched.json")
    assert manifest.files["data/test.jsonl"].sha256 == hashlib.sha256(ROWS).hexdigest()
    (manifest.folder() / "data/test.jsonl").replace(manifest.folder() / "data/test.jsonl.incomplete")
    with (manifest.folder() / "data/test.jsonl.incomplete").open("r+b") as part:
        part.truncate(100)
    fetch(tmp_path, read_table(tmp_path), asked, lambda _: None)
    assert any("bytes=100-" in line for line in hub.downloads())


WRONG = [
    pytest.param(
        {"repo": "a/closed", "files": ["*"]}, {"token": None}, "is gated .* set HF_TOKEN", id="no token"
    ),
    pytest.param(
        {"repo": "a/closed", "files": ["*"]},
        {"token": OTHER_TOKEN},
        "is gated .* the account",
        id="not accepted",
    ),
    pytest.param(
        {"repo": "a/closed", "files": ["*"]}, {"token": "hf_x"}, "does not accept HF_TOKEN", id="gated, wrong"
    ),
    pytest.param({}, {"token": "hf_x"}, "does not accept HF_TOKEN", id="wrong token"),
    pytest.param({}, {"endpoint": "http://127.0.0.1:9"}, "cannot be fetched", id="no network"),
]


@pytest.mark.parametrize(("entry", "changes", "said"), WRONG)
def test_who_is_not_let_in_gets_one_line_and_nothing(tmp_path, hub, asked, monkeypatch, entry, changes, said):
    entries = resolved(tmp_path, asked, open={}, other=entry)
    hub.asked.clear()
    monkeypatch.setattr(_http.time, "sleep", lambda _: None)  # between the client's attempts
    with pytest.raises(FetchError, match=said) as error:
        fetch(tmp_path, entries, replace(asked, **changes), lambda _: None)
    assert "\n" not in str(error.value)
    assert not hub.downloads()
    assert not (tmp_path / "data/raw").exists()


def test_offline_what_is_not_here_is_named(tmp_path, hub, asked, monkeypatch):
    entries = resolved(tmp_path, asked, web={})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchError, match=r"web/one.jsonl .*HF_HUB_OFFLINE is set"):
        fetch(tmp_path, entries, replace(asked, offline=True), lambda _: None)
    with pytest.raises(FetchError, match=r"code.*HF_HUB_OFFLINE is set"):
        fetch(tmp_path, table(tmp_path, code=on_github()), replace(asked, offline=True), lambda _: None)


def test_a_file_that_is_gone_leaves_the_source_without_a_manifest(tmp_path, hub, asked):
    entries = resolved(tmp_path, asked, web={})
    del hub.files["datasets/a/texts"]["web/two.jsonl"]
    with pytest.raises(FetchError, match=f"web/two.jsonl of a/texts is gone at commit {COMMIT}"):
        fetch(tmp_path, entries, asked, lambda _: None)
    del hub.files["github/a/code"]["data/test.jsonl"]
    with pytest.raises(FetchError, match=r"data/test.jsonl of a/code is gone"):
        fetch(tmp_path, table(tmp_path, code=on_github()), asked, lambda _: None)
    assert not (tmp_path / "data/raw").exists()


def test_a_part_that_is_longer_than_the_file_is_begun_anew(tmp_path, asked):
    entries = table(tmp_path, code=on_github())
    part = Path(constants.HF_HUB_CACHE) / f"github--a--code/snapshots/{COMMIT}/data/test.jsonl.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(ROWS + b"more")
    with pytest.raises(FetchError, match=r"^code: data/test.jsonl of a/code"):
        fetch(tmp_path, entries, asked, lambda _: None)
    fetch(tmp_path, entries, asked, lambda _: None)
    assert not part.exists()


def test_a_commit_that_is_gone_is_named(tmp_path, asked):
    held = {"web/one.jsonl": {"bytes": len(ROWS), "digest": digest(ROWS)}}
    gone = table(tmp_path, web={"revision": "012345678a" * 4, "held": held})
    with pytest.raises(FetchError, match="has no commit 012345678a"):
        fetch(tmp_path, gone, asked, lambda _: None)


@pytest.mark.parametrize("form", ["hub", "github"])
def test_other_bytes_than_the_table_says_are_taken_out(tmp_path, hub, asked, form):
    entries = resolved(tmp_path, asked, web={}) if form == "hub" else table(tmp_path, code=on_github())
    repo, name = (
        ("datasets/a/texts", "web/one.jsonl") if form == "hub" else ("github/a/code", "data/test.jsonl")
    )
    hub.files[repo][name] = ROWS.replace(b"four", b"five")
    for _ in range(2):
        with pytest.raises(FetchError, match=f"{name} of .* came as .* was expected"):
            fetch(tmp_path, entries, asked, lambda _: None)
    assert not (tmp_path / "data/raw").exists()
    hub.files[repo][name] = ROWS
    fetch(tmp_path, entries, asked, lambda _: None)
    assert len(list((tmp_path / "data/raw/corpora").iterdir())) == 1


def test_a_damaged_file_is_refused_by_a_stage_and_mended_by_a_fetch(tmp_path, asked):
    entries = resolved(tmp_path, asked, web={})
    fetch(tmp_path, entries, asked, lambda _: None)
    manifest = InFiles(entries["web"].manifest(tmp_path, "web"))
    file = raw_files(manifest, ["web/one.jsonl"]).files[0].resolve()
    for damage, said in ((ROWS[:-1], "bytes were expected"), (ROWS.replace(b"T", b"t"), "has SHA-256")):
        file.write_bytes(damage)
        with pytest.raises(RawFileError, match=said) as error:
            raw_files(manifest, ["**/*"])
        assert "jz3 fetch --only web" in str(error.value)
    with pytest.raises(FetchError, match="It was removed"):
        fetch(tmp_path, entries, asked, lambda _: None)
    with pytest.raises(RawFileError, match="is not on this machine"):
        raw_files(manifest, ["**/*"])
    fetch(tmp_path, entries, asked, lambda _: None)
    assert len(raw_files(manifest, ["**/*"]).files) == 2


def test_a_source_whose_parameters_say_another_licence_is_refused(tmp_path, asked):
    entries = resolved(tmp_path, asked, web={})
    fetch(tmp_path, entries, asked, lambda _: None)
    manifest = InFiles(entries["web"].manifest(tmp_path, "web"))
    with pytest.raises(RawFileError, match=r"ingest.web.licence is Apache-2.0, and .* has mit") as error:
        ingest(manifest, ingest_params(format=ANY_FILE))
    assert "\n" not in str(error.value)
    passages, _, _ = ingest(manifest, ingest_params(licence="MIT", format=ANY_FILE))
    assert set(passages["licence"]) == {"MIT"}


def test_latex_files_that_were_fetched_take_in_one_another(tmp_path, hub, asked):
    hub.files["datasets/a/book"] = {
        "main.tex": b"First of all. \\input{parts/one} \\include{parts/absent}",
        "parts/one.tex": b"Two and two are four.\n\\input{two}",
        "parts/two.tex": b"Three and three are six.",
    }
    entries = resolved(tmp_path, asked, book={"repo": "a/book", "files": ["**"]})
    fetch(tmp_path, entries, asked, lambda _: None)
    manifest = InFiles(entries["book"].manifest(tmp_path, "book"))
    passages, _, metrics = ingest(manifest, ingest_params("latex", format=ANY_FILE | {"name": "latex"}))
    assert passages["text"].to_list() == [
        "First of all. Two and two are four.\nThree and three are six. \\include{parts/absent}"
    ]
    assert (metrics.rows.read, set(passages["origin"])) == (1, {f"a/book@{COMMIT}"})


def test_a_disk_without_room_for_all_of_it_is_left_alone(tmp_path, hub, asked, monkeypatch):
    entries = resolved(tmp_path, asked, web={}, arxiv={"files": ["arxiv/*"]})
    total = sum(entry.size for entry in entries.values())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage._replace(free=total - 1))
    hub.asked.clear()
    with pytest.raises(
        FetchError, match=rf"has {total - 1:,} bytes free, and {total:,} are still to be fetched"
    ):
        fetch(tmp_path, entries, asked, lambda _: None)
    assert not hub.asked


def test_a_data_set_with_a_loading_script_is_no_source(tmp_path, asked):
    with pytest.raises(FetchError, match=r"it has a loading script \(program.py\)"):
        resolved(tmp_path, asked, program={"repo": "a/program", "files": ["*.jsonl"]})
    with pytest.raises(FetchError, match="is a loading script, which is never run"):
        fetch(
            tmp_path,
            resolved(tmp_path, asked, program={"repo": "a/program", "files": ["*"]}),
            asked,
            lambda _: None,
        )


def test_nothing_that_is_unresolved_is_fetched(tmp_path, hub, asked):
    with pytest.raises(FetchError, match=r"^web have no commit .* --resolve"):
        fetch(tmp_path, table(tmp_path, web={}), asked, lambda _: None)
    with pytest.raises(FetchError, match="GitHub repository are not looked up"):
        resolve(tmp_path, table(tmp_path, code=on_github(revision=None)), asked, lambda _: None)
    assert not hub.asked


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"revision": "0" * 40}, "is not a commit"),
        ({"revision": "main"}, "revision"),
        ({"reason": None}, "`reason` does not say why"),
        ({"repo": "../x"}, "repo"),
        ({"held": {"a": {"bytes": 1, "digest": "md5:1"}}}, "digest"),
        ({"held": {"../../a": {"bytes": 1, "digest": f"git:{COMMIT}"}}}, "leads out"),
        ({"who": 1}, "who"),
    ],
)
def test_an_entry_of_another_form_is_named(tmp_path, entry, said):
    with pytest.raises(SourcesError, match=rf"source 'web' is not a valid entry \(.*{said}"):
        table(tmp_path, web=entry)


ASKED_FOR = {
    *("web", "arxiv", "stackexchange", "textbooks", "wikipedia", "proofwiki"),
    *(
        "gsm8k",
        "math-oai",
        "svamp",
        "asdiv",
        "mawps",
        "carp_en",
        "gsm-hard",
        "tabmwp",
        "minerva_math",
        "aqua",
    ),
    *("sat_math", "mmlu_stem", "aime24", "aime25", "aime26", "amc23", "hmmt25", "math-500", "olympiadbench"),
    *("minerva", "gsm8k-platinum", "gsm8k-train", "math-train", "sft"),
    *("smollm2-1.7b", "mistral-7b", "deepseek-math-7b-rl"),
}


def test_the_table_of_the_repository_is_sound_and_profiles_read_it_as_it_says():
    entries = read_table(ROOT)
    for profile in ("single_gpu", "paper"):
        names = needed(ROOT, profile)
        assert set(names) <= set(entries)
        params = yaml.safe_load((ROOT / f"profiles/{profile}.yaml").read_text())
        for name, section in params["ingest"].items():
            if name in names:
                entry = entries[name]
                assert (section["format"]["name"], section["licence"]) == (entry.reader, entry.licence)
        for row in [*params["benchmarks"]["sources"], *params["tasks"]["targets"].values()]:
            assert row["format"] == entries[row["source"]].reader
        graph = yaml.safe_load((ROOT / f"profiles/graphs/{profile}.yaml").read_text())
        read = {name for name, quota in params["sample"]["quotas"].items() if any(quota.values())}
        read |= {name for name, quota in params["sample"]["quotas"].items() if quota["corpus"] is None}
        assert len(read) == 6
        assert all(graph["sources"][name].endswith(".fetched.json") for name in read), "no text of our own"
    assert needed(ROOT, "embedded") == needed(ROOT, "test") == []
    assert set(entries) >= ASKED_FOR
    assert all(entry.reason for entry in entries.values() if not entry.resolved)
    texts = "".join(path.read_text() for path in (ROOT / "profiles").rglob("*.yaml"))
    assert "0" * 40 not in texts + (ROOT / TABLE).read_text()


def test_what_the_profile_in_use_lacks_is_named(tmp_path):
    assert not_fetched(tmp_path) == []
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    first, *others = needed(ROOT, "paper")
    entries = table(tmp_path, **{name: {} for name in (first, *others)})
    write_profile(tmp_path, "paper")
    assert not_fetched(tmp_path) == [first, *others]
    manifest = entries[first].manifest(tmp_path, first)
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    assert not_fetched(tmp_path) == others
    write_profile(tmp_path, "embedded")
    assert not_fetched(tmp_path) == []


def test_the_table_is_shown_with_what_is_unresolved_and_gated():
    entries = chosen(read_table(ROOT), needed(ROOT, "paper"), None)
    text = as_text(entries)
    assert "mistral-7b           model      mistralai/Mistral-7B-v0.1" in text
    assert "gated: wikipedia, proofwiki, textbooks, mistral-7b" in text
    shown = {row["source"]: row for row in json.loads(json.dumps(as_json(entries)))}
    assert (shown["gsm8k"]["resolved"], shown["gsm8k"]["bytes"]) == (True, 761421)
    assert [len(chosen(read_table(ROOT), needed(ROOT, "paper"), kind)) for kind in ("corpus", "aime24")] == [
        6,
        1,
    ]
    with pytest.raises(SourcesError, match="neither a source"):
        chosen(read_table(ROOT), [], "corpora")


def test_a_dry_run_asks_nobody_and_takes_a_moment(hub):
    variables = {"HF_ENDPOINT": hub.address, "JZ3_GITHUB": hub.address, "HF_HUB_OFFLINE": "0"}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "jz3", "fetch", "--profile", "paper", "--dry-run"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert re.search(r"textbooks +corpus +GAIR/MathPile +unresolved +.* +CC-BY-NC-SA-4.0 +gated", done.stdout)
    assert not hub.asked
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 5  # within seconds; measured: 0.7 of processor time


def test_files_of_another_form_than_a_profile_are_named(tmp_path):
    (tmp_path / "profiles").mkdir()
    for file, text in (("params.yaml", "tasks: {}\n"), ("graph.yaml", "sources: [web]\n")):
        (tmp_path / file).write_text(text)
    with pytest.raises(SourcesError, match="has no sources, benchmarks, tasks or base"):
        needed(tmp_path, None)


def test_a_source_that_lies_in_no_table_is_named():
    with pytest.raises(SourcesError, match="uses the source 'x'"):
        chosen({"web": SourceEntry.model_validate(ENTRY)}, ["x"], None)
