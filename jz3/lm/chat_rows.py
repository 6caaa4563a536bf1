"""Rows written by a model's own chat template, with the spans that are learnt.

The template writes the row twice: once as it is, and once with a placeholder for each piece of text, which
shows where the pieces are. So the row is exactly the template's, whatever that trims, adds or leaves out. The
learnt spans are the content of learnt turns and the mark that ends an answer, but neither headers nor marks
of other speakers. An answer whose thought the template leaves out is not learnt, because a model would learn
to answer without thinking. Costs two calls of the template, some 0.2 ms per row.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from jz3.core.errors import UserError
from jz3.core.text_tokens import without_marks
from jz3.lm.encode import MarkedText, Span
from jz3.tables.turn import Turn

THOUGHT = re.compile(r"\s*<think>(?P<thought>.*?)</think>(?P<answer>.*)", re.DOTALL)
"""The marks by which templates recognise a thought."""

Tokenizer = Any


@dataclass(frozen=True)
class _Message:
    role: str
    turns: Sequence[Turn]
    text: str
    pieces: Sequence[Span]
    """Spans of the text, without blanks at their ends: the last one is the content, one before it the
    thought.
    """


class ChatForm:
    """Writes rows by the template of a tokenizer. Raises UserError if it has none that can be learnt."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        template = tokenizer.chat_template
        if not template:
            raise UserError(
                "the base model has no chat template; an instruct model was expected. Set pack.form to "
                "`plain`, or choose an instruct model in section `base`."
            )
        if "strftime_now" in template:
            raise UserError(
                "the chat template of the base model writes the date of the day; the same rows were expected "
                "to give the same tokens on any day. Set pack.form to `plain`, or choose another model."
            )
        self._tokenizer = tokenizer
        asked = [{"role": "user", "content": _placeholder(0)}]
        before, after = (self._written(asked, opened=opened) for opened in (False, True))
        self._opening = after.removeprefix(before) if after.startswith(before) else ""
        answered = self._written([*asked, {"role": "assistant", "content": _placeholder(1)}])
        behind = answered.rpartition(_placeholder(1))[2].lstrip()
        marks = sorted(map(str, tokenizer.all_special_tokens), key=len, reverse=True)
        self._closing = next((mark for mark in marks if behind.startswith(mark)), "")
        if not self._closing:
            raise UserError(
                "the chat template of the base model ends no answer with a special token; a model could not "
                "learn from it to stop. Set pack.form to `plain`, or choose another model."
            )

    def text(self, turns: Sequence[Turn]) -> MarkedText | None:
        """The row; None if the template refuses this order of speakers, or changes their texts."""
        from jinja2 import TemplateError

        messages = [self._message(group) for group in _spoken(turns)]
        try:
            row = self._written([_spoken_by(message, message.text) for message in messages])
            frame = self._written(
                [_spoken_by(one, _with_placeholders(one, number)) for number, one in enumerate(messages)]
            )
        except TemplateError:
            return None
        places = _places(row, frame, messages)
        if places is None:
            return None
        learnt: list[Span] = []
        behind = 0
        for message, found in zip(messages, places, strict=True):
            learnt += self._learnt(message, found, behind, row)
            behind = max(behind, *(place[1] for place in found if place is not None))
        return MarkedText(row, tuple(_joined(learnt)), templated=True)

    def _message(self, turns: list[Turn]) -> _Message:
        turns = [Turn(turn.role, without_marks(self._tokenizer, turn.text), turn.learn) for turn in turns]
        text = "".join(turn.text for turn in turns)
        answers = turns[0].answers
        thought = THOUGHT.fullmatch(text) if answers else None
        spans = [thought.span("thought"), thought.span("answer")] if thought else [(0, len(text))]
        pieces = [_trimmed(text, *span) for span in spans]
        role = "assistant" if answers else turns[0].role
        return _Message(
            role, turns, text, [piece for piece in pieces[:-1] if piece[0] < piece[1]] + pieces[-1:]
        )

    def _written(self, messages: list[dict[str, str]], *, opened: bool = False) -> str:
        return self._tokenizer.apply_chat_template(messages, add_generation_prompt=opened, tokenize=False)

    def _closed(self, row: str, end: int) -> int:
        """The end of the mark that closes an answer, which itself ends at `end`; `end` if there is no
        mark.
        """
        behind = row[end:].lstrip()
        closing = len(row) - len(behind)
        return closing + len(self._closing) if behind.startswith(self._closing) else end

    def _learnt(self, message: _Message, places: Sequence[Span | None], behind: int, row: str) -> list[Span]:
        """Spans of the row that the message's learnt turns wrote; `behind` is the end of the previous
        message.
        """
        kept = [place for place in places if place is not None]
        if len(kept) < len(places):  # its thought was left out
            return []
        pieces, kept = _with_blanks(message, kept, behind, row)
        start, end = kept[0][0], kept[-1][1]
        if message.role == "assistant":
            opened = row.rfind(self._opening, behind, start) if self._opening else -1
            start = opened + len(self._opening) if opened >= 0 else start
            end = self._closed(row, end)
        borders = [start]
        said = 0
        for turn in message.turns[:-1]:
            said += len(turn.text)
            borders.append(_place_of(said, pieces, kept))
        borders.append(end)
        return [
            (one, other)
            for turn, (one, other) in zip(message.turns, pairwise(borders), strict=True)
            if turn.learn and one < other
        ]


