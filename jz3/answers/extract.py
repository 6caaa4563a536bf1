r"""The final answer of a response: strict (`\boxed{}` alone) and lenient (closing phrases, last number).

Both name the rule that found the answer: `boxed`, `hashes`, `answer_phrase`, `answer_phrase_number`,
`last_number`, for choices also `letter_in_brackets` and `last_letter`; `none` where nothing was found.
A response of usual length costs a few microseconds; unclosed braces and megabytes of text end as soon.
"""

import re
from dataclasses import dataclass

from jz3.answers.notation import closing_brace

MAX_ANSWER = 4000  # characters; chosen: what equality looks at
MAX_BOXES = 8  # chosen: unclosed boxes that are passed over, from the end
WINDOWS = (80, 800, 20_000)  # characters from the end in which the last number is sought, one after the other
CHOICE_WINDOW = 20_000  # characters from the end in which a letter is sought


@dataclass(frozen=True, slots=True)
class Extraction:
    """The text of the answer, None if there is none, and the rule that found it."""

    answer: str | None
    rule: str


NOTHING = Extraction(None, "none")

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_PHRASE_MARK = re.compile(
    r"answer\s*\**\s*(?:is|are|was|will be|equals|=|:)\s*\**(?:\s*equal to|\s*given by)?\s*:?\s*\**\s*"
)
_END = re.compile(
    r"\n|\.(?=\s|$|\*|\")|(?<=\$)\.|\s+(?:because|since|which|so that|as we|I hope)\b"
    r"|,\s+(?:so|because|since|which|as|and so|where)\s"
)
_NUMBER = re.compile(
    r"(?<![\w.)\]}])-?\$?\s?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+(?![\d/]))?%?|\d+(?:,\d{3})*(?:\.\d+)?"
)
_DIGIT = re.compile(r"\d")
_ARITHMETIC = re.compile(r"[-+*/().,\d\s$%×÷]+|.*\\(?:times|div|cdot|frac).*")
_HASHES = "####"


def extract_strict(response: str) -> Extraction:
    r"""The content of the last `\boxed{}` whose braces match."""
    end = len(response)
    for _ in range(MAX_BOXES):
        start = max(response.rfind("\\boxed", 0, end), response.rfind("\\fbox", 0, end))
        if start < 0:
            return NOTHING
        content = _boxed_at(response, start)
        if content:
            return Extraction(content, "boxed")
        end = start
    return NOTHING


def _boxed_at(response: str, start: int) -> str:
    head = _BOX.match(response, start)
    if head is None:
        return ""
    if response[head.end() : head.end() + 1] != "{":
        token = re.match(r"-?\d[\d.,]*|[A-Za-z]", response[head.end() : head.end() + 40])
        return token[0].rstrip(".,") if token is not None else ""
    window = response[head.end() : head.end() + MAX_ANSWER]
    end = closing_brace(window, 0)
    return window[1:end].strip() if end > 0 else ""


def extract_lenient(response: str) -> Extraction:
    """The strict answer, else the text after `####` or the last 'answer is', else the last number."""
    found = extract_strict(response)
    if found.answer is not None:
        return found
    hashes = response.rfind(_HASHES)
    if hashes >= 0:
        line = response[hashes + 4 : hashes + MAX_ANSWER].strip().partition("\n")[0].strip()
        if line and not line.startswith("#") and _DIGIT.search(line):
            return Extraction(line, "hashes")
    phrase = _after_phrase(response)
    if phrase is not None:
        return phrase
    number = _last_number(response)
    return NOTHING if number is None else Extraction(number, "last_number")


def _after_phrase(response: str) -> Extraction | None:
    position = response.lower().rfind("answer")
    for _ in range(MAX_BOXES):
        if position < 0:
            return None
        head = _PHRASE_MARK.match(response[position : position + 60].lower())
        if head is not None:
            tail = response[position + head.end() : position + head.end() + MAX_ANSWER]
            found = _answer_at(tail)
            if found is not None:
                return found
        position = response.lower().rfind("answer", 0, position)
    return None


