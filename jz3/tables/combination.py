"""Combination: concepts that a walk through a concept graph met, with the passages nearest to them."""

import dataframely as dy


class Combination(dy.Schema):
    combination_id = dy.String(primary_key=True)  # content id of its concepts
    concept_ids = dy.List(dy.String(), min_length=1)  # in the order of the walk
    names = dy.List(dy.String(), min_length=1)  # of these
    passage_ids = dy.List(dy.String(), min_length=1)  # the nearest first
    similarity = dy.List(dy.Float64(), min_length=1)  # Jaccard index of their concepts and these
    epoch = dy.Int64(min=0)  # of the walk that met it first
