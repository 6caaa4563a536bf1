"""Workers of a Ray cluster, each with a server of its own on the GPU that Ray gave it.

Ray is real, on loopback, with GPUs that exist in name only; the servers are those of
tests/generation/test_own_servers.py.
"""

import os
import re
import signal
from socket import gethostname

import pytest

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.generation.completion_rows import generate_rows, generation_workers
from jz3.generation.engine import GenerationRequest
from jz3.generation.engines import open_engine
from jz3.tables.model_manifest import ModelManifest
from jz3.workers.crew import open_crew
from tests.generation.builders import tiny_model
from tests.generation.test_own_servers import CONTEXT, FREE, REQUESTS, all_end, asked, expected, order, starts

pytestmark = pytest.mark.long


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "num_gpus": 2, "object_store_memory": 100_000_000}
    started = Cluster(initialize_head=True, head_node_args=head)
    yield started
    started.shutdown()


def test_a_worker_whose_server_cannot_start_leaves_its_rows_to_the_others(
    cluster, tmp_path, monkeypatch, caplog
):
    """Until none is left; then the error names the machine of the last one."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("JZ3_TEST_NOTES", str(tmp_path))
    model = InDir(ModelManifest, tiny_model(tmp_path / "model", context=CONTEXT))
    how = asked(
        tmp_path, device="cuda", workers=2, worker_gpus=1, ray_address=cluster.address, generation_commit=4
    )
    order(tmp_path, fails_on=["1"])
    with (
        open_engine("vllm", model, "saved", how) as engine,
        open_crew(generation_workers(engine, how)) as crew,
    ):
        assert generate_rows(engine, REQUESTS, FREE, how, "completions", crew) == expected(REQUESTS, FREE)
        assert sorted(start["gpus"] for start in starts(tmp_path)) == ["0", "1", "1", "1"]
        said = r"a worker can compute nothing; the others go on without it: .*ended with status 1 \(failed"
        assert [record for record in caplog.messages if re.search(said, record)]
        order(tmp_path, fails_on=["0", "1"])
        (served,) = (start for start in starts(tmp_path) if start["gpus"] == "0")
        os.kill(served["pid"], signal.SIGKILL)
        more = [GenerationRequest(f"Write another {n}", n) for n in range(8)]
        with pytest.raises(UserError, match=rf"\(failed starts: 3\), on {gethostname()}; .*no memory for"):
            generate_rows(engine, more, FREE, how, "completions", crew)
    assert all_end(tmp_path)
