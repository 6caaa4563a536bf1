"""`jz3 repro`: as many stages at once as there is room for, with the result of one `dvc repro`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.graph_file import Stage
from jz3.graph.at_once import NotBuiltError, Room, Work, build, cores_here, work_of
from jz3.graph.needs import Needs
from tests.conftest import ROOT
from tests.graph.conftest import jz3, run_in

CORES, GPUS = 4, 3


@st.composite
def works(draw):
    """Stages that read from earlier ones; some ask teachers, some want more cores than the machine has."""
    count = draw(st.integers(1, 8))
    names = [f"{draw(st.sampled_from(['mix', 'augment', 'pretrain']))}@{number}" for number in range(count)]
    reads = {
        name: frozenset(draw(st.sets(st.sampled_from(names[:place])) if place else st.just(set())))
        for place, name in enumerate(names)
    }
    needs = {
        name: Needs("rows", 1, draw(st.integers(0, GPUS)), draw(st.integers(1, CORES + 2))) for name in names
    }
    stages = {name: Stage(name, "", {}, frozenset(), frozenset(), frozenset()) for name in names}
    return Work(stages, reads, needs, {name: draw(st.floats(0, 100)) for name in names})


@given(works(), st.sampled_from([None, 1, 2]), st.randoms(use_true_random=False))
def test_each_stage_begins_once_with_what_it_needs_after_all_that_it_reads_from(work, most, random):
    room = Room(CORES, [str(number) for number in range(GPUS)], most=most)
    running, done, begun = {}, [], []
    while len(done) < len(work.stages):
        while turn := tuple(work.turn(begun, done, room)):
            for place, name in enumerate(turn):
                assert name not in begun
                assert work.reads[name] <= {*done, *turn[:place]}
                assert work.needs[name].cores <= work.needs[turn[0]].cores
                assert work.needs[name].gpus == work.needs[turn[0]].gpus
                begun.append(name)
            running[turn] = room.take(work.needs[turn[0]], turn[0])
            assert len(running[turn]) == work.needs[turn[0]].gpus
        assert running, "there is room, and nothing runs"
        assert most is None or len(running) <= most
        held = [gpu for gpus in running.values() for gpu in gpus]
        assert len(held) == len(set(held)) <= GPUS
        assert len(running) == 1 or sum(work.needs[turn[0]].cores for turn in running) <= CORES
        assert sum(any(name.startswith("augment") for name in turn) for turn in running) <= 1
        ended = random.choice(sorted(running))
        room.give_back(work.needs[ended[0]], ended[0], running.pop(ended))
        done += ended
    assert (room.cores, sorted(room.gpus)) == (CORES, [str(number) for number in range(GPUS)])


def work_with(reads, seconds):
    stages = {name: Stage(name, "", {}, frozenset(), frozenset(), frozenset()) for name in reads}
    needs = dict.fromkeys(reads, Needs("rows", 1, 0, 1))
    return Work(stages, {name: frozenset(above) for name, above in reads.items()}, needs, seconds)


def test_what_others_wait_for_longest_begins_first_with_what_alone_waits_for_it():
    work = work_with({"a": "", "b": "", "c": "b", "d": "c"}, {"a": 50, "b": 1, "c": 90, "d": 5})
    assert work.turn((), (), Room(1, [])) == ["b", "c", "d"]
    fork = work_with({"a": "", "b": "", "c": "b", "d": "b"}, {"a": 50, "b": 1, "c": 90, "d": 5})
    assert fork.turn((), (), Room(1, [])) == ["b"]


def test_short_stages_that_are_ready_share_a_turn_where_no_core_is_free_for_them():
    work = work_with(dict.fromkeys("abcd", ""), {"a": 9, "b": 8, "c": 12, "d": 40})
    assert work.turn((), (), Room(4, [])) == ["d"]
    assert work.turn(("d",), (), Room(1, [])) == ["c", "a", "b"]
    assert work.turn(("d",), (), Room(2, [])) == ["c", "b"]


@pytest.mark.parametrize(("said", "cores"), [("max 100000", None), ("150000 100000", 1), ("50000 100000", 1)])
def test_a_container_has_the_cores_of_its_quota(tmp_path, said, cores):
    here = len(os.sched_getaffinity(0))
    (tmp_path / "cpu.max").write_text(f"{said}\n")
    assert cores_here(tmp_path / "cpu.max") == (here if cores is None else cores)
    assert cores_here(tmp_path / "none") == here


DVC_YAML = """\
stages:
  mix:
    foreach: {a: b, b: a}
    do:
      cmd:
      - touch ${key}.began
      - timeout 60 sh -c 'until test -e ${item}.began; do sleep 0.1; done'
      - echo ${key} > ${key}.txt
      deps: [source.txt]
      outs: ['${key}.txt']
  join:
    cmd: 'cat a.txt b.txt > joined.txt # LONG'
    deps: [a.txt, b.txt]
    outs: [joined.txt]
