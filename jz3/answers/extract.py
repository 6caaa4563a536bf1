r"""The final answer of a response: strict (only boxes) and lenient (tags, phrases, last formula or number).

Both read the closing part (`jz3.answers.closing`): no thoughts, no programs, no further question. Both name
the rule that found the answer: `boxed`, `tag`, `json`, `hashes`, `answer_phrase`, `answer_phrase_number`,
`whole`, `last_words`, `last_formula`, `last_number`; `none` if nothing was found. The only hint is the form
of the gold answer (a number, an expression, a letter, a set, a tuple, a text); its value is never seen.
Letters of choices have their own reader (`jz3.answers.choices`).

A response of usual length costs some tens of microseconds; unclosed braces and megabytes of text take no
longer.
"""

import json
import re
from dataclasses import dataclass

from jz3.answers.boxes import MAX_ANSWER, MAX_BOXES, boxed_answer
from jz3.answers.closing import closing_part
from jz3.answers.gold_form import Form
from jz3.answers.last_values import HAS_NUMBER, last_value_of, result_of
from jz3.answers.last_words import MAX_WHOLE, bold_quantity, last_words, number_at_end
from jz3.answers.named_sets import named_set
from jz3.answers.notation import clean
from jz3.answers.number_words import number_in_words
from jz3.answers.sentences import (
    FORMULA,
    Masked,
    is_mathematics,
    last_value,
    leading,
    statement,
)
from jz3.notation.spellings import signs_spelt

WINDOW = 20_000  # characters from the end in which phrases and formulas are searched for


@dataclass(frozen=True, slots=True)
class Extraction:
    """The text of the answer, None if there is none, and the rule that found it."""

    answer: str | None
    rule: str


NOTHING = Extraction(None, "none")

