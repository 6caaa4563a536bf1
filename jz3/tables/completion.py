"""Completion: what a model wrote for a prompt."""

import dataframely as dy


class Completion(dy.Schema):
    completion_id = dy.String(primary_key=True)  # key of the request in the row store
    prompt_id = dy.String(min_length=1)
    text = dy.String()
    finish_reason = dy.String(min_length=1)  # `stop`, `length`, or another word of the server
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
