"""Prompt: a passage in a template, in both forms."""

import dataframely as dy

from jz3.tables.words import KINDS, LEVEL_NAME


class Prompt(dy.Schema):
    prompt_id = dy.String(primary_key=True)  # content id of passage, level and kind
    passage_id = dy.String(min_length=1)
    source = dy.String(min_length=1)  # of the passage
    level = dy.String(regex=LEVEL_NAME)
    kind = dy.Enum(KINDS)
    full = dy.String(min_length=1)  # the prompt for a teacher
    compact = dy.String(min_length=1)  # only level, kind and passage: for a student model
