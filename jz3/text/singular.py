"""The singular of an English noun, by its ending: enough to count `quadratic equations` as one skill."""

IRREGULAR = {
    "analyses": "analysis",
    "axes": "axis",
    "hypotheses": "hypothesis",
    "indices": "index",
    "loci": "locus",
    "matrices": "matrix",
    "parentheses": "parenthesis",
    "radii": "radius",
    "series": "series",
    "vertices": "vertex",
}
_SHORTEST = 4
_KEPT = ("ss", "us", "is", "ics")
"""Endings of singulars: `class`, `calculus`, `analysis`, `statistics`."""
_WITH_E = ("sses", "xes", "ches", "shes", "zzes")


def singular(word: str) -> str:
    """The singular of a lower-case word; a word without a plural ending is unchanged."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < _SHORTEST or not word.endswith("s") or word.endswith(_KEPT):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(_WITH_E) else word[:-1]
