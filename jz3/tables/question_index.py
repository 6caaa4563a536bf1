"""QuestionIndex: what `dedup` must know of a kept problem to find its duplicates in later sets."""

import dataframely as dy


class QuestionIndex(dy.Schema):
    problem_id = dy.String(primary_key=True)
    words_hash = dy.UInt64()  # of the question's words in order
    band_keys = dy.List(dy.UInt32(), min_length=1)  # of its MinHash signature, one for each band
    shingles = dy.List(dy.UInt64())  # hashes of its different 5-grams, ascending
