"""ForcedEnd: a response whose thought reached its limit: its end was inserted and the answer asked for."""

import dataframely as dy


class ForcedEnd(dy.Schema):
    response_id = dy.String(primary_key=True)
    item_id = dy.String(min_length=1)
    thought_tokens = dy.Int64(min=0)  # of the call that was cut off
    answer_tokens = dy.Int64(min=0)  # of the call after the inserted end
    finish_reason = dy.String(min_length=1)  # of the call after the inserted end
