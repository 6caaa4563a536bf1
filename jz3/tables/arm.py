"""Arm: what stands behind a model of the comparison, and what it scores."""

import dataframely as dy


class Arm(dy.Schema):
    model = dy.String(primary_key=True)
    set = dy.String()  # that it was trained on: models of one set differ in their training seed alone
    seed = dy.Int64(min=0)
    rows = dy.Int64(min=0)  # of its training set
    synthetic_rows = dy.Int64(min=0)  # of these, rows of its recipe; the rest are instruction rows
    questions = dy.Int64(min=0)  # different questions among them, but for case and spacing
    tokens = dy.Int64(min=0)  # of the packed set, each row once
    label_tokens = dy.Int64(min=0)  # of these, those that bear loss
    tokens_read = dy.Int64(min=0)  # in training, padding not counted
    passes = dy.Float64(min=0)  # over the set
    starved = dy.Bool()  # more than four passes: the set is too small for the budget
    teacher_requests = dy.Int64(min=0)  # answered, whether kept or not
    teacher_tokens = dy.Int64(min=0)  # of all prompts and completions behind the recipe
    teacher_tokens_kept = dy.Int64(min=0, nullable=True)
    # of these, of answers that a problem was read from; null where a solver's draws are among them
    cost_usd = dy.Float64(min=0, nullable=True)  # null where a model has no price
    student_tokens = dy.Int64(min=0)  # that models of the run read and wrote for the recipe
    distance = dy.Float64(min=0, max=1, nullable=True)  # mean over pairs of synthetic questions
    gain = dy.Float64(min=0, max=1, nullable=True)  # mean distance of one to the nearest instruction question
    by_gold = dy.Int64(min=0)  # synthetic rows whose answer is that of a seed, or a number masked in it
    by_execution = dy.Int64(min=0)  # of the others, those whose programs ran to their end
    unconfirmed = dy.Int64(min=0)  # the rest
    checked = dy.Int64(min=0)  # synthetic rows in whose wording the checker of `correctness` knows a family
    right = dy.Int64(min=0)  # of these, those with the exact answer
    accuracy = dy.Float64(min=0, max=100, nullable=True)  # macro over families; null without such a benchmark
    low = dy.Float64(min=0, max=100, nullable=True)  # 95 % bootstrap interval over families
    high = dy.Float64(min=0, max=100, nullable=True)
    seeds_and_texts = dy.Float64(min=0, max=100, nullable=True)
    # macro over the families that seeds and texts hold; null where there are none
    texts_alone = dy.Float64(min=0, max=100, nullable=True)  # over those that texts alone hold
    no_data = dy.Float64(
        min=0, max=100, nullable=True
    )  # over those that teachers refuse, so that nothing does
    backward = dy.Float64(min=0, max=100, nullable=True)  # macro over families, asked for a number in them
    composed = dy.Float64(min=0, max=100, nullable=True)  # macro over pairs of families, joined
    accuracy_math_verify = dy.Float64(min=0, max=100, nullable=True)  # the same, judged by plain math-verify
    prose = dy.Float64(min=0, max=100, nullable=True)  # of the benchmark of families
    tool = dy.Float64(min=0, max=100, nullable=True)
    answer_tokens = dy.Float64(min=0, nullable=True)  # of a response, mean over all benchmarks
    truncated = dy.Float64(min=0, max=100, nullable=True)  # per cent of responses cut at the limit
