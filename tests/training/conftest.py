"""Each test trains in a store of its own, so that none resumes where another stopped."""

import shutil

import pytest

from tests.training.trainings import build_base, trained


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("shared")
    build_base(root / "base")
    return root


@pytest.fixture
def root(tmp_path, shared_root):
    """A folder with the base that `trained` trains."""
    shutil.copytree(shared_root / "base", tmp_path / "base")
    return tmp_path


@pytest.fixture(scope="module")
def alone(shared_root):
    """The training of `trained` by one process that nobody kills: what the others are compared with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(shared_root / "store"))
        return trained(shared_root)
