"""Hit: a row that repeats a benchmark item, with both texts."""

import dataframely as dy


class Hit(dy.Schema):
    row_id = dy.String(primary_key=True)
    item_id = dy.String(primary_key=True)
    benchmark = dy.String(min_length=1)
    hit_class = dy.Enum(["ngram", "whole", "short_ngram", "number_masked"])  # number_masked rejects nothing
    row_text = dy.String(min_length=1)
    item_text = dy.String(min_length=1)
