"""PosedQuestion: a question that a teacher wrote from passages, not yet solved (SynthLLM)."""

import dataframely as dy

QUESTION_ORIGINS = ("taken", "new")
"""Whether the passage has the question or the teacher made it."""


class PosedQuestion(dy.Schema):
    question_id = dy.String(primary_key=True)  # `variant` and parent in the lineage of its problem
    ask_id = dy.String(min_length=1)  # the request whose answer contains it
    place = dy.Int64(min=1)  # its place in that answer
    passage_ids = dy.List(dy.String(), min_length=1)
    combination_id = dy.String(nullable=True)  # null if it was not written from a combination
    origin = dy.Enum(QUESTION_ORIGINS, nullable=True)  # null if the teacher does not say
    school = dy.String(nullable=True)  # the teacher's name for the level
    concepts = dy.List(dy.String())  # those that the teacher says it needs; empty for the first level
    text = dy.String(min_length=1)
