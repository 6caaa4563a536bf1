"""Long steps say how far they are, how fast, and how long it will take."""

import logging
import re
import sys

from jz3.core import progress
from jz3.core.progress import Progress
from tests.terminal import on_terminal


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


def test_the_first_rows_say_no_time_as_they_take_longest(caplog, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO), Progress("sketch", 990, "rows") as bar:
        bar.advance()
        bar.advance(19)
    first, second = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(r"sketch: 1 of 990 rows, [\d.]+/s", first)
    assert second.endswith(" left")


def test_what_has_no_tokens_shows_none(caplog, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO), Progress("files", 2, "files") as bar:
        bar.advance()
    assert "tokens" not in caplog.text
    assert "files: 1 of 2 files" in caplog.text


TRAINING = """
from jz3.core import progress
progress.DELAY_S = 0
progress.Progress.within("16/71 ", "finetune@initial", lambda: 1080.0)
with progress.Progress("finetune", 188, "steps") as bar:
    for step in range(188):
        bar.advance(note=f"loss {3 - step / 100:.3f}")
"""


def test_a_bar_names_stage_and_place_once_and_says_the_loss_within_80_columns():
    status, said = on_terminal([sys.executable, "-c", TRAINING], columns=80)
    assert status == 0
    *_, last = (line for line in re.split(r"[\r\n]+", said) if "188/188" in line)
    expected = r"16/71 finetune@initial 188/188, 00:00 left, run 18 min, loss 1\.130, \d+\.\d+ .*"
    assert re.fullmatch(expected, last)
    assert max(map(len, re.split(r"[\r\n]+", said))) <= 80


def test_a_line_comes_every_half_minute_and_at_the_end_of_a_step_that_took_long(caplog, monkeypatch):
    with caplog.at_level(logging.INFO), Progress("files", 3, "files") as bar:
        bar.advance()
    assert not caplog.records, "over in a moment"
    monkeypatch.setattr(progress, "DELAY_S", 0.0)
    with caplog.at_level(logging.INFO), Progress("files", 3, "files") as bar:
        for _ in range(3):
            bar.advance()
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == ["files: 3 of 3 files"]
