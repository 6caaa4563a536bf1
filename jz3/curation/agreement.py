"""Whether a boxed answer matches what a program printed."""

import re

from jz3.answers.equality import equal
from jz3.curation.printed import readings


def agrees(answer: str, output: str) -> bool:
    """Whether a boxed answer equals what was printed, as mathematics.

    It may equal the whole output, its last line, or the end of that line (`The cost is: 12.50`), also after
    Python's notation is translated (`printed.py` beside this). An answer that is the printed number rounded
    to the decimals it shows counts, too.
    """
    return any(
        equal(answer, candidate).equal or _is_rounding(answer, candidate) for candidate in _candidates(output)
    )


def _candidates(output: str) -> list[str]:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1]
    ends = [part.strip().rstrip(".") for part in re.split(r"[:=]|\bis\b|\bare\b", last)[1:][-1:]]
    numbers = _NUMBER.findall(last)[-1:]
    whole = " ".join(lines)
    meant = [reading for text in (last, *ends, whole) for reading in readings(text)]
    return list(dict.fromkeys(text for text in (last, *ends, *numbers, whole, *meant) if text))


_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:/\d+)?")
_DECIMAL = re.compile(r"-?\d+\.(\d+)")


def _is_rounding(answer: str, printed: str) -> bool:
    """Whether an answer such as `3.46` rounds a printed `3.4641016`; both must be decimals."""
    shown_places = _DECIMAL.fullmatch(answer.replace(",", "").strip("$ "))
    if not shown_places or not _DECIMAL.fullmatch(printed):
        return False
    half = 0.5 * 10.0 ** -len(shown_places[1])
    return abs(float(shown_places[0]) - float(printed)) <= half * (1 + 1e-9)
