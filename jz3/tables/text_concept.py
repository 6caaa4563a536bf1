"""TextConcept: a concept of a text (SynthLLM: of a passage)."""

import dataframely as dy


class TextConcept(dy.Schema):
    text_id = dy.String(primary_key=True)  # passage_id
    concept_id = dy.String(primary_key=True)
