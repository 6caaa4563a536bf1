"""PosedQuestion: a question that a teacher wrote from passages, before anybody solved it (SynthLLM)."""

import dataframely as dy

QUESTION_ORIGINS = ("taken", "new")
"""It stands in the passage; the teacher made it."""


class PosedQuestion(dy.Schema):
    question_id = dy.String(primary_key=True)  # `variant` and parent in the lineage of its problem
    ask_id = dy.String(min_length=1)  # the request whose answer holds it
    place = dy.Int64(min=1)  # in that answer
    passage_ids = dy.List(dy.String(), min_length=1)
    combination_id = dy.String(nullable=True)  # where it was written from a combination
    origin = dy.Enum(QUESTION_ORIGINS, nullable=True)  # null where the teacher does not say
    school = dy.String(nullable=True)  # level as the teacher names it
    concepts = dy.List(dy.String())  # that the teacher says it needs; none of the first level
    text = dy.String(min_length=1)
