"""A disk that fills up while answers are coming, as a small file system of its own."""

import subprocess

import pytest

from jz3.core.errors import UserError
from jz3.generation.chat import CHAT, ChatAnswer
from jz3.store.row_store import open_store
from tests.generation.faulty import completion, faulty, response
from tests.generation.test_faults import ask

CONCURRENCY = 8
ANSWER = response(completion(choice={"message": {"content": "So it is seven. " * 400}}))
"""Some 6 kB: forty of them fill the disk."""


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A function that changes the size of the row store's file system."""
    place = tmp_path / "store"
    place.mkdir()
    mounted = mount(place, "-t", "tmpfs", "-o", "size=256k", "tmpfs")
    if mounted.returncode:
        pytest.skip(f"this machine mounts no file system: {mounted.stderr.strip()}")
    monkeypatch.setenv("JZ3_STORE", str(place))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.005)
    try:
        yield lambda size: mount(place, "-o", f"remount,size={size}").check_returncode()
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def mount(place, *how):
    return subprocess.run(["mount", *how, place], capture_output=True, text=True, check=False)


def test_what_was_paid_when_the_disk_filled_is_kept_and_the_rest_is_asked_for_later(small_disk):
    prompts = [f"p {number:03}" for number in range(120)]
    with faulty(lambda *_: (ANSWER, True)) as server:
        with pytest.raises(UserError, match="No space left") as caught:
            ask(server, prompts, concurrency=CONCURRENCY)
        assert "\n" not in str(caught.value)
        assert "store" in str(caught.value)
        first = server.asked
        kept = len(list(open_store().rows(CHAT)))
        assert 0 < kept < len(prompts)
        assert first - kept <= CONCURRENCY, "more was paid for than was on its way when the disk filled"

        small_disk("8m")
        replies = ask(server, prompts, concurrency=CONCURRENCY)
        assert all(isinstance(reply, ChatAnswer) for reply in replies)
        assert server.asked - first == len(prompts) - kept, "only what is not in the store"
