"""Combination: concepts on a walk through a concept graph, with the passages nearest to them."""

import dataframely as dy


class Combination(dy.Schema):
    combination_id = dy.String(primary_key=True)  # content id of its concepts
    concept_ids = dy.List(dy.String(), min_length=1)  # in the order of the walk
    names = dy.List(dy.String(), min_length=1)  # of the concepts, in the same order
    passage_ids = dy.List(dy.String(), min_length=1)  # the nearest first
    similarity = dy.List(dy.Float64(), min_length=1)  # Jaccard index of each passage's concepts and these
    epoch = dy.Int64(min=0)  # epoch of the walk that found it first
