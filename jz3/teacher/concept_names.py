r"""Reads what a passage is about from a teacher's answer: topics, and the key concepts of each.

An answer has lines `Level: ...`, `Subject: ...` and `Topic: ...`, and below each topic its key concepts, one
after a bullet or several after `Key concepts:`. Headings, bold type and numbers before them are ignored, and
so is anything after a concept's name and a colon or dash.

Names are compared in lower case, without an article, with blanks for hyphens, and with the last word in the
singular: so `The Vertex-Forms` is `vertex form`. Rules: `unsuitable` (the teacher refuses the passage),
`no_topic`, `no_key_concept`.
"""

import re
from dataclasses import dataclass

from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

UNSUITABLE = re.compile(r"\A\W*(?:document|passage|text)?\W*unsuitable\b", re.IGNORECASE)
"""The reply that the prompts ask for if a text is of no use."""
REFUSED = re.compile(r"\bUNSUITABLE\b")
"""The same behind other words, in a reply that has nothing else to read."""
LONGEST = 60
"""The most characters of a name; anything longer is a sentence (chosen)."""
_MARK = re.compile(r"^\s*(?:(?:[*+]|\(?\d{1,2}[.)])\s+|[-–—•●◦▪‣]\s*)")
_ORNAMENT = re.compile(r"[*_`#\[\]]+")
_FIELD = re.compile(
    r"^(?P<name>(?:educational |school )?level|subject(?: area)?|topics?|(?:key )?concepts?)\s*\d{0,2}"
    r"\s*(?:[:：.–—]|\s-\s)\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"(?:\s*:|\s[–—-]\s|\s\().*$")
_IRREGULAR = {
    "matrices": "matrix", "vertices": "vertex", "indices": "index", "radii": "radius", "loci": "locus",
    "axes": "axis", "bases": "basis", "analyses": "analysis", "hypotheses": "hypothesis",
    "series": "series", "statistics": "statistics", "mathematics": "mathematics", "physics": "physics",
    "combinatorics": "combinatorics", "bias": "bias", "lens": "lens",
}  # fmt: skip
"""Irregular plurals of mathematics, and words that only look like plurals."""
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
        """The key concepts of all topics, each once."""
        return tuple(dict.fromkeys(name for names in self.topics.values() for name in names))


def read_concepts(text: str, topics: int, key_concepts: int) -> NamedConcepts | Unusable:
    """The first `topics` topics of an answer, and the first `key_concepts` key concepts of each."""
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
    if not found and REFUSED.search(text):
        return Unusable("unsuitable", text[:EVIDENCE_CHARACTERS])
    if not found:
        return Unusable("no_topic", text[:EVIDENCE_CHARACTERS])
    read = {name: tuple(dict.fromkeys(filter(None, names)))[:key_concepts] for name, names in found.items()}
    kept = {name: names for name, names in read.items() if names}
    if not kept:
        return Unusable("no_key_concept", text[:EVIDENCE_CHARACTERS])
    first = dict(list(kept.items())[:topics])
    return NamedConcepts(facts.get("level") or None, facts.get("subject") or None, first)


def concept_name(written: str) -> str:
    """A name in its form for comparison; empty if it is no name."""
    name = _BEHIND.sub("", _ORNAMENT.sub("", written)).lower().replace("-", " ")
    name = _ARTICLE.sub("", " ".join(name.split()).strip(" .,;'\"“”"))
    if len(name) > LONGEST or not re.search(r"[^\W\d_]", name):
        return ""
    *first, last = name.split()
    return " ".join([*first, singular(last)])


def singular(word: str) -> str:
    """A word in the singular, as far as its ending and _IRREGULAR tell."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^suiy]s$", word) else word
