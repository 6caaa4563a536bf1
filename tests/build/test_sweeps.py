"""The ready sweeps name parameters that exist, with values that the stages take."""

import re
from functools import reduce

import pytest
import yaml

from jz3.core.params import load_params
from tests.conftest import ROOT
from tests.test_pipeline import STAGES, section_of, signature

SWEEPS = sorted((ROOT / "docs/sweeps").glob("*.sh"))


def swept(file):
    [(name, values)] = re.findall(r"-S '([\w.]+)=(.*)'", file.read_text())
    return name, [yaml.safe_load(value) for value in re.split(r",(?![^{]*\})", values)]


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_value_of_a_sweep_fits_the_stages_that_read_it(file, tmp_path):
    name, values = swept(file)
    assert len(values) > 1
    readers = [stage for stage in STAGES if name.startswith(f"{section_of(stage)}.")]
    assert readers
    for value in values:
        document = yaml.safe_load((ROOT / "profiles/embedded.yaml").read_text())
        *above, last = name.split(".")
        section = reduce(lambda level, key: level[key], above, document)
        assert last in section, f"params.yaml has no {name}"
        section[last] = value
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
        for stage in readers:
            load_params(signature(stage).params, section_of(stage), tmp_path / "params.yaml")
