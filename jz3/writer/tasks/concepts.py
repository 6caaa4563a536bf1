r"""`Task: concepts`: topics and key concepts of a document.

    Task: concepts
    ...
    ### Document
    (the document)

    ### Concepts

Topics are the families that have words in the document, at most five, those with most words first; key
concepts are the family's words, those in the document first. The key of the request draws how each is
spelled, so that one concept comes in several spellings, as from a model.
"""

import re

from jz3.writer.draws import Draws
from jz3.writer.family import Family
from jz3.writer.refusal import Refused
from jz3.writer.tasks.passage_families import SCHOOLS, UNSUITABLE, in_text, stem, topic_of

DATA = re.compile(r"^### Document\n(.*)\n### Concepts\s*\Z", re.MULTILINE | re.DOTALL)
TOPICS = 5
"""The most topics that the prompt allows (paper)."""
LEAST = 5
"""The fewest key concepts of a topic (paper); a family has at least seven words."""
SUBJECTS = {
    "grade": "arithmetic",
    "middle": "pre-algebra",
    "high": "algebra",
    "college": "calculus and linear algebra",
    "amc8": "counting and number theory",
    "amc10": "counting and number theory",
    "amc12": "algebra",
    "aime": "counting and number theory",
}


def concepts(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'concepts' has '### Document' and ends '### Concepts'",
        )
    found = in_text(asked[1])[:TOPICS]
    if not found:
        return UNSUITABLE
    level = found[0][0].level
    lines = [f"Level: {SCHOOLS[level]}", f"Subject: {SUBJECTS[level]}"]
    draws = Draws(key)
    for family, words in found:
        lines.append(f"Topic: {_spelled(topic_of(family), draws)}")
        lines += (f"- {_spelled(word, draws)}" for word in _named(family, words))
    return "\n".join(lines)


def _named(family: Family, words: tuple[str, ...]) -> list[str]:
    """The words that the document has, and further ones of the family up to the minimum, which differ in more
    than their ending.
    """
    named = list(words)
    for word in family.words:
        known = set(map(stem, named))
        if len(known) < LEAST and stem(word) not in known:
            named.append(word)
    return named


def _spelled(word: str, draws: Draws) -> str:
    match draws.choice(f"spelling of {word}", ("plain", "capital", "title", "article", "explained")):
        case "capital":
            return word.capitalize()
        case "title":
            return word.title().replace(" ", "-")
        case "article":
            return f"the {word}"
        case "explained":
            return f"{word}: what the document says of it"
        case _:
            return word
