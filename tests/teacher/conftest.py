"""A row store of its own for each file whose tests look at one run."""

import pytest


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield
