"""One sandbox of the default strength for the tests that leave it as they find it."""

from collections.abc import Iterator

import pytest

from jz3.sandbox.pool import Sandbox, open_sandbox
from tests.sandbox.builders import SETTINGS


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox(SETTINGS) as opened:
        yield opened
