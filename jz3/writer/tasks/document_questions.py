r"""`Task: document_questions`: questions on a document.

    Task: document_questions
    Questions: (the most of them)
    ...
    ### Document
    (the document)

    ### Questions

Each question is of another family with words in the document, with values that the key of the request draws.
A document without such words is refused.
"""

import re

from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused
from jz3.writer.tasks.passage_families import SCHOOLS, UNSUITABLE, drawn, in_text, question_of

COUNT = re.compile(r"^Questions: (\d+)$", re.MULTILINE)
DATA = re.compile(r"^### Document\n(.*)\n### Questions\s*\Z", re.MULTILINE | re.DOTALL)


def document_questions(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    count = COUNT.search(prompt, 0, asked.start() if asked else len(prompt))
    if asked is None or count is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'document_questions' has a line 'Questions: ...', '### Document' and ends "
            "'### Questions'",
        )
    found = drawn(in_text(asked[1]), int(count[1]), Draws(key))
    return (
        "\n\n".join(
            f"[Question {number}]\nOrigin: new\nLevel: {SCHOOLS[family.level]}\n{question_of(family, key)}"
            for number, (family, _) in enumerate(found, 1)
        )
        or UNSUITABLE
    )
