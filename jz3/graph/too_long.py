"""Rows that will not fit: a stage may write or read more than its blocks or its model's context can hold.

This is told before the run, from parameters and mean lengths alone. The stages themselves cut such rows, or
reject them under a rule of their own, and count them.
"""

from collections.abc import Mapping
from typing import Any

from jz3.core.graph_file import Stage
from jz3.graph.setting import Setting, context_of
from jz3.graph.sizes import Sizes


def too_long(setting: Setting, sizes: Sizes, stage: Stage) -> list[str]:
    """The warnings for a stage."""
    sections, written = setting.sections, setting.execution.planning.problem_tokens
    if stage.base == "finetune":
        section = setting.section(stage)
        prompt, answer = (
            _prompt_tokens(setting, sizes, stage, section["prompt_form"]),
            _longest_answer(sections),
        )
        what = f"a row is a prompt of some {prompt:,} tokens and an answer of some {written:,}"
        most = "" if answer is None else f", at most {answer:,}"
        return _beyond(what + most, prompt + (answer or written), section["block_length"], stage)
    if stage.base in ("warmup", "attribute", "sketch", "rds"):
        section = setting.section(stage)
        most = max(sections["synthesize"][kind]["max_tokens"] for kind in ("cot", "tool"))
        what = f"a problem with its solution is some {written:,} tokens, at most {most:,}"
        return _beyond(what, most, section["block_length" if stage.base == "warmup" else "max_tokens"], stage)
    if stage.base not in ("synthesize", "answer"):
        return []
    section, shape = setting.section(stage), setting.shape(stage.path("model"))
    if shape is None:
        return []
    context = context_of(shape)
    if stage.base == "answer":
        return _cut("max_tokens", section["max_tokens"], 0, context)
    trained_by = setting.graph.writer(stage.path("model"))
    form = "full" if trained_by is None else setting.section(trained_by)["prompt_form"]
    prompt = _prompt_tokens(setting, sizes, stage, form)
    limits = {f"{kind}.max_tokens": int(section[kind]["max_tokens"]) for kind in ("cot", "tool")}
    return [note for name, limit in limits.items() for note in _cut(name, limit, prompt, context)]


def _prompt_tokens(setting: Setting, sizes: Sizes, stage: Stage, form: str) -> int:
    """Mean tokens of the prompts that a stage reads, estimated from their characters."""
    characters = sizes.prompts(stage.path("prompts")).characters[form]
    return round(characters / setting.execution.planning.characters_per_token)


def _longest_answer(sections: Mapping[str, Any]) -> int | None:
    """The most tokens of an answer of `distill`; None if a teacher has no limit."""
    asked = (teacher["request"].get("max_tokens") for teacher in sections["distill"]["teachers"].values())
    limits = [limit for limit in asked if limit is not None]
    return max(limits) if limits else None


def _beyond(what: str, longest: int, limit: int, stage: Stage) -> list[str]:
    if longest <= limit:
        return []
    return [f"{what}; what is longer than {limit:,} tokens is rejected by {stage.base}.too_long"]


def _cut(name: str, asked: int, prompt: int, context: int) -> list[str]:
    room = max(0, context - prompt)
    if asked <= room:
        return []
    after = f" after a prompt of some {prompt:,}" if prompt else ""
    return [
        f"{name} {asked:,} is beyond the model's context of {context:,} tokens: a text{after} is cut at "
        f"{room:,}"
    ]
