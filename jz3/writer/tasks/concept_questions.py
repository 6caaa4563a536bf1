r"""`Task: concept_questions`: questions that combine concepts, beside the documents that these are from.

    Task: concept_questions
    Questions: (the most of them)
    ...
    ### Concepts
    (one a line behind a dash; or a topic, a colon and its key concepts with semicolons between them)

    ### Documents
    (the documents)

    ### Questions

Each question is of another family of which two or three concepts are the topic or words; no two combine the
same. The key of the request draws families, concepts and values. Where no family has two, the writer refuses.
"""

import re

from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused
from jz3.writer.tasks.document_questions import COUNT
from jz3.writer.tasks.passage_families import SCHOOLS, UNSUITABLE, drawn, of_concepts, question_of

DATA = re.compile(r"^### Concepts\n(.*?)\n### Documents\n(.*)\n### Questions\s*\Z", re.MULTILINE | re.DOTALL)
MOST = 3
"""The most concepts of a question (paper)."""


def concept_questions(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    count = COUNT.search(prompt, 0, asked.start() if asked else len(prompt))
    if asked is None or count is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'concept_questions' has a line 'Questions: ...', '### Concepts', "
            "'### Documents' and ends '### Questions'",
        )
    given = [name for line in asked[1].splitlines() for name in re.split(r"[:;]", line.strip().lstrip("- "))]
    names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
    draws = Draws(key)
    questions: list[str] = []
    combined: set[frozenset[str]] = set()
    for family, fitting in drawn(of_concepts(names), int(count[1]), draws):
        some = sorted(fitting, key=lambda name, of=family.name: draws.bits(f"{of} {name}"))
        some = some[: draws.whole(f"concepts of {family.name}", 2, MOST)]
        if frozenset(some) in combined:
            continue
        combined.add(frozenset(some))
        questions.append(
            f"[Question {len(questions) + 1}]\nConcepts: {'; '.join(some)}\n"
            f"Level: {SCHOOLS[family.level]}\n{question_of(family, key)}"
        )
    return "\n\n".join(questions) or UNSUITABLE
