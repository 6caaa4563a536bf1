"""Whatever keeps the profile in use from running is reported."""

import os
import socket
from contextlib import closing

import pytest
import torch
import yaml

from jz3.core.execution import load_execution
from jz3.core.graph_file import Graph, Stage
from jz3.core.params import read_sections
from jz3.graph.doctor import _compiler, _gpu, _key, _servers, _vllm
from jz3.graph.driver import LEAST
from jz3.graph.fetching.hosts import Hub
from jz3.graph.lacking import driver, gates, packages
from jz3.graph.setting import Setting
from tests.conftest import ROOT
from tests.executions import execution
from tests.loopback_hub import OTHER_TOKEN, TOKEN, LoopbackHub, serving
from tests.stage_folder import set_values, stage_folder

STAGES = {"synthesize@corpus": "synthesize", "probe": "probe", "answer@jiuzhang": "answer"}
SOLVING = {"solve@student": "solve.student"}


def setting_of(profile, stages, how=None, **changes):
    """That of a profile whose graph has such stages; `changes` are sections of its parameters."""
    sections = read_sections(ROOT / f"profiles/{profile}.yaml") | changes
    none = frozenset()
    graph = Graph(
        tuple(Stage(name, "", {"params": (place,)}, none, none, none) for name, place in stages.items())
    )
    how = how or load_execution(ROOT / f"profiles/execution/{profile}.yaml")
    return Setting(ROOT / "no clone", graph, sections, how)


@pytest.mark.parametrize(
    ("profile", "stages", "state", "said"),
    [
        ("embedded", STAGES, "note", "no stage of the profile"),
        ("single_gpu", STAGES, "lacks", "the engine of synthesize, probe, answer needs"),
        ("single_gpu", SOLVING, "lacks", "the engine of solve.student.solver needs"),
        ("single_gpu", {"solve@teacher": "solve.teacher"}, "note", "no stage of the profile"),
    ],
)
def test_vllm_lacks_where_an_engine_of_the_profile_asks_for_it(profile, stages, state, said):
    """At any depth of the parameters, but only of sections that a stage of the graph reads."""
    found = _vllm(setting_of(profile, stages))
    assert found.state == state
    assert said in found.found


def test_servers_that_run_elsewhere_lack_where_none_is_named_or_nothing_listens():
    asking = read_sections(ROOT / "profiles/single_gpu.yaml")["answer"] | {"engine": "openai"}

    def found(stages, servers):
        return _servers(setting_of("single_gpu", stages, execution(servers=servers), answer=asking))

    assert found(SOLVING, []) == []
    (none,) = found(STAGES, [])
    assert (none.state, none.found) == (
        "lacks", "execution.yaml:servers is empty, which the engine of answer asks"
    )  # fmt: skip
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(socket.socket()) as silent:
        listening = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        silent.bind(("127.0.0.1", 0))
        nothing = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        (one,) = found(STAGES, [listening])
        (other,) = found(STAGES, [listening, nothing])
    assert (one.state, one.found) == ("ok", "1 listen, which the engine of answer asks")
    assert other.state == "lacks"
    assert other.found.startswith(f"nothing listens at {nothing} (execution.yaml:servers), ")


