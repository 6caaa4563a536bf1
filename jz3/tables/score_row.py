"""ScoreRow: a line of the evaluation tables."""

import dataframely as dy


class ScoreRow(dy.Schema):
    model = dy.String(primary_key=True)
    setting = dy.String(primary_key=True)  # prose, tool; `both` for averages over the two
    benchmark = dy.String(primary_key=True)
    group_by = dy.String(primary_key=True)  # all, level, subject, coverage, samples, average, macro
    group = dy.String(
        primary_key=True
    )  # the value of that group; `all` for all items; `pass@4`, `majority@4`
    items = dy.Int64(min=1)
    accuracy = dy.Float64(min=0, max=100)  # per cent, by strict extraction
    low = dy.Float64(min=0, max=100)  # 95 % bootstrap interval over items
    high = dy.Float64(min=0, max=100)
    accuracy_lenient = dy.Float64(min=0, max=100)
    accuracy_math_verify = dy.Float64(min=0, max=100)  # strict extraction, judged by plain math-verify
    clean_items = dy.Int64(min=0)  # items without a hit in the certificate of the mix
    accuracy_clean = dy.Float64(min=0, max=100, nullable=True)  # on these items; null if there are none
    contamination = dy.String()  # checked, unchecked
    certificate = dy.String(min_length=1)  # of the mix that the model was trained on
    responses = dy.Int64(min=1)
    prompt_tokens = dy.Int64(min=0)  # of all responses
    completion_tokens = dy.Int64(min=0)
    truncated = dy.Int64(min=0)  # responses cut at the token limit
