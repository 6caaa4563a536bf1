"""A clone pulls what was pushed: all outputs and rows, or the outputs of what is named."""

import shutil

import pytest

from jz3.core.errors import UserError
from jz3.graph.pull import NotPulled, pull
from jz3.graph.push import push
from jz3.store.row_store import Operation, RowStore, request_key
from tests.graph.conftest import run_in

OPERATION = Operation("double", 1)
OUTPUTS = ("one/a.txt", "one/b.txt", "two.txt")


@pytest.fixture
def clone(run, tmp_path):
    """A clone of a repository that was pushed: no outputs, no cache, an empty store."""
    (tmp_path / "shared").mkdir()
    run_in(run, "dvc", "remote", "add", "-d", "shared", str(tmp_path / "shared"))
    with RowStore(tmp_path / "store").writer(OPERATION) as writer:
        writer.append(request_key(OPERATION, {"n": 1}), {"n": 1}, {"twice": 2})
        writer.commit()
    push(run, RowStore(tmp_path / "store"))
    clone = shutil.copytree(run, tmp_path / "clone")
    for path in ("one", ".dvc/cache"):
        shutil.rmtree(clone / path)
    (clone / "two.txt").unlink()
    return clone


def here(clone):
    return [path for path in OUTPUTS if (clone / path).is_file()]


def test_all_outputs_and_rows_come_and_then_nothing_more(clone, tmp_path):
    store = RowStore(tmp_path / "elsewhere")
    done = pull(clone, [], store)
    assert here(clone) == list(OUTPUTS)
    assert done.files >= 3
    assert done.rows.rows == 1
    assert "didn't change" in run_in(clone, "dvc", "repro")
    again = pull(clone, [], store)
    assert (again.files, again.rows.rows, again.rows.there) == (0, 0, 1)


def test_what_is_named_comes_alone(clone, tmp_path):
    pull(clone, ["second"], RowStore(tmp_path / "elsewhere"))
    assert here(clone) == ["two.txt"]
    with pytest.raises(UserError, match=r"'third' is not a stage.*first, second"):
        pull(clone, ["third"], RowStore(tmp_path / "elsewhere"))


def test_what_was_never_pushed_is_one_line(clone, tmp_path):
    shutil.rmtree(tmp_path / "shared/files")
    with pytest.raises(NotPulled, match="outputs of first could be fetched") as error:
        pull(clone, ["first"], RowStore(tmp_path / "elsewhere"))
    assert "\n" not in str(error.value)
