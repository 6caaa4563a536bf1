"""A run of the rebuild benchmark ends together with everything that it started, in whichever session."""

import subprocess
import time

from benchmarks.rebuilding.project import end_all, pids_with


def test_a_worker_in_a_session_of_its_own_ends_with_its_run(tmp_path):
    mark, started = f"REBUILD_TALLY={tmp_path}", tmp_path / "started"
    process = subprocess.Popen(
        ["bash", "-c", f"setsid sleep 100 & touch {started}; sleep 100"],
        env={"PATH": "/usr/bin:/bin", "REBUILD_TALLY": str(tmp_path)},
        start_new_session=True,
    )
    while not (started.exists() and len(pids_with(mark)) == 2):
        time.sleep(0.01)
    end_all(process, mark)
    assert not pids_with(mark)
    assert process.returncode == -9


def test_another_run_is_left_alone(tmp_path):
    mark = f"REBUILD_TALLY={tmp_path}"
    other = subprocess.Popen(
        ["sleep", "100"], env={"PATH": "/usr/bin:/bin", "REBUILD_TALLY": f"{tmp_path}/other"}
    )
    ended = subprocess.Popen(["true"], env={"PATH": "/usr/bin:/bin"}, start_new_session=True)
    try:
        end_all(ended, mark)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
