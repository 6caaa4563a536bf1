"""Programs through the row store: what ran does not run again, and interpreters stay warm with their crew."""

import os

import pytest

from jz3.sandbox import program_rows
from jz3.sandbox.program_rows import EXECUTE, run_rows
from jz3.store.row_store import open_store
from jz3.workers.batch import program_workers
from jz3.workers.crew import open_crew
from tests.generation.builders import execution
from tests.sandbox.builders import LIMITS, zygotes_of

HOW = execution(workers=1, sandbox=1, sandbox_workers=1)


@pytest.fixture(scope="module")
def warm_crew():
    """Its interpreters run the programs of each test that does not count them."""
    with open_crew(program_workers(HOW)) as crew:
        yield crew


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def run(crew, *programs):
    runs = run_rows(programs, LIMITS, HOW, "programs", crew)
    return [(result.status, result.stdout) for result in runs.results]


def test_interpreters_stay_warm_over_calls_and_end_with_the_crew_and_what_ran_once_needs_none():
    others = zygotes_of(os.getpid())
    with open_crew(program_workers(HOW)) as crew:
        assert run(crew) == []
        assert zygotes_of(os.getpid()) == others
        assert run(crew, "print(1)") == [("ok", "1\n")]
        warm = zygotes_of(os.getpid())
        assert len(warm) > len(others)
        assert run(crew, "print(2)", "print(1)") == [("ok", "2\n"), ("ok", "1\n")]
        assert zygotes_of(os.getpid()) == warm
    assert zygotes_of(os.getpid()) == others
    with open_crew(program_workers(HOW)) as crew:
        assert run(crew, "print(2)") == [("ok", "2\n")]
        assert zygotes_of(os.getpid()) == others


def test_the_stored_form_is_that_of_the_operations_version(warm_crew, monkeypatch):
    """Golden: if this fails, EXECUTE needs a new version."""
    monkeypatch.setattr(program_rows, "environment_digest", lambda: "e" * 64)
    run(warm_crew, "import random\nprint(random.random(), hash('text'), {'b', 'a', 'c'})")
    (row,) = open_store().rows(EXECUTE)
    row.result.pop("sandbox_level")
    assert row.result == {
        "status": "ok",
        "stdout": "0.8444218515250481 8000993259118358886 {'c', 'a', 'b'}\n",
        "error": "",
        "exit_code": 0,
    }
    assert row.key == "e23688e9220c180ac8d1f6a2c1db3da3"


def test_a_stored_result_does_not_depend_on_its_neighbour(warm_crew):
    """The thief tries to read the output of whoever ran before it on its worker."""
    honest = "print(6 * 7)"
    thief = (
        "import gc, sys\nseen, frame = [], sys._getframe()\n"
        "while frame: seen += map(repr, frame.f_locals.values()); frame = frame.f_back\n"
        "print([text for text in seen if '6 ' + '* 7' in text or 'std' + 'out' in text])"
    )
    assert run(warm_crew, honest, thief) == [("ok", "42\n"), ("ok", "[]\n")]
