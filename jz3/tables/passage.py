"""Passage: a piece of a source text, with its origin."""

import dataframely as dy


class Passage(dy.Schema):
    passage_id = dy.String(
        primary_key=True
    )  # content id of source and words, and of a count for equal passages of a section
    source = dy.String(min_length=1)  # a name in the list of sources
    document_id = dy.String(min_length=1)  # its own id, a qualified name, or the digest of its text
    origin = dy.String(min_length=1)  # what the document belongs to: `sympy 1.14.0`, a file, a revision
    licence = dy.String(min_length=1)  # of the document; SPDX where there is one
    offset = dy.Int64(min=0)  # characters from the start of the document
    text = dy.String(min_length=1)
