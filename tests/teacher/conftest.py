"""For files whose tests look at one run: a row store of their own, and the results of the run (`done`)."""

import pytest


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def found(done):
    """The file's own `done`: what was counted before the run, and what the run left."""
    return done[1]
