"""Many workers compute what one computes, whichever of them dies; a row that kills workers stops no other.

Ray is real here: a cluster of three nodes on loopback, as Ray's own tests start it.
"""

import importlib
import re
import shutil

import pytest

from jz3.core.errors import UserError
from jz3.store.row_store import Operation, open_store, request_key
from jz3.workers import actors
from jz3.workers.batch import Lost, Workers
from jz3.workers.crew import open_crew
from jz3.workers.fill import fill, fill_windows
from tests.workers.work import IN_PROCESS, Environment, Noted, Refuses, Squares, Unfit

pytestmark = pytest.mark.long

SQUARE = Operation("square", 1)
MOST_ROWS = 4_000
"""At 4 rows in 0.3 s for a worker, this stops a test that waits for a node in vain after two minutes."""


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    started = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000}
    )
    yield started
    started.shutdown()


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def requests(numbers):
    return [{"n": n} for n in numbers]


def order(row):
    return -row["n"]


def on(cluster, count):
    return Workers(count=count, threads=1, gpus=0, address=cluster.address)


def batches(folder):
    return [eval(line.partition(" ")[2]) for line in (folder / "batches").read_text().splitlines()]


def run(numbers, work, crew):
    return fill(SQUARE, requests(numbers), work, order=order, batch_rows=4, what="n", crew=crew)


def run_alone(numbers, work, workers):
    with open_crew(workers) as crew:
        return run(numbers, work, crew)


def test_a_node_dies_and_one_joins_and_no_row_is_there_twice(cluster, tmp_path):
    node = {"num_cpus": 1, "object_store_memory": 100_000_000}
    second, _third = cluster.add_node(**node), cluster.add_node(**node)
    cluster.wait_for_nodes()

    asked, changed = {}, False

    def windows():
        """Rows until the node that joined is seen at work, however long it takes to start."""
        for start in range(0, MOST_ROWS, 40):
            window = {request_key(SQUARE, {"n": n}): {"n": n} for n in range(start, start + 40)}
            asked.update(window)
            yield window
            if changed and len(at_work(tmp_path)) >= 4:
                return

    outcomes = {}
    work = Squares(tmp_path, seconds=0.3)
    with open_crew(on(cluster, 3)) as crew:
        for key, result in fill_windows(SQUARE, windows(), work, order=order, batch_rows=4, crew=crew):
            outcomes[key] = result["square"]
            if not changed and len(at_work(tmp_path)) == 3:  # halfway: every worker has a batch
                changed = True
                cluster.remove_node(second, allow_graceful=False)
                cluster.add_node(**node)
    assert outcomes == {key: request["n"] ** 2 for key, request in asked.items()}
    keys = [row.key for row in open_store().rows(SQUARE)]
    assert len(keys) == len(set(keys)) == len(asked)
    assert journal_rows() == len(asked)
    cut = {tuple(range(n + 3, n - 1, -1)) for n in range(0, len(asked), 4)}
    done = [tuple(batch) for batch in batches(tmp_path)]
    assert set(done) == cut, "a batch whose worker died goes to another one as it was"
    assert len(done) - len(cut) <= 3
    assert len(at_work(tmp_path)) >= 4, "the node that joined was used"


def at_work(folder):
    """Processes of workers that were given a batch."""
    file = folder / "batches"
    return {line.split()[0] for line in file.read_text().splitlines()} if file.exists() else set()


def journal_rows():
    """Records in the files of the store: `rows` would hide a second record of a key."""
    (folder,) = open_store().root.iterdir()
    return sum(file.read_bytes().count(b"\xaajz3") for file in folder.iterdir())


def test_a_row_that_ends_its_workers_is_lost_alone(cluster, tmp_path):
    window = {f"{n % 2**64:032x}": {"n": n} for n in range(-1, 15)}
    with open_crew(on(cluster, 2)) as crew:
        outcomes = list(
            fill_windows(SQUARE, [window], Squares(tmp_path), order=order, batch_rows=8, crew=crew)
        )
    lost = [row for row in outcomes if isinstance(row, Lost)]
    assert [row.key for row in lost] == [f"{2**64 - 1:032x}"]
    assert "ended 3 workers" in lost[0].reason
    done = dict(row for row in outcomes if not isinstance(row, Lost))
    assert sorted(row["square"] for row in done.values()) == [n * n for n in range(15)]
    deaths = [batch for batch in batches(tmp_path) if -1 in batch]
    assert [len(batch) for batch in deaths] == [8, 8, 4, 2, 1]


def test_who_needs_every_row_says_which_one_ends_the_workers(cluster, tmp_path):
    with pytest.raises(UserError, match=r"row [0-9a-f]{32} ended 3 workers"):
        run_alone([-1], Squares(tmp_path), on(cluster, 1))


def test_what_a_worker_says_to_the_user_reaches_the_user(cluster):
    with pytest.raises(UserError, match=r"^the model is not there; it was expected\. Put it there\.$"):
        run_alone([1], Refuses(), on(cluster, 1))


