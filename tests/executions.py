"""How stages run in tests: one of everything, except for what a test asks for."""

from typing import Any

from jz3.core.execution import Execution

ONE_OF_EACH = {
    "device": "cpu",
    "threads": 1,
    "workers": 1,
    "worker_gpus": 0,
    "vllm_python": ".venv-vllm/bin/python",
    "servers": [],
    "server_concurrency": 8,
    "server_timeout_s": 120,
    "ray_address": None,
    "vllm_memory": 0.15,
    "vllm_speculation": None,
    "ranks": 1,
    "sharding": "zero2",
    "launcher": "local",
    "nodes": 1,
    "rendezvous_host": None,
    "gradient_checkpointing": False,
    "fused_kernels": False,
    "checkpoint_steps": 1_000_000,
    "checkpoint_share": 1.0,
    "checkpoint_minutes": 1_000_000,
    "checkpoints_kept": 1,
    "trackers": [],
    "generation_batch": 1,
    "generation_commit": 64,
    "training_batch": 1,
    "teacher": "call",
    "concurrency": 1,
    "requests_per_minute": 1,
    "tokens_per_minute": 1,
    "timeout_s": 1,
    "retries": 0,
    "unanswered_share": 0.0,
    "batch_files": {"requests": 50_000, "megabytes": 200, "enqueued_tokens": 1_000_000, "poll_s": 0.05},
    "budget_usd": None,
    "losses": {"usual": {"warn": 1, "stop": 1}, "stages": {}, "chosen": []},
    "planning": {
        "corpus_prompts": 1,
        "instruction_rows": 1,
        "characters_per_token": 3.0,
        "problem_tokens": 100,
        "generated_tokens_per_second": 1.0,
        "trained_tokens_per_second": 1.0,
        "card_gib": None,
        "stage_seconds": {},
    },
    "prices": {},
    "sandbox": 1,
    "sandbox_workers": 1,
}


def execution(**changes: Any) -> Execution:
    return Execution.model_validate(ONE_OF_EACH | changes)
