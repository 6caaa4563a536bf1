r"""The closing part of a response: the text for the reader, without thoughts, programs and further turns.

- Thoughts are removed with everything inside, even a `\boxed{}`; a thought that is cut off takes the rest
  with it. If a thought closes that was never opened (the prompt opened it), everything before is removed.
- Programs are removed; their output stays.
- A response that continues with another question after its answer ends before that question.

It takes one pass over any text.
"""

import re

from jz3.answers.notation import LONG_SPACE
from jz3.notation.thoughts import without_thoughts
from jz3.notation.turns import first_turn

_PROGRAM = re.compile(
    r"```[ \t]*(?:python3?|py|sage|cpp|c\+\+|c|java|javascript|js|matlab|julia|r|bash|sh|mathematica"
    r"|sympy)[ \t]*\n"
    r".*?(?:```|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_EXPLICIT = re.compile(
    r"\\boxed\s*\{|####\s*[-+$\\(]*\d|answers?\s*\**\s*(?:is|are|:)|</answer>|答案", re.IGNORECASE
)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:#{1,4}\s*|\*\*\s*)?(?:(?:Question|Problem|Exercise|Example|Input|User|Human|Student"
    r"|问题|题目)"
    r"(?:(?:\s*\d{1,3})?\s*(?:\*\*)?\s*[:：]|\s\d{1,3}\s*(?:\*\*)?[.)]\s)|Q(?:uestion)?\s*\d{0,3}\s*[:.]\s|#{1,4}\s*(?:Question"
    r"|Problem|Instruction)\b)",
)


def closing_part(response: str) -> str:
    """The part of a response for the reader; empty if all of it was thought."""
    text = without_thoughts(response)
    text = first_turn(text)
    if "```" in text:
        text = _PROGRAM.sub("\n", text)
    return _without_next_question(LONG_SPACE.sub(_shorter, text))


def _shorter(space: re.Match[str]) -> str:
    """Shorten long white space; only whether it ends a line or a paragraph matters."""
    return "\n" * min(space[0].count("\n"), 2) or " "


def _without_next_question(text: str) -> str:
    if _NEXT_QUESTION.search(text) is None:
        return text
    explicit = _EXPLICIT.search(text)
    following = None if explicit is None else _NEXT_QUESTION.search(text, explicit.end())
    return text if following is None else text[: following.start()]