def _answer_at(tail: str) -> Extraction | None:
    tail = tail.lstrip()
    end = _END.search(tail)
    text = (tail if end is None else tail[: end.start()]).strip().strip("*").strip()
    if not text:
        return None
    left, equals, right = text.rpartition("=")
    if (
        equals
        and right.strip()
        and left[-1:] not in "<>!:"
        and _ARITHMETIC.fullmatch(left.rpartition("=")[2])
    ):
        return Extraction(right.strip(), "answer_phrase")
    if len(text.split()) > 5 and "$" not in text and "\\" not in text:
        number = _last_number(text)
        if number is not None:
            return Extraction(number, "answer_phrase_number")
    return Extraction(text, "answer_phrase")


def _last_number(response: str) -> str | None:
    """The last number; a hyphen after a digit or letter is no minus: `between 3-5` ends in 5."""
    for size in WINDOWS:
        found = None
        for found in _NUMBER.finditer(response[-size:]):  # noqa: B007 (the last one is wanted)
            pass
        if found is not None and (found.start() > 1 or len(response) <= size):
            return found[0].replace("$", "").replace(" ", "")
    return None


_TRIGGER = re.compile(
    r"(?:answer|choice|option|choose|select|pick)"
    r"(?:\s+(?:is|would be|must be|should be|choice|option))*\s*:?\s*"
)


def extract_choice(response: str, letters: str) -> Extraction:
    """The letter of a choice. Only capitals count, and the article 'A' before a word does not.

    Order: a boxed letter; after the last trigger ('answer is', 'choose' ...) a letter in brackets, then one
    standing alone; then the same in the whole text, last one first. A small letter counts only where it is
    all that follows the trigger (`the answer is c.`).
    """
    boxed = extract_strict(response)
    if boxed.answer is not None:
        letter = _only_letter(boxed.answer, letters)
        if letter is not None:
            return Extraction(letter, "boxed")
    text = response[-CHOICE_WINDOW:]
    triggers = list(_TRIGGER.finditer(text.lower()))
    for trigger in reversed(triggers[-MAX_BOXES:]):
        tail = text[trigger.end() :].partition("\n\n")[0]
        letter = _first_letter(tail, letters)
        if letter is not None:
            return Extraction(letter, "answer_phrase")
    bracketed = re.findall(rf"\(([{letters}])\)", text)
    if bracketed:
        return Extraction(bracketed[-1], "letter_in_brackets")
    alone = _letters_alone(text, letters)
    return Extraction(alone[-1], "last_letter") if alone else NOTHING


def _only_letter(text: str, letters: str) -> str | None:
    bare = re.sub(r"\\(?:text|textbf|mathrm|mathbf)\s*|[{}()$.:\s]", "", text)
    if len(bare) == 1 and bare.upper() in letters:
        return bare.upper()
    head = re.match(rf"\W*(?:\\text\{{)?\W*([{letters}])\s*[).:]", text)
    return head[1] if head is not None else None


def _first_letter(tail: str, letters: str) -> str | None:
    small = re.fullmatch(rf"\W*([{letters}{letters.lower()}])\W*", tail.partition("\n")[0])
    if small is not None:
        return small[1].upper()
    sentence = re.split(r"\.\s|\n", tail, maxsplit=1)[0]
    bracketed = re.search(rf"\(([{letters}{letters.lower()}])\)", sentence)
    alone = _letters_alone(sentence, letters)
    if bracketed is not None:
        return bracketed[1].upper()
    return alone[0] if alone else None


def _letters_alone(text: str, letters: str) -> list[str]:
    """Capital letters that stand alone and are not the article of a sentence (`A triangle has`)."""
    found = re.finditer(rf"(?<![A-Za-z0-9_'\\]) ?([{letters}])(?![A-Za-z0-9_'])(?!\s*[=^+*/])", text)
    return [match[1] for match in found if match[1] != "A" or not _ARTICLE.match(text, match.end())]


_ARTICLE = re.compile(r"\s+(?!because|since|as\b|is\b|and\b|or\b|with\b)[a-z]")
