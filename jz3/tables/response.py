"""Response: a model's answer to an item."""

import dataframely as dy


class Response(dy.Schema):
    response_id = dy.String(primary_key=True)  # `item/setting/draw`
    item_id = dy.String(min_length=1)
    setting = dy.Enum(["prose", "tool"])
    draw = dy.Int64(min=0)  # number of the sample, from 0
    text = dy.String()  # the whole answer; in the tool setting including the real output of each program
    finish_reason = dy.String(min_length=1)  # of the last call: `stop`, `length`, or a server's word
    calls = dy.Int64(min=1)  # calls of the model
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
