"""Results and samples in the layout of lm-eval (as 0.4.13 writes it), for tools that read its output folders.

A folder named after the model holds `results_TAG.json`, with a task for each benchmark and setting that has
`exact_match,strict-match` and `exact_match,flexible-extract` (our strict and lenient extraction, our
equality), and `samples_TASK_TAG.jsonl`, with a line for each item and filter. In place of lm-eval's date,
file names have a tag derived from the content, and fields about machine and clock are null: so the same
responses give the same files.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from jz3.answers.choices import extract_choice
from jz3.answers.extract import extract_lenient
from jz3.answers.gold_form import form_of
from jz3.core.artifacts import InFiles, OutText
from jz3.core.placing import must_be_free
from jz3.evaluation.answer import AnswerParams, prompts_of
from jz3.evaluation.letters import LETTERS
from jz3.evaluation.shots import ShotParams
from jz3.evaluation.templates import BETWEEN, JIUZHANG_TORA, TEMPLATES, Template
from jz3.generation.engine import Prompt

STRICT, LENIENT = "strict-match", "flexible-extract"
METRIC = "exact_match"

UNSTATED = (
    "git_hash",
    "date",
    "pretty_env_info",
    "transformers_version",
    "lm_eval_version",
    "upper_git_hash",
)
"""Fields in which lm-eval describes its own run and machine: here there was no such run."""


@dataclass(frozen=True)
class Answered:
    """Responses of one model, with their items and grades."""

    model: str
    items: pl.DataFrame
    responses: pl.DataFrame
    grades: pl.DataFrame
    params: AnswerParams
    shots: InFiles


@dataclass(frozen=True)
class _Task:
    name: str
    benchmark: str
    setting: str
    template: Template
    shots: Mapping[str, ShotParams]
    samples: list[dict[str, Any]]
    revision: str


def export_lm_eval(answered: Answered, directory: Path) -> list[Path]:
    """Write the files under `directory/MODEL` and return their paths. Missing folders are made. A foreign
    file with one of these names is left as it is, and raises ArtifactError.
    """
    tasks = [task for task in _tasks(answered) if task.samples]
    texts = {task.name: "".join(_line(row) for row in task.samples) for task in tasks}
    tag = _hash("".join(texts.values()))[:12]
    folder = directory / _sanitized(answered.model)
    results = json.dumps(_results(answered, tasks), indent=2, ensure_ascii=False)
    files = {
        folder / f"results_{tag}.json": results,
        **{folder / f"samples_{name}_{tag}.jsonl": text for name, text in texts.items()},
    }
    must_be_free(folder, _foreign, folder=True)
    for file, text in files.items():
        OutText(file).write(text)
    return list(files)


def _foreign(folder: Path) -> str | None:
    names = [file.name for file in folder.iterdir()]
    others = [name for name in names if not re.fullmatch(r"(results|samples_.+)_[0-9a-f]{12}\.jsonl?", name)]
    return f"holds {min(others)}" if others else None


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _tasks(answered: Answered) -> list[_Task]:
    params = answered.params
    settings = [
        ("prose", TEMPLATES[params.prose.template], params.prose.benchmarks, params.prose.shots),
        ("tool", JIUZHANG_TORA, params.tool.benchmarks, params.tool.shots),
    ]
    tasks: list[_Task] = []
    for setting, template, benchmarks, shots in settings:
        for benchmark in sorted(benchmarks):
            items = answered.items.filter(pl.col("benchmark") == benchmark).sort("item_id")
            prompts = prompts_of(items, template, shots, answered.shots)
            samples = _samples(answered, items, setting, template, prompts)
            revision = str(items["revision"].first())
            name = f"{benchmark}_{setting}"
            tasks.append(_Task(name, benchmark, setting, template, shots, samples, revision))
    return tasks


def _samples(
    answered: Answered, items: pl.DataFrame, setting: str, template: Template, prompts: Sequence[Prompt]
) -> list[dict[str, Any]]:
    """A line for each item in order, first by the one filter, then by the other."""
    graded = answered.responses.join(
        answered.grades.select("response_id", "predicted", "correct", "correct_lenient"), on="response_id"
    ).filter(pl.col("setting") == setting)
    by_item = {
        str(key[0]): group.sort("draw").to_dicts()
        for key, group in graded.group_by("item_id", maintain_order=True)
    }
    asked = _asked(template, answered.params)
    strict: list[dict[str, Any]] = []
    lenient: list[dict[str, Any]] = []
    for number, (item, prompt) in enumerate(zip(items.iter_rows(named=True), prompts, strict=True)):
        drawn = by_item.get(item["item_id"], [])
        if not drawn:
            continue
        sample = _sample(number, item, prompt, drawn, asked)
        answers = [row["predicted"] for row in drawn]
        strict.append(sample | _filtered(STRICT, answers, _mean(drawn, "correct")))
        lenient.append(sample | _filtered(LENIENT, _lenient(item, drawn), _mean(drawn, "correct_lenient")))
    return _in_order(strict) + _in_order(lenient)


FIELDS = (
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash", METRIC),
)
"""Fields of a sample, in lm-eval's order."""


