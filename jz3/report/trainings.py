"""What the trainings read, and how well they predict what they never read, as tables.

Speed and memory are left out, because they differ from run to run and the page must not. `dvc plots` draws
them.
"""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jz3.report.rendering import joined, paragraph, table, titled
from jz3.report.writing import count


def training_table(measured: Mapping[str, Any]) -> Markup:
    """A line for each fine-tuning and pre-training."""
    head = [
        "training",
        "steps",
        "tokens",
        "fill of blocks",
        "loss (mean of the last epoch, or at the last step)",
    ]
    lines = [
        line
        for stage, values in measured.items()
        for line in (
            [_finetuned(stage, values)]
            if stage.startswith("finetune/")
            else [_pretrained(stage, values, measured)]
            if stage.startswith("pretrain/")
            else []
        )
    ]
    return table("Trainings", head, lines, frozenset(head[1:]))


def _finetuned(stage: str, values: Mapping[str, Any]) -> list[str]:
    read = f"{count(values['tokens'])} an epoch"
    return [stage, count(values["steps"]), read, _share(values["fill"]), f"{values['last_epoch_loss']:.3f}"]


def _pretrained(stage: str, values: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    packed = measured.get(stage.replace("pretrain/", "pack/", 1))
    fill = _share(packed["fill"]) if packed else "not known"
    return [stage, count(values["steps"]), count(values["tokens"]), fill, f"{values['loss']:.3f}"]


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def held_out_tables(measured: Mapping[str, Any]) -> Markup:
    """For each pre-training, the loss on held-out rows by source and kind."""
    trained = {stage: values for stage, values in measured.items() if stage.startswith("pretrain/")}
    return joined(_held_out(stage, values["held_out"]) for stage, values in trained.items())


def _held_out(stage: str, groups: Mapping[str, Any]) -> Markup:
    if not groups:
        return paragraph(f"{stage}: no row was held out.")
    head = ["source and kind", "rows", "base", "before the decay", "final"]
    lines = [
        [name, count(group["rows"]), *(f"{group[when]:.3f}" for when in ("base", "before_decay", "final"))]
        for name, group in groups.items()
    ]
    title = f"{stage}: loss on rows held out, nats a label token"
    return titled(title, table(title, head, lines, frozenset(head[1:])))
