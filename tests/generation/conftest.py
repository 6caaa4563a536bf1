"""One provider on loopback for the tests of a file; each test starts with its own store."""

import pytest

from tests.generation.provider import running_provider


@pytest.fixture(scope="module")
def provider():
    with running_provider() as running:
        yield running


@pytest.fixture
def server(provider, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.02)
    provider.reset()
    return provider
