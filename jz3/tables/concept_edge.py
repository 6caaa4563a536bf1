"""ConceptEdge: two concepts of the same text: an edge of a concept graph (SynthLLM, MASS)."""

import dataframely as dy


class ConceptEdge(dy.Schema):
    one = dy.String(primary_key=True)  # concept_id; the smaller of the two, so that a pair occurs once
    other = dy.String(primary_key=True)  # concept_id
    count = dy.Int64(min=1)  # texts (passages, problems) that have both