""".replace("LONG", "long " * 20_000)
"""Each `mix` waits until the other has begun; a command may be longer than a pipe holds at once."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    run_in(tmp_path, "git", "init", "-q")
    run_in(tmp_path, "dvc", "init", "-q")
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "source.txt").write_text("x")
    (tmp_path / "params.yaml").write_text("{}\n")
    execution = yaml.safe_load((ROOT / "execution.yaml").read_text()) | {"threads": 1}
    (tmp_path / "execution.yaml").write_text(yaml.safe_dump(execution))
    return tmp_path


def test_stages_run_side_by_side_and_leave_what_one_dvc_repro_leaves(root, tmp_path_factory):
    built = build(root, work_of(root, []), Room(2, []))
    assert sorted(built.ran[:2]) == ["mix@a", "mix@b"]
    assert built.ran[2:] == ["join"]
    assert (root / "joined.txt").read_text() == "a\nb\n"
    left = yaml.safe_load((root / "dvc.lock").read_text())
    other = tmp_path_factory.mktemp("other") / "one"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("dvc.lock", "*.txt", ".dvc"))
    (other / "source.txt").write_text("x")
    run_in(other, "dvc", "init", "-q", "-f")
    run_in(other, "dvc", "repro", "-q")
    assert yaml.safe_load((other / "dvc.lock").read_text()) == left
    assert work_of(root, []).stages == {}
    (root / "source.txt").write_text("y")
    assert list(work_of(root, ["mix@a"]).stages) == ["mix@a"]


def test_a_stage_that_fails_ends_the_run_when_the_others_have_ended(root):
    (root / "dvc.yaml").write_text(DVC_YAML.replace("> ${key}.txt", "> ${key}.txt && test ${key} = a"))
    found = subprocess.run(jz3("repro"), cwd=root, capture_output=True, text=True)
    assert found.returncode == 1
    last = found.stderr.splitlines()[-1]
    assert last.startswith("jz3: mix@b failed, as shown above; 1 stages are done and 1 wait.")
    assert "failed to run" in found.stderr
    assert (root / "a.txt").read_text() == "a\n"
    assert not (root / "joined.txt").exists()
    (root / "dvc.yaml").write_text(DVC_YAML)
    assert subprocess.run(jz3("repro"), cwd=root, capture_output=True).returncode == 0
    said = subprocess.run(jz3("repro"), cwd=root, capture_output=True, text=True)
    assert said.stdout == "nothing is stale\n"


def test_more_gpus_than_are_visible_are_refused_before_any_stage():
    one = work_with({"pretrain@x": ""}, {"pretrain@x": 1})
    work = Work(one.stages, one.reads, {"pretrain@x": Needs("training", 1, 8, 64)}, one.seconds)
    with pytest.raises(NotBuiltError, match=r"pretrain@x needs 8 GPUs by execution\.yaml, and 2 are visible"):
        build(Path(), work, Room(64, ["0", "1"]))
