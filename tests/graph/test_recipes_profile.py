"""`recipes` is `compare` with one training seed per set: a run of it is the first part of the other's."""

import re
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from jz3.core.graph_file import Graph, read_graph
from jz3.graph.profile import IN_USE, source_of, write_profile
from tests.conftest import ROOT

SHOWS_ALL = {"tabulate", "report"}
"""Stages that read every model."""


def loaded(file, profile):
    return YAML(typ="safe").load((ROOT / source_of(file, profile)).read_bytes())


@pytest.mark.parametrize("file", ["params.yaml", "execution.yaml"])
def test_parameters_and_execution_are_those_of_compare(file):
    own, others = ((ROOT / source_of(file, name)).read_bytes() for name in ("recipes", "compare"))
    assert own == others, "run `make recipes`, which copies what was edited in compare"


def test_its_models_are_those_of_the_first_seed_and_nothing_else_differs():
    own, others = loaded("graph.yaml", "recipes"), loaded("graph.yaml", "compare")
    first = {name: model for name, model in others["models"].items() if model["seed"] == 0}
    assert own == others | {"models": first}, "run `make recipes`"
    assert {model["set"] for model in first.values()} == set(others["sets"])
    seeds = [
        sorted(m["seed"] for m in others["models"].values() if m["set"] == name) for name in others["sets"]
    ]
    assert seeds == [[0, 1, 2]] * len(seeds)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """The graph of each of the two profiles."""
    found = {}
    for profile in ("recipes", "compare"):
        root = tmp_path_factory.mktemp(profile)
        for name in ("dvc.yaml", *IN_USE, "profiles"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, root / name)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        write_profile(root, profile)
        found[profile] = {stage.name: stage for stage in read_graph(root).stages}
    return found


def test_each_stage_but_those_that_show_all_has_the_command_that_compare_gives_it(graphs):
    own, others = graphs["recipes"], graphs["compare"]
    differing = {stage.base for name, stage in own.items() if stage != others[name]}
    assert differing == SHOWS_ALL
    assert {others[name].base for name in others.keys() - own.keys()} == {"pretrain", "answer", "grade"}


def after(stages, first):
    """The stages that read what a stage leaves, directly or through others; and the stage itself."""
    graph, found = Graph(tuple(stages.values())), {first}
    for stage in graph.ordered():
        above = {writer.name for path in stage.reads if (writer := graph.writer(path)) is not None}
        if above & found:
            found.add(stage.name)
    return found


@pytest.mark.parametrize("profile", ["recipes", "compare"])
def test_a_changed_recipe_runs_nothing_of_another(profile, graphs):
    """A stage of `augment` watches its own section (tests/test_pipeline.py); what follows from it are stages
    of its own arm, whatever its training seed, and those that show all.
    """
    stages = graphs[profile]
    taught = [stage for stage in stages.values() if stage.base == "augment"]
    assert len(taught) == len(loaded("graph.yaml", profile)["taught"]) > 5
    for recipe in taught:
        following = [stages[name] for name in after(stages, recipe.name)]
        assert recipe.section == f"augment.{recipe.key}"
        others = {stage.base for stage in following if re.sub(r"_\d$", "", stage.key) not in (recipe.key, "")}
        assert others == set()
        assert {stage.base for stage in following if not stage.key} == {"card", *SHOWS_ALL}


def of_whom(values):
    """Provider and model of every teacher."""
    if isinstance(values, dict):
        if "provider" in values:
            yield values["provider"], values["model"]
        for value in values.values():
            yield from of_whom(value)


@pytest.mark.parametrize("profile", ["test", "embedded", "compare", "recipes", "single_gpu", "paper"])
def test_all_arms_of_a_profile_have_one_teacher(profile):
    assert len(set(of_whom(loaded("params.yaml", profile)))) == 1


def test_every_teacher_refuses_the_families_that_the_tables_call_untaught():
    for profile in ("test", "embedded", "compare"):
        params = loaded("params.yaml", profile)
        asked = list(requests(params))
        assert asked
        assert all(one["extra_body"] == {"refuses": params["tabulate"]["untaught"]} for one in asked), profile
        assert not set(params["tabulate"]["untaught"]) & set(params["tasks"]["families"])


def requests(values):
    """The requests of every teacher that is the problem writer."""
    if not isinstance(values, dict):
        return
    if values.get("provider") == "writer":
        yield values["request"]
    for value in values.values():
        yield from requests(value)
