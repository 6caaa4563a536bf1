"""Long steps say how far they are, how fast, and how long it will take."""

import logging
import re

from jz3.core import progress
from jz3.core.progress import Progress


def test_lines_show_rows_tokens_and_the_time_left(caplog, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO), Progress("completions", 400, "rows", also="tokens") as bar:
        bar.advance(100, 5_000)
        bar.advance(100, 5_000)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("completions: 100 of 400 rows, ")
    found = re.fullmatch(r"completions: 200 of 400 rows, ([\d.]+)/s, ([\d,]+) tokens/s, (\d+) s left", second)
    assert found
    assert float(found[2].replace(",", "")) > 40 * float(found[1])


def test_what_has_no_tokens_shows_none(caplog, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO), Progress("files", 2, "files") as bar:
        bar.advance()
    assert "tokens" not in caplog.text
    assert "files: 1 of 2 files" in caplog.text