def test_a_worker_that_can_compute_nothing_leaves_its_batches_to_the_others(cluster, tmp_path, caplog):
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)  # whatever else there is by now
    cluster.wait_for_nodes()
    squares = run_alone(range(40), Unfit(tmp_path, 1), on(cluster, 2))
    cluster.remove_node(node)
    assert squares == [{"square": n * n} for n in range(40)]
    (said,) = (line for line in caplog.messages if "can compute nothing" in line)
    unfit = re.search(r"the others go on without it: no server starts in process (\d+); one was", said)
    given = [line.split()[0] for line in (tmp_path / "given").read_text().splitlines()]
    assert given.count(unfit[1]) == 1
    assert len(given) == 10 + 1


@pytest.mark.parametrize("count", [1, 64])
def test_if_no_worker_can_compute_anything_the_last_one_says_why(cluster, tmp_path, monkeypatch, count):
    """Also if more workers were asked for than there is room for, who never start."""
    monkeypatch.setattr(actors, "WAIT_S", 0.2)
    with pytest.raises(UserError, match=r"^no server starts in process \d+; one was expected\. Fix it\.$"):
        run_alone(range(9), Unfit(tmp_path, 64), on(cluster, count))


def test_workers_have_the_variables_of_the_stage_and_the_devices_of_ray(cluster, monkeypatch):
    """The cluster was started before these were set, as by `ray start` in another shell."""
    monkeypatch.setenv("HF_TOKEN", "of the stage")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "of the stage")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "of the stage")
    asked = [{"name": "HF_TOKEN"}, {"name": "CUDA_VISIBLE_DEVICES"}, {"name": "TORCHINDUCTOR_CACHE_DIR"}]
    with open_crew(on(cluster, 1)) as crew:
        found = fill(
            SQUARE, asked, Environment(), order=lambda row: row["name"], batch_rows=4, what="n", crew=crew
        )
    assert found[0] == {"value": "of the stage"}
    assert found[1] != {"value": "of the stage"}
    assert found[2] == {"value": "of the stage"}


def test_a_worker_that_cannot_import_the_code_is_named_at_once(cluster, tmp_path, monkeypatch):
    package = tmp_path / "of_the_stage_alone"
    package.mkdir()
    (package / "__init__.py").write_text(
        "class Worker:\n    def __init__(self, environment): ...\n    def ready(self): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(actors, "Worker", importlib.import_module(package.name).Worker)
    shutil.rmtree(package)
    with pytest.raises(
        UserError, match=r"cannot import jz3 .*No module named 'of_the_stage_alone'.*each node"
    ):
        run_alone([1], Refuses(), on(cluster, 1))


def test_more_workers_than_the_cluster_has_room_for_do_not_hold_it_up(cluster, tmp_path):
    assert run_alone(range(9), Squares(tmp_path), on(cluster, 64)) == [{"square": n * n} for n in range(9)]


def test_a_crew_keeps_its_processes_and_what_they_loaded_over_calls_and_works(cluster, tmp_path):
    with open_crew(on(cluster, 2)) as crew:
        for start in range(0, 60, 20):
            for more in (10_000, 20_000):  # like rounds of writing and of running programs
                numbers = range(more + start, more + start + 20)
                assert run(numbers, Noted(tmp_path, more), crew) == [{"square": n + more} for n in numbers]
    opened = [tuple(line.split()) for line in (tmp_path / "opened").read_text().splitlines()]
    assert len(opened) == len(set(opened)), "nothing was loaded a second time"
    assert {more for _, more in opened} == {"10000", "20000"}
    assert 1 <= len({process for process, _ in opened}) <= 2


def test_a_crew_goes_on_after_a_worker_died(cluster, tmp_path):
    with open_crew(on(cluster, 1)) as crew:
        with pytest.raises(UserError, match="ended 3 workers"):
            run([-1], Squares(tmp_path), crew)
        assert run(range(5), Squares(tmp_path), crew) == [{"square": n * n} for n in range(5)]


def test_a_crew_without_work_starts_nothing():
    with open_crew(Workers(2, 1, 0, "127.0.0.1:1")) as crew:
        assert run([], Refuses(), crew) == []


def test_a_cluster_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no Ray cluster answers at execution\.yaml:ray_address 127\.0"):
        run_alone([1], Squares(tmp_path), Workers(2, 1, 0, "127.0.0.1:1"))


def test_workers_on_this_machine_fill_the_same_rows_as_one(tmp_path, monkeypatch):
    """After all tests on the cluster: a process that had its own Ray finds the cluster's actors dead."""
    rows = {}
    for name, workers in (("one", IN_PROCESS), ("four", Workers(4, 1, 0, None))):
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / name))
        (tmp_path / f"{name}-batches").mkdir()
        run_alone(range(50), Squares(tmp_path / f"{name}-batches"), workers)
        rows[name] = {row.key: row.result for row in open_store().rows(SQUARE)}
    assert rows["one"] == rows["four"]
    assert sorted(batches(tmp_path / "one-batches")) == sorted(batches(tmp_path / "four-batches"))
