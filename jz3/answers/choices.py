"""The letter of a choice: only capitals count, and the article `A` before a word does not.

Order: a boxed letter; one in answer tags; after the last trigger (`answer is`, `choose`, `best choice` ...) a
letter in brackets or bold, then one on its own; a letter at the start of the text (`B. 4`), or one that is
the whole text; then the same in the whole text, last one first. A small letter counts only if nothing else
follows the trigger (`the answer is c.`), or if it is the whole text.
"""

import re

from jz3.answers.boxes import MAX_BOXES, boxed_answer
from jz3.answers.closing import closing_part
from jz3.answers.extract import NOTHING, Extraction
from jz3.notation.spellings import signs_spelt

WINDOW = 20_000  # characters from the end in which a letter is searched for
_TRIGGER = re.compile(
    r"(?:answer|choice|option|choose|select|pick|réponse|respuesta|resposta|risposta|antwort|ответ"
    r"|答案|选项|选择|选|정답|답)"
    r"(?:\s+(?:is|would be|must be|should be|will be|choice|option|to the question|est|es|é|ist"
    r"|lautet)|\s*[是为為은는]|\s*이)*"
    r"\s*[*_:\"'(]*\s*:?\s*",
    re.IGNORECASE,
)
_STYLES = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|bf|mathsf|boldsymbol|rm)(?![A-Za-z])\s*|[{}$`]"
    r"|\\[(),;:! \[\]]"
)
_TAG = re.compile(r"<(?:answer|final_answer|ans)>\s*(.*?)\s*(?:</|\Z)", re.DOTALL | re.IGNORECASE)
_NEGATED = re.compile(
    r"(?:\bnot|\bisn't|\bnor|n't|不是|\bexclude|\beliminat\w*|\brul\w+ out|\bwrong|\bincorrect)"
    r"(?:(?!\bbut\b)[^.,;]){0,12}$",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"[)*\"]*\s*(?:is|are|was|looks|seems|must be|can be|cannot|can't)\s*(?:clearly |obviously "
    r"|definitely )?(?:wrong|not|incorrect|false|impossible|too|ruled|eliminated|be)\b",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    r"\s+(?!because|since|as\b|is\b|and\b|or\b|with\b|which|that\b|for\b|non\b|not\b)[a-zé]"
)
_SEPARATORS = r"[).:,;\]]|\s*$|\s*\n"


def extract_choice(response: str, letters: str) -> Extraction:
    """The letter of a choice, by the first rule that finds one."""
    text = closing_part(response)
    boxed = boxed_answer(text)
    if boxed is not None:
        letter = _only_letter(boxed[0], letters)
        if letter is not None:
            return Extraction(letter, "boxed")
    text = _STYLES.sub("", signs_spelt(text[-WINDOW:]))
    tags = _TAG.findall(text) if "<" in text else []
    if tags:
        letter = _only_letter(tags[-1], letters) or _first_letter(tags[-1], letters)
        if letter is not None:
            return Extraction(letter, "tag")
    for trigger in reversed(list(_TRIGGER.finditer(text))[-MAX_BOXES:]):
        letter = _first_letter(text[trigger.end() :].partition("\n\n")[0], letters)
        if text[max(trigger.start() - 4, 0) : trigger.start()].endswith(("不", "not ", "别")):
            continue
        if letter is not None and not _is_set_aside(text, trigger.start()):
            return Extraction(letter, "answer_phrase")
    return _without_trigger(text.strip(), letters)


def _without_trigger(text: str, letters: str) -> Extraction:
    small = letters.lower()
    alone = re.fullmatch(rf"\W*([{letters}{small}])\W*", text)
    if alone is not None:
        return Extraction(alone[1].upper(), "last_letter")
    bold = re.findall(
        rf"\*\*\s*\(?([{letters}])\)?[.:)]?\s*\*\*|^\s*\**\(?([{letters}])\)?\**\s*$", text, re.MULTILINE
    )
    if bold:
        return Extraction(bold[-1][0] or bold[-1][1], "bold_letter")
    first = re.match(rf"\s*\(?([{letters}{small}])\s*(?:[).:]\s*(?!\w\.)|\n)", text) or re.match(
        rf"\s*([{letters}])(?![A-Za-z0-9_'\s=^+*/<>-])", text
    )
    if first is not None and (first[1].isupper() or len(text) < MAX_SMALL):
        return Extraction(first[1].upper(), "first_letter")
    bracketed = [match for match in re.finditer(rf"\(([{letters}])\)", text) if not _refuted(text, match)]
    if bracketed:
        return Extraction(bracketed[-1][1], "letter_in_brackets")
    standing = _letters_alone(text, letters)
    return Extraction(standing[-1], "last_letter") if standing else NOTHING


MAX_SMALL = 40  # chosen: characters of a response that a small letter may begin: `b. 4`


def _is_set_aside(text: str, start: int) -> bool:
    """Whether a trigger is about wrong options: `Options (A) and (C) are wrong`."""
    sentence = re.split(r"[.\n]", text[start:], maxsplit=1)[0]
    return (
        re.search(
            r"\b(?:wrong|incorrect|false|not correct|ruled out|excluded"
            r"|too (?:small|large|big|low|high)|eliminated?)\b",
            sentence,
        )
        is not None
    )


def _refuted(text: str, letter: re.Match[str]) -> bool:
    return (
        _NEGATED.search(text[max(letter.start() - 40, 0) : letter.start()]) is not None
        or _REFUTED.match(text, letter.end()) is not None
    )


def _only_letter(text: str, letters: str) -> str | None:
    bare = re.sub(r"[().:\s*]", "", _STYLES.sub("", text))
    if len(bare) == 1 and bare.upper() in letters:
        return bare.upper()
    head = re.match(
        rf"\W*([{letters}])\s*(?:[).:]|\\|\s\s*[\d(-])", _STYLES.sub(" ", text).replace("\\ ", " ")
    )
    return head[1] if head is not None else None


def _first_letter(tail: str, letters: str) -> str | None:
    small = letters.lower()
    only = re.fullmatch(rf"\W*([{letters}{small}])\W*", tail.partition("\n")[0])
    if only is not None:
        return only[1].upper()
    sentence = re.split(r"(?<![A-Z])\.\s|\n", tail, maxsplit=1)[0]
    leading = re.match(rf"\W*([{letters}])(?![A-Za-z0-9_'])", sentence)
    if leading is not None and not (leading[1] == "A" and _ARTICLE.match(sentence, leading.end())):
        return leading[1]
    bracketed = [
        match
        for match in re.finditer(rf"\(([{letters}{small}])\)", sentence)
        if not _refuted(sentence, match)
    ]
    if bracketed:
        return bracketed[0][1].upper()
    alone = _letters_alone(sentence, letters)
    return alone[0] if alone else None


def _letters_alone(text: str, letters: str) -> list[str]:
    """Capital letters on their own, neither refuted nor the article of a sentence (`A triangle has`)."""
    found = re.finditer(rf"(?<![A-Za-z0-9_'\\])([{letters}])(?![A-Za-z0-9_'])(?!\s*[=^+*/])", text)
    return [
        match[1]
        for match in found
        if not (match[1] == "A" and _ARTICLE.match(text, match.end())) and not _refuted(text, match)
    ]
