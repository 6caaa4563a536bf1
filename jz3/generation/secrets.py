"""The key is never shown: it is masked in each text of a server before anyone sees that text.

A server may echo the key anywhere: in an error, a header, a model's name, the answer itself. Each run of
SHOWN_AT_MOST or more of its characters is masked, in these forms: as it is, in base64 at any offset, base32
or hex, as numbers, URL-encoded or escaped in whole or in part; each in either case, and across line breaks,
quotes and the marks of escapes. In reasons of failures half
that length is enough. Costs about 5 microseconds per kilobyte of text without a key.
"""

import base64
import html
import json
import re
import string
import sys
from urllib.parse import quote

MASKED = "***"
WINDOW = 8
"""Characters of a key that are searched for together."""
SHOWN_AT_MOST = 2 * WINDOW - 1
"""This many consecutive characters always contain a window that begins at a multiple of its length."""
WORD = re.compile(r"[a-z_-]+|[A-Z_-]+")
"""Short words that people set for servers that need no key (`EMPTY`, `not-needed`)."""
SKIPPED = " \t\r\n\\\"'%&#;:,"
"""Characters that line wrapping, quoting and escaping insert into a text."""
SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Without other letters: some of those are two in the other case."""
REASON_CHARACTERS = 300
"""Characters of a reason that are kept (chosen: a line of a table)."""
REASON_READ = 2_000
"""Characters of a server's message that are searched for the key (chosen: more than are kept)."""


class Mask:
    """Hides one key. A key of fewer than 8 characters, or a short word, is no secret and is not masked."""

    def __init__(self, key: str | None) -> None:
        short = key is not None and len(key) <= SHOWN_AT_MOST
        secret = key is not None and len(key) >= WINDOW and not (short and WORD.fullmatch(key))
        forms = {"".join(_kept(form)) for form in _forms(key)} if key and secret else set[str]()
        self._whole = tuple(forms) if short else ()
        small = {form.translate(SMALL) for form in forms}
        windows = {form[at : at + WINDOW] for form in small for at in range(len(form) - WINDOW + 1)}
        self._windows = frozenset[str]() if short else frozenset(windows)
        self._numbers = frozenset(int.from_bytes(window.encode(), sys.byteorder) for window in self._windows)

    def text(self, text: str) -> str:
        """The text without the key."""
        if self._whole and any(form in text for form in self._whole):
            return self._hidden(text, WINDOW)
        if not self._numbers:
            return text
        data = text.encode("utf-8", "surrogatepass").translate(None, SKIPPED.encode()).lower()
        aligned = memoryview(data[: len(data) // WINDOW * WINDOW]).cast("Q")
        return text if self._numbers.isdisjoint(aligned) else self._hidden(text, SHOWN_AT_MOST)

    def line(self, text: str) -> str:
        """A server's message on one line that a table and a terminal can show, without the key."""
        clean = "".join(character if character.isprintable() else " " for character in text)
        read = " ".join(clean.split())[:REASON_READ]
        return self._hidden(read, WINDOW)[:REASON_CHARACTERS]

    def _hidden(self, text: str, least: int) -> str:
        """The text with MASKED in place of each run of at least `least` characters of a form."""
        for form in sorted(self._whole, key=len, reverse=True):
            text = text.replace(form, MASKED)
        if not self._windows:
            return text
        places = [place for place, character in enumerate(text) if character not in SKIPPED]
        kept = "".join(text[place] for place in places).translate(SMALL)
        runs: list[tuple[int, int]] = []
        for start in range(len(kept) - WINDOW + 1):
            if kept[start : start + WINDOW] in self._windows:
                joined = bool(runs) and start <= runs[-1][1]
                runs[-1:] = (
                    [(runs[-1][0], start + WINDOW)] if joined else [*runs[-1:], (start, start + WINDOW)]
                )
        for start, end in reversed(runs):
            if end - start >= least:
                text = text[: places[start]] + MASKED + text[places[end - 1] + 1 :]
        return text


def _kept(text: str) -> list[str]:
    return [character for character in text if character not in SKIPPED]


def _forms(key: str) -> set[str]:
    """All the ways in which a key may be written."""
    encoded = key.encode()
    forms = {key, key.lower(), key.upper(), quote(key, safe=""), json.dumps(key)[1:-1], html.escape(key)}
    forms |= {encoded.hex(), encoded.hex().upper(), base64.b32encode(encoded).decode().rstrip("=")}
    forms |= {"".join(form.format(byte) for byte in encoded) for form in ("{}", "x{:02x}", "u{:04x}")}
    for before in range(3):  # the preceding bytes determine how its bits are cut
        whole = (before + len(encoded)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(before) + encoded).decode()[-(-before * 8 // 6) : whole])
    return forms
