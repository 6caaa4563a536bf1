"""A `hub.yaml` is read strictly, and a source has the files that its own names, whatever else was fetched."""

import pytest

from jz3.core.artifacts import ArtifactError
from jz3.corpus.hub import HubFiles, named, read_hub_file
from jz3.raw.row import RawFileError


def test_sources_that_share_a_data_set_have_the_files_that_each_names(tmp_path):
    """As the cache of the hub holds them: links to files beside the folder."""
    (tmp_path / "blobs").mkdir()
    for name in ("web/a.jsonl", "web/b.jsonl", "web/notes.md", "arxiv/a.jsonl"):
        (tmp_path / "blobs" / name.replace("/", "-")).write_text("{}")
        link = tmp_path / "snapshot/data" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / "blobs" / name.replace("/", "-"))
    web = HubFiles(name="a/b", revision="c", files=["data/web/*"])
    arxiv = HubFiles(name="a/b", revision="c", files=["data/arxiv/"])
    found = [
        file.relative_to(tmp_path / "snapshot/data").as_posix()
        for file in named(web, tmp_path / "snapshot", ["**/*.jsonl"])
    ]
    assert found == ["web/a.jsonl", "web/b.jsonl"]
    assert [file.parent.name for file in named(arxiv, tmp_path / "snapshot", ["**/*"])] == ["arxiv"]
    with pytest.raises(ArtifactError, match="leads out"):
        named(web, tmp_path / "snapshot", ["../blobs/*"])


@pytest.mark.parametrize("content", [b"a: " + b"[" * 5000, b"\xff", b"name: a/b", b"- a", b"{", b""])
def test_a_hub_file_of_another_form_is_named(tmp_path, content):
    (tmp_path / "hub.yaml").write_bytes(content)
    with pytest.raises(RawFileError, match=r"hub.yaml does not name files of the hub"):
        read_hub_file(tmp_path / "hub.yaml")