_TAG = re.compile(
    r"<(answer|final_answer|final-answer|finalanswer|ans|result|final)>\s*(.*?)\s*(?:</\1>|\Z)"
    r"|\[(answer|ans)\]\s*(.*?)\s*(?:\[/\3\]|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_JSON = re.compile(r'"(?:final[_ ]?answer|answer|result|solution)"\s*:\s*', re.IGNORECASE)
_QUOTED = re.compile(r"'(?:final[_ ]?answer|answer|result|solution)'\s*:\s*'([^'\n]{1,200})'", re.IGNORECASE)
"""As Python prints a dict."""
_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_HEADING = re.compile(
    r"(?i)\W*(?:step|case|part|approach|method|solution|explanation|verification|check|\d+\.)\b"
)
_LABEL = re.compile(
    r"(?i)\W*(?:so |thus |hence |therefore,? )?(?:the )?(?:final |correct )?answers?\s*(?:is|are|="
    r"|:)?\s*:?\s*\**\s*(?=\S)"
)
_PHRASE = re.compile(
    r"answers?(?:\s+(?:to|for|of|in)\s+[^.:\n]{1,80}?)?\s*[*_`\"')]*\s*"
    r"(?:(?:is|are|was|were|will be|would be|must be|should be|becomes|equals?|comes out to"
    r"|turns out to be)\b"
    r"(?:\s+(?:equal to|given by|simply|therefore|thus|indeed|then|just))*\s*:?|=|:|\||[-–—]\s|->|→"
    r"|\\rightarrow|(?=\s*\n\s*\S))"
    r"[\s*_|]*"
)
_LATER = re.compile(r"(?i)\b(?:final answers?\b|the (?:correct )?answers? (?:is|are)\b)")
_OTHER_LANGUAGES = re.compile(
    r"(?:最终|正确)?答案(?:应该|就)?\s*[是为為]?\s*[::]?|答え\s*[はも]?\s*[::]?|(?:故|因此|所以|应)选|정답\s*[은는]?\s*[::]?|답\s*[은는]?\s*:"
    r"|r[ée]ponse\s*(?:finale\s*)?(?:est|:)|antwort\s*(?:ist|lautet|:)|respuesta\s*(?:final\s*)?(?:es|:)"
    r"|resposta\s*(?:final\s*)?(?:é|e|:)|risposta\s*(?:finale\s*)?(?:è|:)|ответ\s*[:—-]?"
    r"|الجواب\s*(?:هو)?\s*:?|उत्तर\s*:?",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"(?i)(?:as follows|the following|given below|below)\s*:?\s*\n?\s*")
_FILLERS = re.compile(
    r"(?i)(?:(?:either|both|about|approximately|approx\.?|around|roughly|nearly|almost|exactly|precisely|only"
    r"|just|simply|equal to"
    r"|given by|therefore|thus|hence|then|also|indeed|clearly|obviously|definitely|surely|for sure"
    r"|the number|the value"
    r"|found to be|that there (?:are|is)|that)[\s,:]+)+"
)
_NO_ANSWER = re.compile(
    r"(?i)(?:correct|right|wrong|incorrect|not\b|clear|obvious|unique|yours|what|how|which"
    r"|reasonable|valid|verified"
    r"|consistent|confirmed|the same|needed|required|unknown|unclear|here|in\b|on\b|shown|provided"
    r"|derived|let'?s|we\b|first)"
)
_COPULA = re.compile(r"(?:\s(?:is|are|was|were|be|equals|equal to|of|has|have|gives|get|costs?|:)\s|=\s)")
# A run of marks is searched only from its beginning; from each place in it, that would take seconds.
_MARKUP = re.compile(r"^(?:[*_`'\s]|\\?\")+|(?<![*_`'\s\"])(?!(?<=\\)\")(?:[*_`'\s]|\\?\")++$")
_SIGN_IN_WORDS = re.compile(
    # `5 minus 4` is a difference, so `minus` is a sign only behind words that no number ends with.
    r"(?:(?<![\w-])[Nn]egative"
    r"|((?:\A|[=:\n]|\b(?:is|are|was|be|equals?|to|at|of|and|(?<!plus )or|gives?|gets?|becomes))[\s*]{0,4})"
    r"\b[Mm]inus)\s{1,4}(?=\$?\s?\.?\d|(?:\$\s?|\\\(\s?)?\\(?:[dt]?frac|sqrt|pi)(?![A-Za-z]))"
)
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}")
_COMMAND_TEXT = re.compile(r"\\[A-Za-z]+\s*(?:\{[^{}]*\})?")
_DASH = re.compile(r"(?<=[\d$)}%*])\s?—\s?(?=[A-Za-z\d])")  # of a sentence; no minus
_OTHER_SCRIPTS = re.compile(r"[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def extract_strict(response: str) -> Extraction:
    r"""The content of the last `\boxed{}` of the closing part; of boxes in one list, all."""
    boxed = boxed_answer(closing_part(response))
    return NOTHING if boxed is None else Extraction(boxed[0], "boxed")


def extract_lenient(response: str, form: Form = "any") -> Extraction:
    """The answer in the closing part, by the first rule that finds one of the required form."""
    return _found_in(closing_part(response), form, nested=False)


def _found_in(text: str, form: Form, *, nested: bool) -> Extraction:
    tag = None if nested else _tagged(text)
    if tag is not None:
        inner = _found_in(tag, form, nested=True)
        if inner.rule == "boxed":
            return inner
        words = len(_WORD.findall(_COMMAND_TEXT.sub("", tag)))
        plain = inner.answer is not None and (
            inner.rule.startswith("answer") or (inner.rule != "whole" and words > 3)
        )
        return Extraction(inner.answer if plain and form != "text" else _bare(tag), "tag")
    boxed = boxed_answer(text)
    if boxed is not None:
        behind = text[boxed[1] :][-WINDOW:]
        later = _after_phrase(_plain(behind), form) if _LATER.search(behind) is not None else None
        said_again = later is not None and later.answer is not None and leading(Masked.of(later.answer))
        return later if later is not None and said_again else Extraction(boxed[0], "boxed")
    text = _plain(text[-WINDOW:])
    return (
        _after_hashes(text, form)
        or _of_json(text)
        or _after_phrase(text, form)
        or _whole(text, form)
        or _last(text, form)
        or NOTHING
    )


def _plain(text: str) -> str:
    """The text with signs in one spelling, `negative 4` too, and spaces around scripts that write words
    without spaces.
    """
    if "—" in text:
        text = _DASH.sub(" -- ", text)
    if "egative" in text or "inus" in text:
        text = _SIGN_IN_WORDS.sub(lambda found: f"{found[1] or ''}-", text)
    if text.isascii():
        return text
    return _OTHER_SCRIPTS.sub(lambda found: f" {found[0]} ", signs_spelt(text))


def _tagged(text: str) -> str | None:
    if "<" not in text and "[" not in text:
        return None
    found = None
    for match in _TAG.finditer(text[-WINDOW:]):
        content = match[2] if match[1] is not None else match[4]
        found = content if content.strip() else found
    return None if found is None else found[:MAX_ANSWER]


def _bare(text: str) -> str:
    """The text without marks of bold and code around it, and without a bracket that opens before it."""
    bare = _MARKUP.sub("", text.strip())
    return bare[:-1] if bare.endswith(")") and not any(sign in bare for sign in "([{") else bare


def _after_hashes(text: str, form: Form) -> Extraction | None:
    if "####" not in text:
        return None
    for match in reversed(list(_HASHES.finditer(text))[-MAX_BOXES:]):
        line = match[1].strip().strip("#").strip()
        label = _LABEL.match(line)
        bare = line[label.end() :].strip() if label is not None else line
        if not bare or _HEADING.match(bare) or (label is None and bare.endswith(":")):
            continue
        masked = Masked.of(bare)
        if leading(masked) or (form == "text" and len(bare.split()) <= MAX_WORDS):
            return Extraction(_bare(bare), "hashes")
    return None


MAX_WORDS = 8  # chosen: words of an answer that is a text


def _of_json(text: str) -> Extraction | None:
    quoted = _QUOTED.findall(text)
    if quoted:
        return Extraction(quoted[-1].strip(), "json")
    if '"' not in text:
        return None
    matches = list(_JSON.finditer(text))
    for match in reversed(matches[-MAX_BOXES:]):
        try:
            value, _ = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(text, match.end())
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if isinstance(value, str) and value.strip():
            return Extraction(value.strip(), "json")
    return None


def _after_phrase(text: str, form: Form) -> Extraction | None:
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters have longer small ones
        lowered = text
    ends = (
        [match.end() for match in _OTHER_LANGUAGES.finditer(text)][-MAX_BOXES:] if not text.isascii() else []
    )
    position = lowered.rfind("answer")
    for _ in range(MAX_BOXES):
        if position < 0:
            break
        head = _PHRASE.match(lowered, position, position + MAX_PHRASE)
        if head is not None:
            ends.append(head.end())
        position = lowered.rfind("answer", 0, position)
    for end in sorted(ends, reverse=True):
        found = _said(_with_sign(text, end), form)
        if found is not None and not (_opens(text, end) and not _fills_line(text[end:], found)):
            return found
    return None


def _with_sign(text: str, end: int) -> str:
    """What follows a phrase: right behind its verb `- 5` and `> 5` are signs, in the next line a list and a
    quote.
    """
    tail = text[end : end + MAX_ANSWER]
    before = text[:end].rstrip(" ")[-1:]
    if not before.isalpha() and before != "=":
        return tail
    return _SIGN_APART.sub(lambda found: "-" if found[1] == "-" else "\\gt ", tail, count=1)


_SIGN_APART = re.compile(r"\A(?:(-)\s{1,4}|>\s{0,4})(?=[\d.\\$])")
MAX_PHRASE = 160  # chosen: characters of `the answer to the question of how many ... is`


def _opens(text: str, end: int) -> bool:
    """Whether the phrase is a label before the solution, `Answer: First we ...`, rather than after it."""
    return len(text[:end].strip(" \n*#_:")) <= len("final answer") and text[:end].rstrip(" *_").endswith(":")


def _fills_line(tail: str, found: Extraction) -> bool:
    line = tail.strip().partition("\n")[0]
    answer = found.answer or ""
    behind = line[max(line.find(answer), 0) + len(answer) :]
    return len(behind) <= MAX_REMAINDER and _GOES_ON.search(behind) is None


_GOES_ON = re.compile(r"[.;]\s.*\d")
MAX_REMAINDER = 30  # chosen: characters of unit and mark-up after an answer on its line


_BULLET = re.compile(r"\A[-•]\s+")


def _items(tail: str) -> list[str]:
    """The quantities of a list right after a phrase, one a line: `- 1`, `2. $x = 2$`."""
    listed = _LISTED.match(tail)
    if listed is None:
        return []
    items = [Masked.of(item.strip().rstrip(".,;")) for item in _ITEM.findall(listed[0])]
    return [item.text for item in items] if all(leading(item) == item.text for item in items) else []


_ITEM = re.compile(r"(?:^|\n)[ \t]*(?:[-•*]|\d{1,2}[.)])[ \t]+([^\n]{1,200})")
_LISTED = re.compile(rf"\s*(?:(?:^|\n)\s*(?:[-•*]|\d{{1,2}}[.)])[ \t]+[^\n]{{1,200}}){{2,{MAX_BOXES}}}")


def _said(tail: str, form: Form) -> Extraction | None:
    """The answer after a phrase: the quantities that begin its sentence, the words after `is`, or its
    words.
    """
    items = _items(tail)
    if items:
        return Extraction(", ".join(items), "answer_phrase")
    tail = _BULLET.sub("", tail.lstrip(" \n\t*_:|>#\"'"), count=1)
    follows = _FOLLOWS.match(tail)
    if follows is not None:
        tail = tail[follows.end() :].lstrip(" \n\t*_:|>#-")
    said = statement(Masked.of(tail))
    if not said.text.strip() and said.text != tail:
        return None
    filler = _FILLERS.match(said.mask)
    if filler is not None:
        said = said.part(filler.end(), len(said.text))
    text = _bare(said.text)
    if not text:
        return None
    first = leading(said)
    if first and (form != "text" or not _WORD.search(said.mask)):
        return Extraction(result_of(_bare(first)), "answer_phrase")
    if form == "text":
        return None if _NO_ANSWER.match(text) else Extraction(text, "answer_phrase")
    return _in_prose(said, text, form)


def _in_prose(said: Masked, text: str, form: Form) -> Extraction | None:
    words = len(text.split())
    for copula in reversed(list(_COPULA.finditer(said.mask))):
        behind = leading(said.part(copula.end(), len(said.text)))
        if behind:
            return Extraction(result_of(_bare(behind)), "answer_phrase_number")
    _, value = last_value(said)
    if value and (words > MAX_TEXT_WORDS or form in ("number", "expression", "tuple", "set")):
        return Extraction(result_of(_bare(value)), "answer_phrase_number")
    if _NO_ANSWER.match(text) or (words > MAX_TEXT_WORDS and not value and form not in ("any", "letter")):
        return None
    if (
        form in ("number", "expression", "tuple")
        and not value
        and number_in_words(text) is None
        and words > 3
    ):
        return None
    if form == "any" and words > MAX_WORDS and not value:
        return None
    return Extraction(text, "answer_phrase")


MAX_TEXT_WORDS = 5  # chosen: in a longer statement that has a number, the number counts


def _whole(text: str, form: Form) -> Extraction | None:
    """The answer if it is the whole response."""
    bare = _bare(text).strip()
    if not bare or len(bare) > MAX_WHOLE or "\n\n" in bare:
        return None
    formula = FORMULA.fullmatch(bare.rstrip("."))
    masked = Masked.of(bare)
    if _ARRAY.search(bare) is not None:  # without dollar signs its name and columns look like words
        masked = Masked(bare, _ARRAY.sub(lambda found: "1" * len(found[0]), masked.mask))
    if formula is None and not all(is_mathematics(token) for token in masked.mask.split()):
        quantities = leading(masked)
        if not (quantities and len(quantities) >= len(bare.rstrip(".,;: "))):
            if form == "text" and last_words(bare) is not None:
                return None
            short = len(bare.split()) <= MAX_WORDS and "\n" not in bare
            words = form == "text" or number_in_words(bare.rstrip(".")) is not None
            named = form in ("set", "tuple") and named_set(clean(bare)) is not None
            if not short or not (words or named):
                return None
            if (form != "text" or masked.mask != bare) and last_value(masked)[1]:
                return None
    if form == "number" and formula is None and not HAS_NUMBER.search(bare) and number_in_words(bare) is None:
        return None
    if re.fullmatch(r"[A-Za-z]", bare) is None and not re.search(r"\w", bare):
        return None
    return Extraction(bare if formula is not None else result_of(bare), "whole")


_ARRAY = re.compile(
    r"\\begin\s?\{([pbvBV]?matrix|smallmatrix|array|[dr]?cases|align(?:ed)?\*?|gather(?:ed)?\*?|split)\}"
    r".{1,400}?\\end\s?\{\1\}",
    re.DOTALL,
)


def _last(text: str, form: Form) -> Extraction | None:
    words = last_words(text) if form == "text" else bold_quantity(text) if form in ("number", "any") else None
    found = (words, "last_words") if words is not None else last_value_of(text, form)
    if found is None and form == "number" and (spelt := number_at_end(text)) is not None:
        found = (spelt, "last_words")
    return None if found is None else Extraction(*found)
