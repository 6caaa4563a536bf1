"""One sandbox of the default strength for the tests that leave it as they find it; and at the end of a run, a
line for each way in which the attacks were tried.
"""

from collections.abc import Iterator

import pytest

from jz3.sandbox.pool import Sandbox, open_sandbox
from tests.sandbox.builders import SETTINGS

ran: dict[tuple[str, str], str] = {}
"""For user and mode, how many attacks were tried, or why none was."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report as which users and in which modes the attacks ran: a machine may allow less than another."""
    for (user, mode), what in sorted(ran.items()):
        terminalreporter.write_line(f"sandbox attacks as {user}, {mode}: {what}")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox(SETTINGS) as opened:
        yield opened
