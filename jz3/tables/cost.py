"""Cost: what a stage asked of a model, and what it cost."""

import dataframely as dy


class Cost(dy.Schema):
    stage = dy.String(primary_key=True)  # as in data/metrics: distill/initial, answer/jiuzhang
    requests = dy.Int64(min=0)  # prompts or responses
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
    cost_usd = dy.Float64(min=0, nullable=True)  # null if no price is known or the model is not paid for
