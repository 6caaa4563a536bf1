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


def small_clone(path, profile):
    """A clone whose models have two layers: their memory is counted in a second."""
    clone = make_clone(path, profile).path
    table = clone / "data/sources.yaml"
    table.write_text(re.sub(r"num_hidden_layers: \d+", "num_hidden_layers: 2", table.read_text()))
    return clone


@pytest.mark.long
@pytest.mark.parametrize("profile", ["single_gpu", "paper"])
def test_the_documented_lines_make_a_comparison_that_the_plan_accepts(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    clone = small_clone(tmp_path / "clone", profile)
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


NONE = {"seeds": "data/raw/none/seeds.parquet", "passages": "data/raw/none/passages.parquet"}
SKILLS = {
    "prompts": "mass",
    "references": "data/problems/seed_problems",
    "verdicts": "data/verdicts/decontaminate/jiuzhang.parquet",
}
SEEDS = {"seeds": "data/tasks/seeds.parquet"}
SOLVER = {"problems": "data/problems/seed_problems", "model": "data/models/base/synthesis"}


@pytest.mark.long
@pytest.mark.parametrize("profile", ["single_gpu", "paper"])
def test_each_recipe_of_a_profile_is_off_and_once_listed_says_what_it_costs(profile, tmp_path, monkeypatch):
    """Requests of every operator and their price, of all that the profile has a section for."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    clone = small_clone(tmp_path / "clone", profile)
    asking = ("augment@", "skills@", "solve@")
    assert not [line.stage for line in plan(clone, profile).lines if line.stage.startswith(asking)]
    edit(clone, "profiles/single_gpu.yaml", profile)
    yaml = YAML()
    params, graph = clone / f"profiles/{profile}.yaml", clone / f"profiles/graphs/{profile}.yaml"
    names = list(yaml.load(params.read_bytes())["augment"])
    assert {"metamath", "openmathinstruct", "personamath", "rvsyn", "synthllm"} <= set(names)
    begun = {name: {"passages": "data/sample/corpus"} if name == "synthllm" else SEEDS for name in names}
    document = yaml.load(graph.read_bytes())
    document["taught"] = {name: NONE | {"prompts": name} | begun[name] for name in names}
    document["skill_graphs"], document["solvers"] = {"mass": SKILLS}, {"teacher": SOLVER}
    with graph.open("w") as out:
        yaml.dump(document, out)
    values = yaml.load(params.read_bytes())
    values["budget"]["teacher_tokens"] = None
    with params.open("w") as out:
        yaml.dump(values, out)
    write_profile(clone, profile)
    found = {line["stage"]: line for line in map(vars, plan(clone, profile).lines)}
    for stage in (*(f"augment@{name}" for name in names), "skills@mass", "solve@teacher"):
        line = found[stage]
        assert line["to_do"] > 0, stage
        assert line["usd"] > 0, stage
        assert not stage.startswith("augment") or any("by operator" in note for note in line["notes"]), stage
