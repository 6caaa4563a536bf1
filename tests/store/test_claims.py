"""Of two processes only one gets a row, and a dead process keeps none."""

import os
import signal
import subprocess
import sys

from jz3.store.claims import Claims
from tests.conftest import ROOT

KEYS = [f"{number:032x}" for number in range(4)]

HOLDER = """
import sys, time
from pathlib import Path
from jz3.store.claims import Claims
claims = Claims(Path(sys.argv[1]))
print([claims.take(key) for key in sys.argv[2:]], flush=True)
time.sleep(60)
"""


def start_holder(directory, *keys):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLDER, str(directory), *keys]
    holder = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, holder.stdout.readline().strip()


def test_a_row_is_claimed_by_one_process_until_it_gives_it_back_or_dies(tmp_path):
    claims = Claims(tmp_path / "chat@1")
    assert claims.take(KEYS[0])
    holder, took = start_holder(tmp_path / "chat@1", KEYS[0], KEYS[1], KEYS[2])
    assert took == "[False, True, True]"
    assert not claims.take(KEYS[1])
    assert claims.take(KEYS[3])
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert claims.take(KEYS[1])
    claims.give_back(KEYS[0])
    other, took = start_holder(tmp_path / "chat@1", KEYS[0], KEYS[1])
    assert took == "[True, False]"
    other.kill()
    other.communicate()
    claims.close()