def _spoken(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Turns by message: words of the assistant and the outputs of its programs make one message."""
    groups = groupby(enumerate(turns), key=lambda found: -1 if found[1].answers else found[0])
    return [[turn for _, turn in group] for _, group in groups]


def _spoken_by(message: _Message, text: str) -> dict[str, str]:
    return {"role": message.role, "content": text}


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _placeholder(number: int) -> str:
    return f"PIECE{number:06}OF"


def _with_placeholders(message: _Message, number: int) -> str:
    """The text with a placeholder for each piece; blanks around them and marks of thoughts stay."""
    parts: list[str] = []
    place = 0
    for count, piece in enumerate(message.pieces):
        parts += [message.text[place : piece[0]], _placeholder(2 * number + count)]
        place = piece[1]
    return "".join([*parts, message.text[place:]])


def _places(row: str, frame: str, messages: Sequence[_Message]) -> list[list[Span | None]] | None:
    """The position of each piece of each message in the row; None for a thought that the template left out.

    Returns None if the pieces do not occur in the row unchanged, in order, once each.
    """
    found: list[list[Span | None]] = []
    rebuilt: list[str] = []
    place = behind = 0  # `place` in the row, `behind` in the frame
    for number, message in enumerate(messages):
        found.append([])
        for count, (start, end) in enumerate(message.pieces):
            mark, said = _placeholder(2 * number + count), message.text[start:end]
            times = frame.count(mark)
            if times == 0 and count < len(message.pieces) - 1:
                found[-1].append(None)
                continue
            at = frame.find(mark, behind)
            if times != 1 or at < 0:
                return None
            rebuilt += [frame[behind:at], said]
            place += at - behind
            found[-1].append((place, place + len(said)))
            place += len(said)
            behind = at + len(mark)
    return found if "".join([*rebuilt, frame[behind:]]) == row else None


def _with_blanks(
    message: _Message, places: Sequence[Span], behind: int, row: str
) -> tuple[list[Span], list[Span]]:
    """Pieces of a message and their places, extended by the blanks around them that the template kept."""
    text, pieces, found = message.text, list(message.pieces), list(places)
    before, after = text[: pieces[0][0]], text[pieces[-1][1] :]
    if row.endswith(before, behind, found[0][0]):
        pieces[0], found[0] = (0, pieces[0][1]), (found[0][0] - len(before), found[0][1])
    if row.startswith(after, found[-1][1]):
        pieces[-1], found[-1] = (pieces[-1][0], len(text)), (found[-1][0], found[-1][1] + len(after))
    return pieces, found


def _place_of(said: int, pieces: Sequence[Span], places: Sequence[Span]) -> int:
    """The row position of a message position; for one in blanks, the start of the next piece."""
    for (start, end), (at, _) in zip(pieces, places, strict=True):
        if said <= end:
            return at + max(0, said - start)
    return places[-1][1]


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
