"""The page of parameters is current, and contains every parameter that any profile sets."""

import re
import shutil

import pytest
import yaml

from jz3.graph.parameters import PAGE, is_current, parameters_page
from jz3.graph.profile import write_profile
from tests.conftest import ROOT


def test_the_page_is_current():
    assert is_current(ROOT), "run `jz3 parameters --fix`"


def test_the_page_is_of_no_profile_in_use(tmp_path):
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    before = parameters_page(tmp_path)
    write_profile(tmp_path, "paper")
    assert parameters_page(tmp_path) == before == (ROOT / PAGE).read_text()


def leaves(value, place=""):
    if isinstance(value, dict) and value:
        return [
            leaf for key, held in value.items() for leaf in leaves(held, f"{place}.{key}" if place else key)
        ]
    return [place]


@pytest.mark.parametrize("profile", ["embedded", "test", "compare", "recipes", "single_gpu", "paper"])
def test_every_value_of_a_profile_is_explained(profile):
    text = (ROOT / PAGE).read_text()
    sections = {
        part.partition("\n")[0]: set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))
        for part in text.split("\n## ")[1:]
    }
    values = yaml.safe_load((ROOT / f"profiles/{profile}.yaml").read_text())
    for name, section in values.items():
        inner = (
            section.values()
            if name
            in (
                "ingest",
                "augment",
                "filter",
                "finetune",
                "mix",
                "select",
                "solve",
                "balance",
                "skills",
                "value",
                "difficulty",
                "choose",
            )
            else [section]
        )
        known = [re.compile(re.escape(place).replace(r"\*", "[^.]+")) for place in sections[name]]
        for place in (leaf for one in inner for leaf in leaves(one)):
            assert any(one.fullmatch(place) for one in known) or _within(place, sections[name]), (name, place)


def _within(place, known):
    """Whether it is an entry of a mapping of plain values, which is documented in one line."""
    patterns = [re.escape(re.sub(r"\.\*$", "", one)).replace(r"\*", "[^.]+") for one in known]
    return any(re.fullmatch(pattern, place.rpartition(".")[0]) for pattern in patterns)
