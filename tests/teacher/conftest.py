"""For files whose tests look at one run: a row store of their own, and what the run (`done`) left."""

import pytest


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def found(done):
    """`done`, of the file itself, is what was counted before the run, and what it left."""
    return done[1]
