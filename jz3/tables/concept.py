"""Concept: a topic or skill of several texts, as a teacher named it: a node of a graph (SynthLLM, MASS)."""

import dataframely as dy

CONCEPT_KINDS = ("topic", "key_concept", "skill")
"""SynthLLM: topics of a document, and key concepts of each topic; MASS: skills of a problem."""


class Concept(dy.Schema):
    concept_id = dy.String(primary_key=True)  # content id of kind and name
    kind = dy.Enum(CONCEPT_KINDS)
    name = dy.String(min_length=1)  # normalised for comparison: lower case, spellings merged
    count = dy.Int64(min=1)  # texts (passages, problems) that have it
