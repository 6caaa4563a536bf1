"""No attack achieves anything, as an ordinary user or as root, in any sandbox mode that works here.

Each mode is tried in a process of its own (`arena.py`), as the user in question; what level 2 is known to let
through (that a path exists) is not tested there.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest

from jz3.sandbox.modes import BUBBLEWRAP, LANDLOCK, ROOT_NAMESPACES, USER_NAMESPACES, Mode
from jz3.sandbox.result import ProgramResult
from tests.sandbox.arena import breaches, open_host
from tests.sandbox.attacks import ATTACKS, Attack
from tests.sandbox.builders import User, users
from tests.sandbox.conftest import ran

USERS = users()
Verdict = dict[str, object]


def the_default(user: User) -> Mode:
    return ROOT_NAMESPACES if user.name == "root" else USER_NAMESPACES


# Two modes: the strongest that needs no tool, as the current user, and the unprivileged one, as an ordinary
# user.
QUICK = [(USERS[0], the_default(USERS[0])), (USERS[-1], LANDLOCK)]
LONG = [
    (user, mode)
    for user in USERS
    for mode in (the_default(user), BUBBLEWRAP, LANDLOCK)
    if (user, mode) not in QUICK
]


@cache
def start(user: User, mode: Mode) -> "subprocess.Popen[str]":
    return user.start("-m", "tests.sandbox.arena", mode.name)


@cache
def verdicts(user: User, mode: Mode) -> dict[str, Verdict]:
    out, err = start(user, mode).communicate(timeout=300)
    if "SandboxUnavailable" in err:
        ran[user.name, mode.name] = err.strip().splitlines()[-1]
        pytest.skip(f"{mode.name} does not work here for {user.name}: {err.strip().splitlines()[-1]}")
    assert out, err
    found: dict[str, Verdict] = json.loads(out)
    ran[user.name, mode.name] = f"{len(found)} attacks"
    return found


def cases(ways: list[tuple[User, Mode]]) -> Iterator[object]:
    for user, mode in ways:
        for attack in ATTACKS:
            if mode.level >= attack.from_level:
                yield pytest.param(user, mode, attack, id=f"{user.name}-{mode.name}-{attack.name}")


def check(user: User, mode: Mode, attack: Attack) -> None:
    verdict = verdicts(user, mode)[attack.name]
    assert verdict["breaches"] == []
    assert verdict["status"] != "lost", verdict
    # Filling memory or output races with the time limit; on a busy machine the limit comes first, and
    # contains it.
    racing = {"timeout"} if {"memory", "output-limit"} & set(attack.statuses) else set[str]()
    assert not attack.statuses or verdict["status"] in {*attack.statuses} | racing, verdict


@pytest.fixture(scope="module")
def all_started() -> None:
    """The arenas run in parallel: they mostly wait for time limits."""
    for user, mode in QUICK:
        start(user, mode)


@pytest.mark.usefixtures("all_started")
@pytest.mark.parametrize(("user", "mode", "attack"), cases(QUICK))
def test_an_attack_is_contained(user: User, mode: Mode, attack: Attack) -> None:
    check(user, mode, attack)


@pytest.mark.long
@pytest.mark.parametrize(("user", "mode", "attack"), cases(LONG))
def test_an_attack_is_contained_in_other_ways(user: User, mode: Mode, attack: Attack) -> None:
    check(user, mode, attack)


# Outside a sandbox these get what they want: the arena would notice if they did inside.
OUTSIDE = {
    "network/tcp_connect": "listener tcp",
    "network/udp_send": "listener udp",
    "network/unix_socket": "listener unix",
    "network/unix_abstract": "listener abstract",
    "network/unix_datagram_from_pair": "listener datagram",
    "files/read_secret": "the secret",
    "files/write_file": "file",
    "files/change_mode": "file",
    "files/change_times": "file",
    "files/remove_file": "gone",
    "environment/environment": "the secret",
    "environment/environment_in_memory": "the secret",
    "processes/subprocess": "BREACH",
    "signals/kill_victim": "dead",
    "memory/memory_bytes": "BREACH 200 MB",
    "disk/many_descriptors": "BREACH 2000",
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_the_arena_sees_an_attack_that_succeeds(name: str) -> None:
    attack = next(attack for attack in ATTACKS if attack.name == name)
    with open_host() as host:
        before = host.files()
        program = host.aim(attack.program, threads_bounded=True)
        limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
        ended = subprocess.run(
            [sys.executable, "-c", limit + program], capture_output=True, text=True, timeout=60, check=False
        )
        host.victim.poll() if name != "signals/kill_victim" else host.victim.wait(10)
        result = ProgramResult("ok", ended.stdout, ended.stderr, ended.returncode)
        assert any(OUTSIDE[name] in found for found in breaches(host, before, result)), ended


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_tries_the_attacks_as_an_ordinary_user_too() -> None:
    assert [user.name for user in USERS] == ["root", "user"]
