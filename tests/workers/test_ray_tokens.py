"""A Ray cluster that asks for a token computes for a stage that has it, and tells any other in a line.

Ray reads its variables once in a process, so that the cluster and each stage are processes of their own.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long

CLUSTER = """
import sys
from ray.cluster_utils import Cluster
started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000})
print(started.address, flush=True)
sys.stdin.read()
started.shutdown()
"""
STAGE = """
import sys
from jz3.core.errors import UserError
from jz3.store.row_store import Operation
from jz3.workers.batch import Workers
from jz3.workers.crew import open_crew
from jz3.workers.fill import fill
from tests.workers.work import Environment
asked = {"order": str, "batch_rows": 1, "what": "n"}
try:
    with open_crew(Workers(count=1, threads=1, gpus=0, address=sys.argv[1])) as crew:
        print(fill(Operation("square", 1), [{"name": "JZ3_STORE"}], Environment(), crew=crew, **asked))
except UserError as error:
    sys.exit(f"one line: {error}")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """That of a user without a token, in whose home Ray finds none."""
    home = tmp_path_factory.mktemp("home")
    found = os.environ | {"HOME": str(home), "JZ3_STORE": str(home / "store"), "PYTHONPATH": str(ROOT)}
    return {name: value for name, value in found.items() if not name.startswith("RAY_")}


def with_token(tmp_path, token):
    file = tmp_path / token[0]
    file.write_text(token)
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(file)}


def test_a_stage_without_the_token_of_the_cluster_is_told_so(environment, tmp_path):
    token = with_token(tmp_path, "a" * 64)
    command = [sys.executable, "-c", CLUSTER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment | token, cwd=ROOT, **pipes) as cluster:
        address = cluster.stdout.readline().strip()

        def stage(**variables):
            return subprocess.run(
                [sys.executable, "-c", STAGE, address],
                env=environment | variables, cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip

        # Before the one that is let in, whose row they would find in the store.
        others = [stage(), stage(RAY_AUTH_MODE="token"), stage(**with_token(tmp_path, "b" * 64))]
        let_in = stage(**token)
        cluster.stdin.close()
    assert let_in.returncode == 0, let_in.stderr
    assert environment["JZ3_STORE"] in let_in.stdout
    for refused in others:
        (said,) = (line for line in refused.stderr.splitlines() if line.startswith("one line: "))
        assert f"ray_address {address} cannot be used (" in said
        assert "if it asks for a token, set RAY_AUTH_MODE=token" in said
