"""What keeps the profile in use from running is called so."""

import shutil

import pytest
import torch

from jz3.core.execution import load_execution
from jz3.graph.doctor import _compiler, _gpu, _vllm
from tests.conftest import ROOT
from tests.executions import execution


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


def test_a_compiler_and_the_headers_of_python_lack_on_a_gpu_machine_alone(tmp_path, monkeypatch):
    """Triton finds neither by itself, and says so only when the first server has read its weights."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _compiler(execution()) == []
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"include": str(tmp_path)})
    (found,) = _compiler(execution(device="cuda"))
    assert (found.state, found.found.partition(";")[0]) == ("lacks", "no C compiler")
    compiler = tmp_path / "gcc"
    compiler.touch(0o755)
    (found,) = _compiler(execution(device="cuda"))
    assert (found.state, found.found) == ("ok", f"gcc, with {tmp_path / 'Python.h'}")
    (tmp_path / "Python.h").unlink()
    (found,) = _compiler(execution(device="cuda"))
    assert found.found.startswith(f"no {tmp_path / 'Python.h'};")


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch was built for CUDA")
def test_a_torch_for_cpus_is_named_where_the_profile_wants_gpus():
    found = _gpu(execution(device="cuda"))
    assert (found.state, found.remedy) == ("lacks", "delete .venv and run `make gpu`, or set device to cpu")
    assert "built for CPUs" in found.found
    assert _gpu(execution()).state == "note"
