r"""`Task: retell`: a question of a family in the life of somebody, with the same values.

    Task: retell
    ...
    ### Person
    (who, in a sentence)

    ### Question
    (the question)

    ### Question retold

The question is put in other words, as `rephrase.py` beside this does, behind a sentence that sets it into the
person's life (`frames.py`); the key of the request draws both. What no family words so is left alone, and the
writer says so.
"""

import re

from jz3.writer.refusal import Refused
from jz3.writer.tasks.frames import framed
from jz3.writer.tasks.rephrase import NOT_KNOWN, reworded

DATA = re.compile(
    r"^### Person\n(.*?)\n### Question\n(.*)\n### Question retold\s*\Z", re.MULTILINE | re.DOTALL
)


def retell(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None or not asked[1].strip():
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'retell' has '### Person' with a sentence, '### Question' and ends "
            "'### Question retold'",
        )
    text = reworded(asked[2].strip(), key)
    return NOT_KNOWN if text == NOT_KNOWN else framed(text, asked[1], key)
