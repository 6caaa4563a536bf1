"""Hard links into DVC's cache save the second copy of every output where files cannot be cloned (reflink).

A stage that wrote into such a file would change what is cached under the digest of the old bytes.
"""

import hashlib

import pytest

from tests.conftest import make_clone
from tests.stage_folder import set_values


def objects(clone):
    """The digest of what each object of the cache holds, by the digest that it is cached under."""
    cache = clone.path / ".dvc/cache/files/md5"
    return {
        f"{file.parent.name}{file.name.removesuffix('.dir')}": hashlib.md5(file.read_bytes()).hexdigest()
        for file in cache.glob("??/*")
    }


@pytest.mark.long
def test_a_stage_that_runs_again_leaves_what_its_hard_links_share_with_the_cache_as_it_was(tmp_path):
    clone = make_clone(tmp_path / "clone")
    clone.run("dvc", "config", "cache.type", "hardlink")
    outputs = (clone.path / "data/passages/web", clone.path / "data/rejects/ingest")
    for characters in (40, 60):
        set_values(clone.path / "params.yaml", {"ingest.web.min_characters": characters})
        before = objects(clone)
        clone.run("dvc", "repro", "ingest@web")
        after = objects(clone)
        assert after.keys() > before.keys()
        assert all(name == digest for name, digest in after.items())
        files = [file for folder in outputs for file in folder.iterdir() if file.is_file()]
        assert len(files) >= 3
        assert {file.stat().st_nlink for file in files} == {2}
    assert clone.run("dvc", "status", "ingest@web").strip().endswith("up to date.")
