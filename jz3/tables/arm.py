"""Arm: the data and training behind a model of the comparison, and its scores."""

import dataframely as dy


class Arm(dy.Schema):
    model = dy.String(primary_key=True)
    set = dy.String()  # training set; models of one set differ only in their training seed
    seed = dy.Int64(min=0)
    rows = dy.Int64(min=0)  # of its training set
    synthetic_rows = dy.Int64(min=0)  # those of its recipe; the rest are instruction rows
    questions = dy.Int64(min=0)  # different questions among them, ignoring case and spacing
    tokens = dy.Int64(min=0)  # of the packed set, each row once
    label_tokens = dy.Int64(min=0)  # those of them that bear loss
    tokens_read = dy.Int64(min=0)  # in training, padding not counted
    passes = dy.Float64(min=0)  # tokens_read over the tokens of the set
    starved = dy.Bool()  # more than four passes: the set is too small for the budget
    teacher_requests = dy.Int64(min=0)  # answered requests, whether kept or not
    teacher_tokens = dy.Int64(min=0)  # of all prompts and completions behind the recipe
    teacher_tokens_kept = dy.Int64(min=0, nullable=True)
    # of the teacher tokens, those of answers that a problem was read from; null if a solver's draws are
    # included
    cost_usd = dy.Float64(min=0, nullable=True)  # null if a model has no price
    student_tokens = dy.Int64(min=0)  # that models of the run read and wrote for the recipe
    distance = dy.Float64(min=0, max=1, nullable=True)  # mean over pairs of synthetic questions
    gain = dy.Float64(min=0, max=1, nullable=True)  # mean distance to the nearest instruction question
    by_gold = dy.Int64(min=0)  # synthetic rows whose answer equals a seed's, or the number masked in it
    by_execution = dy.Int64(min=0)  # of the others, those whose programs ran without error
    unconfirmed = dy.Int64(min=0)  # the rest
    checked = dy.Int64(min=0)  # synthetic rows that the checker of `correctness` can read
    right = dy.Int64(min=0)  # those of them with the exact answer
    accuracy = dy.Float64(min=0, max=100, nullable=True)  # macro over families; null without such a benchmark
    low = dy.Float64(min=0, max=100, nullable=True)  # 95 % bootstrap interval over families
    high = dy.Float64(min=0, max=100, nullable=True)
    seeds_and_texts = dy.Float64(min=0, max=100, nullable=True)
    # macro over the families of seeds and texts; null if there are none
    texts_alone = dy.Float64(min=0, max=100, nullable=True)  # over families that only texts hold
    no_data = dy.Float64(
        min=0, max=100, nullable=True
    )  # over families that teachers refuse to write, so that no data hold them
    backward = dy.Float64(min=0, max=100, nullable=True)  # macro, asked for a number of the question
    composed = dy.Float64(min=0, max=100, nullable=True)  # macro over pairs of families, joined
    accuracy_math_verify = dy.Float64(min=0, max=100, nullable=True)  # `accuracy` by plain math-verify
    prose = dy.Float64(min=0, max=100, nullable=True)  # of the benchmark of families
    tool = dy.Float64(min=0, max=100, nullable=True)
    answer_tokens = dy.Float64(min=0, nullable=True)  # mean per response over all benchmarks
    truncated = dy.Float64(min=0, max=100, nullable=True)  # per cent of responses cut at the limit