def _in_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in FIELDS} for row in rows]


def _asked(template: Template, params: AnswerParams) -> dict[str, Any]:
    """The settings of a generation, by lm-eval's names."""
    return {
        "until": list(template.stop),
        "temperature": params.temperature,
        "do_sample": params.temperature > 0,
        "top_p": params.top_p,
        "max_gen_toks": params.max_tokens,
    }


def _sample(
    number: int,
    item: dict[str, Any],
    prompt: Prompt,
    drawn: list[dict[str, Any]],
    asked: dict[str, Any],
) -> dict[str, Any]:
    document = {"question": item["question"], "choices": item["choices"], "answer": item["gold"]}
    text = prompt if isinstance(prompt, str) else json.dumps([vars(turn) for turn in prompt])
    return {
        "doc_id": number,
        "doc": document,
        "target": item["gold"],
        "arguments": {"gen_args_0": {"arg_0": text, "arg_1": asked}},
        "resps": [[row["text"] for row in drawn]],
        "doc_hash": _hash(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(text),
        "target_hash": _hash(item["gold"]),
    }


def _filtered(name: str, answers: list[str | None], score: float) -> dict[str, Any]:
    shown = ["[invalid]" if answer is None else answer for answer in answers]  # lm-eval's word for no answer
    return {"filter": name, "filtered_resps": shown, "metrics": [METRIC], METRIC: score}


def _lenient(item: dict[str, Any], drawn: list[dict[str, Any]]) -> list[str | None]:
    if item["choices"]:
        letters = LETTERS[: len(item["choices"])]
        return [extract_choice(row["text"], letters).answer for row in drawn]
    return [extract_lenient(row["text"], form_of(item["gold"])).answer for row in drawn]


def _mean(rows: list[dict[str, Any]], column: str) -> float:
    return sum(map(float, (row[column] for row in rows))) / len(rows)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _sanitized(model: str) -> str:
    """The model's name in the form that lm-eval uses for its folder."""
    return re.sub(r"[\"<>:/|\\?*\[\]]+", "__", model)


def _results(answered: Answered, tasks: Sequence[_Task]) -> dict[str, Any]:
    shots = {
        task.name: task.shots[task.benchmark].count if task.benchmark in task.shots else 0 for task in tasks
    }
    return {
        "results": {task.name: _scores(task) for task in tasks},
        "group_subtasks": {},
        "configs": {task.name: _config(task, shots[task.name], answered.params) for task in tasks},
        "versions": {task.name: task.revision for task in tasks},
        "n-shot": shots,
        "higher_is_better": {task.name: {METRIC: True} for task in tasks},
        "n-samples": {task.name: dict.fromkeys(("original", "effective"), _items(task)) for task in tasks},
        "config": _run_config(answered),
        **dict.fromkeys(UNSTATED),
        "task_hashes": {task.name: _task_hash(task) for task in tasks},
        "model_source": "jz3",
        "model_name": answered.model,
        "model_name_sanitized": _sanitized(answered.model),
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": answered.params.prose.template == "chat",
        "chat_template": None,
        "chat_template_sha": None,
        "total_evaluation_time_seconds": None,
    }


def _run_config(answered: Answered) -> dict[str, Any]:
    params = answered.params
    return {
        "model": "jz3",
        "model_args": {"pretrained": answered.model},
        **dict.fromkeys(("batch_size", "batch_sizes", "device", "use_cache", "limit")),
        "bootstrap_iters": None,  # a mean's standard error needs none
        "gen_kwargs": params.model_dump(include={"temperature", "top_p", "max_tokens"}),
        **dict.fromkeys(("random_seed", "numpy_seed", "torch_seed", "fewshot_seed"), params.seed),
    }


def _task_hash(task: _Task) -> str:
    return _hash("".join(row["doc_hash"] + row["prompt_hash"] + row["target_hash"] for row in task.samples))


def _items(task: _Task) -> int:
    return len(task.samples) // 2


def _scores(task: _Task) -> dict[str, Any]:
    scores: dict[str, Any] = {"name": task.name, "alias": task.name, "sample_len": _items(task)}
    for name in (STRICT, LENIENT):
        values = [row[METRIC] for row in task.samples if row["filter"] == name]
        mean = sum(values) / len(values)
        spread = sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1)
        scores[f"{METRIC},{name}"] = mean
        scores[f"{METRIC}_stderr,{name}"] = math.sqrt(spread / len(values))
    return scores


def _config(task: _Task, shots: int, params: AnswerParams) -> dict[str, Any]:
    return {
        "task": task.name,
        "dataset_path": task.benchmark,
        "doc_to_text": task.template.text("{{question}}", ()),
        "doc_to_target": "{{answer}}",
        "unsafe_code": False,
        "description": "",
        "target_delimiter": "",  # a template ends where the answer begins
        "fewshot_delimiter": BETWEEN,
        "num_fewshot": shots,
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "output_type": "generate_until",
        "generation_kwargs": _asked(task.template, params),
        "repeats": params.samples,
        "filter_list": [{"name": STRICT}, {"name": LENIENT}],
        "should_decontaminate": False,
        "metadata": {"version": task.revision},
    }
