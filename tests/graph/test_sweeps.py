"""The ready-made sweeps name parameters that exist, with values that DVC can set and the stages accept."""

import os
import subprocess
from functools import cache
from itertools import pairwise

import pytest
import yaml

from jz3.core.params import load_params
from jz3.training.methods import Full, merged
from jz3.training.pretrain import PretrainParams
from tests.conftest import ROOT

SWEEPS = sorted((ROOT / "docs/sweeps").glob("*.sh"))


def queued(script, tmp_path):
    """The overrides of each experiment that a script queues: the script runs, and a stand-in for `dvc` notes
    its arguments.
    """
    noted = tmp_path / "told"
    program = tmp_path / "dvc"
    program.write_text(f'#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done > {noted}\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["sh", script, "-n", "mine"], env=os.environ | {"PATH": path}, check=True)
    words = noted.read_text().split("\0")[:-1]
    assert words[:3] == ["exp", "run", "--queue"]
    assert words[-2:] == ["-n", "mine"], "what follows the script's name is passed on"
    from dvc.utils.hydra import get_hydra_sweeps

    overrides = [value for flag, value in pairwise(words) if flag == "-S"]
    return [experiment["params.yaml"] for experiment in get_hydra_sweeps({"params.yaml": overrides})]


@cache
def embedded():
    return yaml.safe_load((ROOT / "profiles/embedded.yaml").read_text())


def set_parameters(overrides, path):
    """The sections of the embedded profile that an experiment changes, as DVC writes them for it. Reading the
    others as often would take most of the time.
    """
    from dvc.utils.hydra import apply_overrides

    sections = {name_of(override).partition(".")[0] for override in overrides}
    path.write_text(yaml.safe_dump({name: embedded()[name] for name in sorted(sections)}))
    apply_overrides(path, overrides)
    return yaml.safe_load(path.read_text())


def name_of(override):
    return override.lstrip("+").partition("=")[0]


def readers(override):
    """Section and signature of each kind of stage that reads it: those of other models take the same
    parameters.
    """
    # Not for the collection, which every process of a suite does: this reads dvc.yaml under each profile.
    from tests.test_pipeline import STAGES, base_name, section_of, signature

    found = [stage for stage in STAGES if name_of(override).startswith(f"{section_of(stage)}.")]
    kinds = {(section_of(stage), base_name(stage)): stage for stage in found}
    return [(section, signature(stage)) for (section, _), stage in kinds.items()]


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_value_of_a_sweep_fits_the_stages_that_read_it(file, tmp_path):
    experiments = queued(file, tmp_path)
    documents = [set_parameters(overrides, tmp_path / "params.yaml") for overrides in experiments]
    assert len(documents) > 1
    assert all(documents.count(document) == 1 for document in documents), "each experiment is another one"
    for overrides, document in zip(experiments, documents, strict=True):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
        for override in overrides:
            assert readers(override), f"no stage reads {override}"
            for section, declared in readers(override):
                load_params(declared.params, section, tmp_path / "params.yaml")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model of the embedded profile's shape."""
    from jz3.lm.tokenizer import train_tokenizer
    from jz3.training.base import BaseParams, build
    from tests.lm.texts import TEXTS

    directory = tmp_path_factory.mktemp("base")
    document = yaml.safe_load((ROOT / "profiles/embedded.yaml").read_text())["base"]
    config = BaseParams.model_validate(document).final
    build(config, train_tokenizer(TEXTS, 300), directory)
    return directory


def test_each_method_of_the_adapter_sweep_trains_a_model_of_the_embedded_shape(base, tmp_path):
    """One step with the optimizer of that experiment lowers the loss, and merging keeps what was learnt."""
    import torch

    from jz3.lm.model import load_model
    from jz3.lm.optimizer import make_optimizer
    from jz3.training.methods import adapted

    tokens = torch.arange(4, 68)[None]
    kinds = []
    for overrides in queued(ROOT / "docs/sweeps/adapter.sh", tmp_path):
        set_parameters(overrides, tmp_path / "params.yaml")
        params = load_params(PretrainParams, "pretrain", tmp_path / "params.yaml")
        assert params.optimizer.muon is None
        model = adapted(load_model(base, "float32"), params.method, seed=0)
        optimizer = make_optimizer(model, params.optimizer)
        losses = []
        for _ in range(3):
            loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            trained = model(input_ids=tokens, use_cache=False).logits
            plain = merged(model, params.method)(input_ids=tokens, use_cache=False).logits
        assert losses[-1] < losses[0], params.method.kind
        assert torch.allclose(trained, plain, atol=1e-4), params.method.kind
        kinds.append(params.method.kind)
        assert isinstance(params.method, Full) == (len(kinds) == 1)
    assert kinds == ["full", "lora", "pissa", "bone", "miss"]