def test_the_key_of_every_teacher_that_a_stage_asks_is_looked_for(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert _key(setting_of("embedded", {"distill@initial": "distill"})).state == "ok"
    assert _key(setting_of("single_gpu", SOLVING)).state == "ok"
    lacking = _key(setting_of("single_gpu", {"solve@teacher": "solve.teacher"}))
    assert (lacking.state, lacking.found) == ("lacks", "no OPENAI_API_KEY for the provider openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    found = _key(setting_of("single_gpu", {"solve@teacher": "solve.teacher"}))
    assert (found.state, found.found) == ("ok", "OPENAI_API_KEY is set, for the provider openai")


def test_a_compiler_and_the_headers_of_python_lack_on_a_gpu_machine_alone(tmp_path, monkeypatch):
    """Triton finds neither by itself, and reports it only when the first server has read its weights."""
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


def test_a_driver_that_is_too_old_lacks_on_a_gpu_machine_alone(tmp_path, monkeypatch):
    asked = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert driver(execution()) == []
    for version, state in (("550.144.03", "lacks"), (f"{LEAST}.65.06", "ok")):
        asked.write_text(f"#!/bin/sh\necho {version}\n")
        asked.chmod(0o755)
        (found,) = driver(execution(device="cuda"))
        assert (found.what, found.state) == ("driver", state)
    asked.write_text("#!/bin/sh\necho 550.144.03\n")
    (found,) = driver(execution(device="cuda"))
    assert found.found == "the NVIDIA driver is 550.144.03"
    assert found.remedy.startswith(f"an NVIDIA driver of branch {LEAST} or newer was expected")


TRAINS = {"finetune@initial": "finetune.initial"}
GRADIENTS = {"attribute": "attribute"}


@pytest.mark.parametrize(
    ("stages", "changes", "wanted"),
    [
        (TRAINS, {"ranks": 2, "sharding": "zero2", "trackers": ["dvclive", "wandb"]}, {"deepspeed", "wandb"}),
        (TRAINS, {"ranks": 2, "sharding": "fsdp"}, set()),
        (TRAINS, {"ranks": 1, "sharding": "zero2", "workers": 2}, set()),
        (GRADIENTS, {"workers": 2}, {"ray"}),
        (GRADIENTS, {"workers": 1, "trackers": ["wandb"]}, set()),
        (SOLVING, {"workers": 2}, set()),
        (SOLVING, {"workers": 1, "ray_address": "10.0.0.1:6379"}, {"ray"}),
        (GRADIENTS, {"workers": 1, "ray_address": "10.0.0.1:6379"}, {"ray"}),
        ({"execute@jiuzhang": "execute"}, {"workers": 2}, {"ray"}),
        ({"synthesize@corpus": "synthesize"}, {"workers": 2}, set()),
        ({"synthesize@corpus": "synthesize"}, {"workers": 2, "ray_address": "10.0.0.1:6379"}, {"ray"}),
        ({"dedup@jiuzhang": "dedup"}, {"workers": 2, "ray_address": "10.0.0.1:6379"}, set()),
    ],
)
def test_packages_lack_where_a_stage_of_the_profile_needs_them(stages, changes, wanted, monkeypatch):
    """The engine of `synthesize` is vllm here, whose servers the stage itself runs."""
    setting = setting_of("single_gpu", stages, execution(**changes))
    monkeypatch.setattr("jz3.graph.lacking.find_spec", lambda name: None)
    found = packages(setting)
    assert found.state == ("lacks" if wanted else "ok")
    assert {part.partition(",")[0].removeprefix("no ") for part in found.found.split("; ")} >= wanted
    if wanted:
        extras = {"ray": "cluster"}
        asked = found.remedy.partition("[")[2].partition("]")[0].split(",")
        assert set(asked) == {extras.get(name, name) for name in wanted}
    monkeypatch.undo()
    monkeypatch.setattr("jz3.graph.lacking.find_spec", lambda name: name)
    assert packages(setting).state == "ok"


def test_gated_sources_that_are_not_open_to_the_user_lack(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    stage_folder(tmp_path)
    set_values(tmp_path / "graph.yaml", {"sources": {"closed": "data/raw/corpora/closed.fetched.json"}})
    entry = {
        "for": "corpus", "host": "hub", "repo": "a/closed", "revision": None, "files": ["*"], "held": None,
        "bytes": 1, "licence": "mit", "gated": True, "reader": "documents", "fields": ["text"],
        "reason": "not asked yet",
    }  # fmt: skip
    (tmp_path / "data").mkdir()
    (tmp_path / "data/sources.yaml").write_text(yaml.safe_dump({"closed": entry}))
    with serving(LoopbackHub({"datasets/a/closed": {"a": b""}}, gated={"datasets/a/closed"})) as hub:

        def found(token, *, offline=False):
            (one,) = gates(tmp_path, Hub(hub.address, token, hub.address, offline))
            assert one.what == "access"
            return one.state, one.found

        assert found(TOKEN) == ("ok", "closed are gated, and open to you")
        for token, said in ((None, "then set HF_TOKEN"), (OTHER_TOKEN, "the account of HF_TOKEN")):
            state, why = found(token)
            assert state == "lacks"
            assert why.startswith("closed: a/closed is gated and not open to you; ")
            assert said in why
        assert found(None, offline=True)[0] == "note"
    manifest = tmp_path / "data/raw/corpora/closed.fetched.json"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    assert gates(tmp_path, Hub(hub.address, None, hub.address, offline=False)) == []
