"""Each test trains in a store of its own, so that none resumes where another stopped."""

import pytest


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    return tmp_path / "store"
