"""The lines that docs/comparison.md adds to the GPU profiles give a comparison that the plan accepts."""

import re

import pytest
from ruamel.yaml import YAML

from jz3.graph.plan import plan
from jz3.graph.profile import write_profile
from tests.conftest import ROOT, make_clone

BLOCK = re.compile(r"^```yaml\n# (profiles/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EDITS = dict(BLOCK.findall((ROOT / "docs/comparison.md").read_text()))
ARMS = {"jiuzhang", "instruct_only", "direct", "metamath", "rvsyn"}


def merged(values, more):
    for name, value in more.items():
        values[name] = merged(values.get(name) or {}, value) if isinstance(value, dict) else value
    return values


def edit(root, file, profile):
    yaml = YAML()
    target = root / file.replace("single_gpu", profile)
    document = merged(yaml.load(target.read_bytes()), YAML(typ="safe").load(EDITS[file]))
    with target.open("w") as out:
        yaml.dump(document, out)


@pytest.mark.long
@pytest.mark.parametrize("profile", ["single_gpu", "paper"])
def test_the_documented_lines_make_a_comparison_that_the_plan_accepts(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    clone = make_clone(tmp_path / "clone", profile).path
    table = clone / "data/sources.yaml"  # models of two layers: their memory is counted in a second
    table.write_text(re.sub(r"num_hidden_layers: \d+", "num_hidden_layers: 2", table.read_text()))
    assert set(EDITS) == {"profiles/single_gpu.yaml", "profiles/graphs/single_gpu.yaml"}
    for file in EDITS:
        edit(clone, file, profile)
    write_profile(clone, profile)
    found = {line["stage"]: line for line in map(vars, plan(clone, profile).lines)}
    assert {name.partition("@")[2] for name in found if name.startswith("pretrain@")} == {
        f"{arm}{seed}" for arm in ARMS for seed in ("", "_1", "_2")
    }
    for stage in ("distill@direct", "augment@metamath", "augment@rvsyn"):
        line = found[stage]
        assert 0 < line["prompt_tokens"] + line["completion_tokens"] <= 20_000_000
        assert not any("ask for less" in note for note in line["notes"]), "it cannot be cut"
