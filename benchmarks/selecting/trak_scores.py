"""TRAK scores by the package dattri, in an environment of its own (requirements.txt beside this file).

    ENVIRONMENT/bin/python benchmarks/selecting/trak_scores.py FOLDER

FOLDER has `texts.npz` (tokens and labels of candidates and targets, padded) and `reference`, a link to the
checkpoints of a warm-up. `scores.npy` [N candidates, T targets] is written there. As dattri's documentation
does it for a language model (its experiments with gpt2 on wikitext, https://github.com/TRAIS-Lab/dattri): the
output function of TRAK, log(p / (1 - p)) with p = exp(-loss), for candidates and targets, gradients of what
is trained, here the adapter, the checkpoints as an ensemble. Imports nothing of jz3.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from dattri.algorithm.trak import TRAKAttributor
from dattri.task import AttributionTask
from peft import PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from transformers import AutoModelForCausalLM

PROJECTED = 512
"""dattri's default; at most half of the candidates, since the kernel is inverted."""
BATCH = 8


Parameters = Mapping[str, torch.Tensor]
Text = tuple[torch.Tensor, torch.Tensor]
"""Tokens and labels, each [L]."""


def loss_of(
    model: torch.nn.Module, parameters: Parameters, tokens: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Mean over the label tokens of one text, which is padded on the right."""
    length = len(tokens)
    hidden = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)
    inputs = {
        "input_ids": tokens[None],
        "attention_mask": hidden[None, None],  # ready-made: transformers' own cannot be taken under vmap
        "position_ids": torch.arange(length)[None],
        "use_cache": False,
    }
    logits = torch.func.functional_call(model, parameters, (), inputs).logits[0]
    return cross_entropy(logits[:-1].float(), labels[1:], ignore_index=-100)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    reference = folder / "reference"
    checkpoints = [
        one["directory"] for one in json.loads((reference / "manifest.json").read_text())["checkpoints"]
    ]
    base = AutoModelForCausalLM.from_pretrained(
        reference / "base", dtype=torch.float32, attn_implementation="eager"
    )
    model = PeftModel.from_pretrained(base, reference / checkpoints[0], is_trainable=True).eval()

    def output(parameters: Parameters, text: Text) -> torch.Tensor:
        loss = loss_of(model, parameters, *text)
        return -loss - torch.log1p(-torch.exp(-loss))

    def probability(parameters: Parameters, text: Text) -> torch.Tensor:
        return torch.exp(-loss_of(model, parameters, *text))

    def load(model: PeftModel, name: str) -> PeftModel:
        set_peft_model_state_dict(model, load_file(reference / name / "adapter_model.safetensors"))
        return model.eval()

    task = AttributionTask(loss_func=output, model=model, checkpoints=checkpoints, checkpoints_load_func=load)
    texts = np.load(folder / "texts.npz")
    candidates, targets = (
        DataLoader(
            TensorDataset(*(torch.from_numpy(texts[f"{name}_{part}"]) for part in ("tokens", "labels"))),
            batch_size=BATCH,
            shuffle=False,
        )
        for name in ("candidates", "targets")
    )
    projected = min(PROJECTED, len(candidates.dataset) // 2)
    attributor = TRAKAttributor(task, probability, projector_kwargs={"proj_dim": projected, "device": "cpu"})
    attributor.cache(candidates)
    with torch.no_grad():
        scores = attributor.attribute(targets)
    np.save(folder / "scores.npy", scores.detach().numpy().astype(np.float64))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
