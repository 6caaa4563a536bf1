"""Rows of the tables that `tabulate` leaves, and of a curve, as the report reads them."""

import polars as pl

from jz3.tables.loss_point import LossPoint

HOSTILE = '<script>alert("1")</script>'


def score(model="jiuzhang", accuracy=50.0, **changes):
    return {
        "model": model,
        "setting": "prose",
        "benchmark": "families",
        "group_by": "all",
        "group": "all",
        "items": 100,
        "accuracy": accuracy,
        "low": accuracy - 7.5,
        "high": accuracy + 7.5,
        "accuracy_lenient": accuracy,
        "accuracy_math_verify": accuracy,
        "clean_items": 90,
        "accuracy_clean": accuracy,
        "contamination": "checked",
        "certificate": "instruction 0a1b2c3d4e5f, jiuzhang 9f8e7d6c5b4a",
        "responses": 100,
        "prompt_tokens": 4000,
        "completion_tokens": 3000,
        "truncated": 1,
    } | changes


def averages():
    """Averages of two models over their benchmarks."""
    changes = {"benchmark": "all benchmarks", "group_by": "average", "group": "mean over benchmarks"}
    return [score(accuracy=61.5, **changes), score("instruct_only", 30.25, **changes)]


def comparison():
    return {
        "benchmark": "families",
        "group": "all",
        "setting": "prose",
        "model": "jiuzhang",
        "against": "instruct_only",
        "items": 100,
        "difference": 12.0,
        "low": 2.5,
        "high": 21.5,
        "p_value": 0.006,
        "p_holm": 0.012,
        "least_difference": 8.25,
    }


def published():
    return {
        "model": "jiuzhang",
        "benchmark": "gsm8k",
        "setting": "prose",
        "published_model": "JiuZhang3.0-7B",
        "accuracy": 71.5,
        "low": 69.0,
        "high": 74.0,
        "published": 88.6,
        "difference": -17.1,
        "source": "a paper",
    }


def disagreement():
    return {
        "model": "jiuzhang",
        "response_id": "b/0/prose/0",
        "benchmark": "b",
        "gold": "[0,1)",
        "predicted": HOSTILE,
        "correct": False,
        "rule": "sequence",
        "second_opinion": True,
    }


def cost(stage="distill/initial", cost_usd=12.5):
    return {
        "stage": stage,
        "requests": 1200,
        "prompt_tokens": 345678,
        "completion_tokens": 90123,
        "cost_usd": cost_usd,
    }


def arm(model="jiuzhang", **changes):
    return {
        "model": model,
        "set": model,
        "seed": 0,
        "rows": 18,
        "synthetic_rows": 15,
        "questions": 14,
        "tokens": 24_000,
        "label_tokens": 14_000,
        "tokens_read": 60_500,
        "passes": 2.5,
        "starved": False,
        "teacher_requests": 40,
        "teacher_tokens": 1_250_000,
        "teacher_tokens_kept": 1_000_000,
        "cost_usd": 12.5,
        "student_tokens": 38_000,
        "distance": 0.625,
        "gain": 0.5,
        "by_gold": 0,
        "by_execution": 9,
        "unconfirmed": 6,
        "checked": 8,
        "right": 6,
        "accuracy": 61.5,
        "low": 54.0,
        "high": 69.0,
        "accuracy_math_verify": 60.5,
        "prose": 50.0,
        "tool": 73.0,
        "answer_tokens": 48.25,
        "truncated": 1.5,
    } | changes


def spread():
    return [
        {
            "set": "jiuzhang",
            "benchmark": "families",
            "group": "macro over families",
            "setting": "both",
            "models": 2,
            "accuracy": 62.0,
            "least": 61.5,
            "greatest": 62.5,
            "deviation": 0.70710678,
        },
        {
            "set": "other",
            "benchmark": "families",
            "group": "macro over families",
            "setting": "both",
            "models": 1,
            "accuracy": 30.0,
            "least": 30.0,
            "greatest": 30.0,
            "deviation": None,
        },
    ]


def operator_yield():
    return {
        "set": "jiuzhang",
        "stage": "distill/initial",
        "operator": "write",
        "asked": 12,
        "kept": 9,
        "share": 0.75,
    }


def curve(steps=30):
    return pl.DataFrame(
        {
            "step": range(1, steps + 1),
            "tokens": [100 * step for step in range(1, steps + 1)],
            "loss": [5 / step for step in range(1, steps + 1)],
            "learning_rate": [0.001] * steps,
            "gradient_norm": [1.0] * steps,
        },
        schema=LossPoint.create_empty().schema,
    )
