"""Sharing from the command line: a missing place is one line with status 1, and is never created."""

import subprocess
import sys

import pytest

from jz3.store.row_store import Operation, RowStore, request_key
from tests.cli.test_main import jz3

OPERATION = Operation("double", 1)

PLACES = [
    "{tmp}/nowhere",
    "file://{tmp}/nowhere",
    "{tmp}/a-file",
    "",
    " ",
    "http://127.0.0.1:9/rows",
    "ftp://me:geheim123@127.0.0.1:9/rows",
    "zzz://bucket/rows",
    "s3://",
    "memory://nothing",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    with RowStore(tmp_path / "store").writer(OPERATION) as writer:
        for number in range(3):
            writer.append(request_key(OPERATION, {"n": number}), {"n": number}, {"twice": 2 * number})
        writer.commit()
    (tmp_path / "a-file").write_text("")
    return tmp_path


@pytest.fixture
def invoked(here, monkeypatch, capsys):
    """Runs the command in this process: returns its output and its status."""
    from jz3.cli.main import main

    def invoke(*arguments):
        monkeypatch.setattr(sys, "argv", ["jz3", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return invoke


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_place_that_is_not_there_is_one_line(here, invoked, command, place):
    before = set(here.rglob("*"))
    status, out, said = invoked("store", command, place.format(tmp=here))
    assert (status, out) == (1, "")
    assert len(said.strip().splitlines()) == 1
    assert "geheim123" not in said
    assert set(here.rglob("*")) == before


def test_check_names_each_damage_with_what_to_do_and_mend_ends_it(here, invoked):
    [journal] = here.rglob("*.journal")
    damaged = bytearray(journal.read_bytes())
    damaged[3] ^= 1
    damaged[-3] ^= 1
    journal.write_bytes(damaged)
    status, out, said = invoked("store", "check")
    assert status == 1
    assert [f"{journal} is damaged at byte " in line for line in out.splitlines()] == [True, True]
    assert "damaged in 2 places" in said
    assert "jz3 store mend" in said
    status, out, said = invoked("store", "mend")
    assert (status, out.splitlines()) == (
        0,
        ["1 intact rows were kept", f"set aside: {journal}.damaged"],
    )
    assert invoked("store", "check")[0] == 0
    assert invoked("store", "mend")[1] == "nothing is damaged\n"


@pytest.mark.long
def test_doctor_shows_no_password_of_a_remote(tmp_path):
    """In a clone with its parameters; DVC accepts an address with user and password as it is."""
    from tests.conftest import make_clone

    clone = make_clone(tmp_path / "clone")
    url = "https://me:geheim123@127.0.0.1:9/rows?X-Amz-Signature=geheim456"
    for arguments in (["init", "-q", "-f"], ["remote", "add", "-q", "-f", "-d", "shared", url]):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=clone.path, check=True)
    for command in (["doctor"], ["store", "pull"], ["store", "push"], ["verify", "--remote"], ["push"]):
        done = jz3(*command, folder=clone.path)
        assert done.returncode != 0
        assert "geheim" not in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr, command
