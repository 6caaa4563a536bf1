r"""`Task: declare`: the last sentence of a question and its answer as one statement.

    Task: declare
    ...
    ### Question
    (the sentence)

    ### Answer to it
    (the answer)

    ### Statement

A few rules of English turn `What is ...?` and `How many ...?` around; any other sentence is quoted with its
answer, which is a statement too.
"""

import re

from jz3.writer.refusal import Refused

DATA = re.compile(
    r"^### Question\n(.*)\n### Answer to it\n(.*)\n### Statement\s*\Z", re.MULTILINE | re.DOTALL
)
_IS = re.compile(r"What is (.+)\?")
_HOW_MANY = re.compile(r"How many (.*?)\b(are|is|remain|lie|lead|play|of them are)\b(.*)\?")
_DOES = re.compile(r"How many (.+?) (does|do) (.+?) (get|have|keep|own|cost|give)\b(.*)\?")
_THIRD = {"get": "gets", "have": "has", "keep": "keeps", "own": "owns", "cost": "costs", "give": "gives"}
_BEGINS = re.compile(r"[a-z][a-z]")


def declare(prompt: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'declare' has '### Question', '### Answer to it' and ends '### Statement'",
        )
    return declared(asked[1].strip(), asked[2].strip())


def declared(sentence: str, answer: str) -> str:
    """The statement of a sentence and its answer."""
    if found := _IS.fullmatch(sentence):
        return _capital(f"{found[1]} is {answer}.")
    if found := _DOES.fullmatch(sentence):
        what, auxiliary, who, verb, rest = found.groups()
        return _capital(f"{who} {_THIRD[verb] if auxiliary == 'does' else verb} {answer} {what}{rest}.")
    if found := _HOW_MANY.fullmatch(sentence):
        return f"{answer} {found[1]}{found[2]}{found[3]}."
    return f'The answer to "{sentence}" is {answer}.'


def _capital(text: str) -> str:
    """Capitalise the first letter, unless it is a variable."""
    return text[0].upper() + text[1:] if _BEGINS.match(text) else text
