"""The curation stages as processes: when killed, on damaged parts, a full disk, and unexpected texts."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.curation.chain import STAGES, make_chain

NUL = "[Problem]\nHow many \0 are two and two?\n\n[Solution]\nTwo and two are \\boxed{4}.\0"
LONG = f"[Problem]\nHow many are two and two?\n\n[Solution]\n{'So it goes. ' * 900_000}\\boxed{{4}}."


EXTRA = [(NUL, "cot"), (LONG, "cot"), ("", "cot")]
COUNT = 400
KILLED = ("parse@corpus", "filter@jiuzhang", "mix@jiuzhang")
"""Killed here at two moments; tests/test_kill_stages.py kills the others at each commit and output."""


def kept(chain, stage):
    name = stage.replace("@", "/")
    return json.loads((chain.path / f"data/metrics/{name}.json").read_text())["rows"]


def seconds_of_children():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def seconds_of(process):
    """What a process that was not waited for has taken of a processor."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A chain whose stages have all run, and the seconds of a processor that each took."""
    chain = make_chain(tmp_path_factory.mktemp("finished") / "chain", COUNT, extra=EXTRA)
    seconds = {}
    for stage in STAGES:
        before = seconds_of_children()
        status, said = chain.run(stage)
        seconds[stage] = seconds_of_children() - before
        assert status == 0, said
    return chain, seconds


@pytest.fixture
def chain(finished, tmp_path):
    """A copy of the finished chain."""
    shutil.copytree(finished[0].path, tmp_path / "chain")
    return replace(finished[0], path=tmp_path / "chain")


@pytest.mark.long
def test_a_stage_that_is_killed_leaves_the_same_bytes_when_it_runs_again(chain, finished):
    killed = 0
    for stage in KILLED:
        expected, whole = chain.outs(stage), finished[1][stage]
        chain.forget(stage)
        for share in (0.6, 0.85):
            process, before = chain.start(stage), seconds_of_children()
            while process.poll() is None and seconds_of(process) < share * whole:
                time.sleep(0.01)
            ended = process.poll()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += ended is None
            if ended is not None:
                assert chain.outs(stage) == expected
                whole = seconds_of_children() - before  # its first run compiled what it calls
        assert chain.run(stage)[0] == 0
        assert chain.outs(stage) == expected, stage
        assert not list(chain.path.glob("data/**/.*.jz3-*")), "nothing half-written is left"
    assert killed >= len(KILLED), "most of them were still at work"


@pytest.mark.long
def test_a_nul_and_ten_megabytes_of_text_are_rows_like_any_other(finished):
    chain, _ = finished
    parsed = kept(chain, "parse@corpus")
    assert parsed["read"] == COUNT + len(EXTRA)
    assert parsed["kept"] + sum(parsed["rejected"].values()) == parsed["read"]
    rejects = pl.read_parquet(chain.path / "data/rejects/parse/corpus.parquet")
    long, empty = (f"c{COUNT + place:06}" for place in (1, 2))
    assert {long, empty} <= set(rejects["row_id"]), "the long one and the empty one, each by a rule"
    for stage in ("execute@jiuzhang", "filter@jiuzhang", "decontaminate@jiuzhang"):
        assert kept(chain, stage)["read"] == parsed["kept"]
    assert kept(chain, "mix@jiuzhang")["read"] == parsed["kept"] + 2


READS_PROBLEMS = tuple(
    f"{stage}@jiuzhang" for stage in ("execute", "filter", "dedup", "decontaminate", "mix")
)


@pytest.mark.long
def test_a_damaged_part_is_named_in_one_line_and_what_was_left_stays(chain):
    part = chain.path / "data/problems/jiuzhang/part-00000.parquet"
    whole = part.read_bytes()
    half, third = len(whole) // 2, len(whole) // 3
    for damaged, stages in (
        (whole[:half], ("filter@jiuzhang", "mix@jiuzhang")),
        (whole[:third] + bytes(200) + whole[third + 200 :], READS_PROBLEMS),
    ):
        part.write_bytes(damaged)
        for stage in stages:
            before = chain.outs(stage)
            status, said = chain.run(stage)
            assert chain.outs(stage) == before, "also where only a column is damaged that it does not read"
            assert (status, len(said)) in {(0, 0), (1, 1)}, (stage, said)
            assert status == 1 or stage.startswith(("dedup", "decontaminate"))
            assert "data/problems/jiuzhang" in "".join(said or ["data/problems/jiuzhang"])


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_line_and_the_next_run_is_whole(chain):
    expected = chain.outs("parse@corpus")
    small = chain.path / "data/problems"
    inner = f"mount -t tmpfs -o size=8k tmpfs {small} && exec {' '.join(chain.commands['parse@corpus'])}"
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", inner],
        cwd=chain.path,
        env=chain.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no disk could be mounted: {done.stderr.strip()}")
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert chain.outs("parse@corpus") == expected
    assert chain.run("parse@corpus")[0] == 0
    assert chain.outs("parse@corpus") == expected
