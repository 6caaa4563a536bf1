"""Grade: the judgement of a response."""

import dataframely as dy


class Grade(dy.Schema):
    response_id = dy.String(primary_key=True)
    item_id = dy.String(min_length=1)
    benchmark = dy.String(min_length=1)
    setting = dy.Enum(["prose", "tool"])
    draw = dy.Int64(min=0)  # number of the sample, from 0
    subject = dy.String(nullable=True)
    level = dy.String(nullable=True)
    gold = dy.String(min_length=1)
    same_as = dy.Int64(
        min=0, nullable=True
    )  # the first draw of the item with an equal answer; null without one
    predicted = dy.String(nullable=True)  # the extracted answer; null if none was found
    correct = dy.Bool()  # by strict extraction
    correct_lenient = dy.Bool()  # by lenient extraction
    rule = dy.String(min_length=1)  # the rule that gave the strict verdict
    second_opinion = dy.Bool()  # verdict of plain math-verify on the same pair
    prompt_tokens = dy.Int64(min=0)
    completion_tokens = dy.Int64(min=0)
    truncated = dy.Bool()  # the response was cut at the token limit
    certificate = dy.String(min_length=1)  # of the mix: name and digest of each certified set
    contamination = dy.Enum(["clean", "hit", "unchecked"])  # of the item, by the certificate of the mix
