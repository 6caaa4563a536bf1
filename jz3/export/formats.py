r"""The forms that trainers and services read. Each is a function of a row, and says which page has its schema.

| format | files | a row | schema |
|---|---|---|---|
| `verl` | parquet | `data_source`, `prompt`, `ability`, `reward_model`, `extra_info` | https://verl.readthedocs.io/en/latest/preparation/prepare_data.html |
| `trl-grpo` | parquet | `prompt`, `answer`, `solution` (the answer in a box) | https://huggingface.co/docs/trl/dataset_formats |
| `trl-sft` | parquet | `prompt`, `completion` | https://huggingface.co/docs/trl/dataset_formats |
| `nemo-rl` | JSONL | `input`, `output` (the answer) | https://github.com/NVIDIA-NeMo/RL/blob/main/docs/guides/sft.md#datasets |
| `nemo-gym` | JSONL | `responses_create_params`, `question`, `expected_answer` | https://docs.nvidia.com/nemo/gym/latest/data/index.html |
| `openai` | JSONL | `messages` and nothing else | https://developers.openai.com/docs/guides/distillation |
| `anthropic` | JSONL | `messages` and nothing else | https://platform.claude.com/cookbook/finetuning-finetuning-on-bedrock |
| `lm-eval` | YAML, JSONL | `question`, `answer` | https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/new_task_guide.md |
| `sharegpt` | JSONL | `conversations` of `human` and `gpt` | https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md |

Where a form takes further fields, the provenance of the row stands beside; for `openai` and `anthropic` it is in
`provenance.jsonl`, line by line.
"""  # noqa: E501 (addresses cannot be broken)

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
import yaml

from jz3.export.row import ExportRow, Table, provenance

ASKED = "Please reason step by step, and put your final answer within \\boxed{}."
"""The words with which DeepSeekMath and Qwen are prompted; added if a reward will look for a box."""
MOST_TOKENS = 2048
"""The most tokens of an answer in lm-eval (chosen: what `answer` gives models of a few billion weights)."""

Record = Callable[[ExportRow, int, Table], dict[str, Any]]

MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
PROVENANCE: Mapping[str, Any] = {
    **dict.fromkeys(
        ("id", "recipe", "source", "origin", "licence", "kind", "level", "answer_from"), pl.String
    ),
    "pass_rate": pl.Float64,
    "table": pl.String,
    "table_digest": pl.String,
}


@dataclass(frozen=True)
class Format:
    """How rows are written for a reader."""

    name: str
    needs: Literal["answer", "solution"]
    record: Record
    schema: Mapping[str, Any] | None = None
    """The schema of parquet; None for JSON lines."""
    own_provenance: bool = True
    """False if a row may have no further fields."""
    extras: Callable[[Table], Mapping[str, str]] = lambda _: {}
    """Files beside the data, by name."""


def asked(problem: str) -> str:
    """The prompt for a model that is to be rewarded."""
    return f"{problem}\n\n{ASKED}"


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _verl(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    return {
        "data_source": f"jz3/{row.recipe or 'file'}",
        "prompt": [_said("user", asked(row.problem))],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": row.answer},
        "extra_info": {
            "split": "train",
            "index": number,
            "question": row.problem,
            **provenance(row, table),
        },
    }


def _trl_grpo(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {
        "prompt": [_said("user", asked(row.problem))],
        "answer": row.answer,
        "solution": f"\\boxed{{{row.answer}}}",
        **provenance(row, table),
    }


def _trl_sft(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {
        "prompt": [_said("user", row.problem)],
        "completion": [_said("assistant", str(row.solution))],
        **provenance(row, table),
    }


def _nemo_rl(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {"input": row.problem, "output": row.answer, **provenance(row, table)}


def _nemo_gym(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {
        "responses_create_params": {"input": [_said("user", asked(row.problem))]},
        "question": row.problem,
        "expected_answer": row.answer,
        **provenance(row, table),
    }


def _messages(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number, table
    return {"messages": [_said("user", row.problem), _said("assistant", str(row.solution))]}


def _lm_eval(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {"question": row.problem, "answer": row.answer, **provenance(row, table)}


def _sharegpt(row: ExportRow, number: int, table: Table) -> dict[str, Any]:
    del number
    return {
        "conversations": [
            {"from": "human", "value": row.problem},
            {"from": "gpt", "value": str(row.solution)},
        ],
        **provenance(row, table),
    }


def _task(table: Table) -> dict[str, str]:
    """The task for `lm_eval --include_path . --tasks jz3_DIGEST`, run in the folder of the export."""
    name = f"jz3_{table.digest[:12]}"
    task = yaml.safe_dump(
        {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": DATA_LINES}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{question}}\n\n" + ASKED,
            "doc_to_target": "{{answer}}",
            "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": MOST_TOKENS},
            "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
            "metadata": {"version": 1.0, "table": table.name, "table_digest": table.digest},
        },
        sort_keys=False,
        width=1000,
    )
    return {
        f"{name}.yaml": f"{task}process_results: !function grading.process_results\n",
        "grading.py": GRADING,
    }


DATA_LINES = "data.jsonl"
GRADING = '''"""Graded by jz3, which must be installed beside lm-eval."""

from jz3.reward import compute_score


def process_results(doc, results):
    return {"exact_match": compute_score("jz3", results[0], doc["answer"])}
'''

FORMATS = {
    one.name: one
    for one in (
        Format(
            "verl",
            "answer",
            _verl,
            {
                "data_source": pl.String,
                "prompt": MESSAGES,
                "ability": pl.String,
                "reward_model": pl.Struct({"style": pl.String, "ground_truth": pl.String}),
                "extra_info": pl.Struct(
                    {"split": pl.String, "index": pl.Int64, "question": pl.String, **PROVENANCE}
                ),
            },
        ),
        Format(
            "trl-grpo",
            "answer",
            _trl_grpo,
            {"prompt": MESSAGES, "answer": pl.String, "solution": pl.String, **PROVENANCE},
        ),
        Format("trl-sft", "solution", _trl_sft, {"prompt": MESSAGES, "completion": MESSAGES, **PROVENANCE}),
        Format("nemo-rl", "answer", _nemo_rl),
        Format("nemo-gym", "answer", _nemo_gym),
        Format("openai", "solution", _messages, own_provenance=False),
        Format("anthropic", "solution", _messages, own_provenance=False),
        Format("lm-eval", "answer", _lm_eval, extras=_task),
        Format("sharegpt", "solution", _sharegpt),
    )
}
"""Formats by name."""
