"""What keeps the profile in use from running is called so."""

import shutil

import pytest

from jz3.core.execution import load_execution
from jz3.graph.doctor import _vllm
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("profile", "state", "said"),
    [
        ("embedded", "note", "no stage of the profile"),
        ("single_gpu", "lacks", "synthesize, probe, answer needs"),
    ],
)
def test_vllm_lacks_where_an_engine_of_the_profile_asks_for_it(tmp_path, profile, state, said):
    shutil.copy(ROOT / f"profiles/{profile}.yaml", tmp_path / "params.yaml")
    found = _vllm(tmp_path, load_execution(ROOT / f"profiles/execution/{profile}.yaml"))
    assert found.state == state
    assert said in found.found
