r"""Reads what a passage is about out of a teacher's answer: topics, and the key concepts of each.

An answer has lines `Level: ...`, `Subject: ...` and `Topic: ...`, and below each topic its key concepts, one
behind a mark or several behind `Key concepts:`. Headings, bold words and numbers before them are read over,
and so is what stands behind the name of a concept, after a colon or a dash.

A name is compared in lower case, without an article, with blanks for hyphens, and with its last word in the
singular: so `The Vertex-Forms` is `vertex form`. Rules: `unsuitable` (the teacher refuses the passage),
`no_topic`, `no_key_concept`.
"""

import re
from dataclasses import dataclass

from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

UNSUITABLE = re.compile(r"\A\W*(?:document|passage|text)?\W*unsuitable\b", re.IGNORECASE)
"""The reply that the prompts ask for where a text is of no use."""
LONGEST = 60
"""Characters of a name; what is longer is a sentence (chosen)."""
_MARK = re.compile(r"^\s*(?:[-*•+]|\(?\d{1,2}[.)])\s+")
_ORNAMENT = re.compile(r"[*_`#]+")
_FIELD = re.compile(
    r"^(?P<name>(?:educational |school )?level|subject(?: area)?|topics?|(?:key )?concepts?)\s*\d{0,2}"
    r"\s*(?:[:.–—]|\s-\s)\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"(?:\s*:|\s[–—-]\s|\s\().*$")
_IRREGULAR = {
    "matrices": "matrix", "vertices": "vertex", "indices": "index", "radii": "radius", "loci": "locus",
    "axes": "axis", "bases": "basis", "analyses": "analysis", "hypotheses": "hypothesis",
    "series": "series", "statistics": "statistics", "mathematics": "mathematics", "physics": "physics",
    "combinatorics": "combinatorics", "bias": "bias", "lens": "lens",
}  # fmt: skip
"""Plurals of mathematics, and words that only look like one."""
_ARTICLE = re.compile(r"^(?:the|an?) ")


@dataclass(frozen=True)
class NamedConcepts:
    """What a passage is about."""

    level: str | None
    subject: str | None
    topics: dict[str, tuple[str, ...]]
    """Key concepts by topic, in the order of the answer."""

    @property
    def key_concepts(self) -> tuple[str, ...]:
        """Of all topics, each once."""
        return tuple(dict.fromkeys(name for names in self.topics.values() for name in names))


def read_concepts(text: str, topics: int, key_concepts: int) -> NamedConcepts | Unusable:
    """The first so many topics of an answer, and the first so many key concepts of each."""
    if UNSUITABLE.match(text):
        return Unusable("unsuitable", text[:EVIDENCE_CHARACTERS])
    facts: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    topic: str | None = None
    for line in text.splitlines():
        marked = _MARK.match(line) is not None
        plain = _ORNAMENT.sub("", _MARK.sub("", line)).strip()
        field = _FIELD.match(plain)
        kind = field["name"].lower().split()[-1] if field is not None else ""
        if field is not None and kind in ("level", "area", "subject"):
            facts.setdefault("level" if kind == "level" else "subject", field["rest"].strip().rstrip("."))
        elif field is not None and kind.startswith("topic"):
            topic = concept_name(field["rest"])
            if topic:
                found.setdefault(topic, [])
        elif topic:
            if field is not None:
                found[topic] += map(concept_name, re.split(r"[,;]", field["rest"]))
            elif marked:
                found[topic].append(concept_name(plain))
    if not found:
        return Unusable("no_topic", text[:EVIDENCE_CHARACTERS])
    read = {name: tuple(dict.fromkeys(filter(None, names)))[:key_concepts] for name, names in found.items()}
    kept = {name: names for name, names in read.items() if names}
    if not kept:
        return Unusable("no_key_concept", text[:EVIDENCE_CHARACTERS])
    first = dict(list(kept.items())[:topics])
    return NamedConcepts(facts.get("level") or None, facts.get("subject") or None, first)


def concept_name(written: str) -> str:
    """A name as it is compared; empty for what is no name."""
    name = _BEHIND.sub("", _ORNAMENT.sub("", written)).lower().replace("-", " ")
    name = _ARTICLE.sub("", " ".join(name.split()).strip(" .,;'\"“”"))
    if len(name) > LONGEST or not re.search(r"[^\W\d_]", name):
        return ""
    *first, last = name.split()
    return " ".join([*first, singular(last)])


def singular(word: str) -> str:
    """A word without the ending of an English plural, as far as ending and _IRREGULAR tell."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^suiy]s$", word) else word
