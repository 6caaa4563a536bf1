"""Failure: a request that got no usable answer, with the reason."""

import dataframely as dy


class Failure(dy.Schema):
    request_id = dy.String(primary_key=True)  # key of the request in the row store
    row_id = dy.String(min_length=1)  # the row that the request was for (a prompt, an item)
    reason = dy.String(min_length=1)
