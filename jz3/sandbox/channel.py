"""What the keeper of a worker and its zygote say to each other, by sockets that keep messages apart.

The keeper reads programs and outputs; the zygote forks. Descriptors pass over, and numbers; a program or its
output never does, so that nothing of them is in the memory that the next program is forked from.
"""

import struct
from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_PEEK,
    SCM_RIGHTS,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
    socketpair,
)

MESSAGE_BYTES = 1 << 16  # what a zygote says of itself fits by far
FAILED = b"!"
"""Begins the message of a zygote that could not start a program; the reason follows."""

_JOB = struct.Struct("=xQQ")  # the first byte is nought: the zygote looks at it
_JOB_FDS = struct.Struct("4i")
_FD = struct.Struct("i")


def make_channel() -> tuple[socket, socket]:
    """Both ends."""
    return socketpair(AF_UNIX, SOCK_SEQPACKET)


def send_job(channel: socket, size: int, threads: int, fds: tuple[int, int, int, int]) -> None:
    """Ask for a process that reads a program of `size` bytes from the first descriptor; the others are its
    standard output, its standard error, and where it says that its walls stand. `threads`: its limit.
    """
    channel.sendmsg([_JOB.pack(size, threads)], [(SOL_SOCKET, SCM_RIGHTS, _JOB_FDS.pack(*fds))])


def job_waits(channel: socket) -> bool:
    """Wait until there is a job, and leave it there; False where the keeper has gone."""
    return channel.recv(1, MSG_PEEK) != b""


def receive_job(channel: socket) -> tuple[bytes, tuple[int, ...]]:
    """What `send_job` sent, its numbers packed."""
    message, control, _, _ = channel.recvmsg(_JOB.size, CMSG_SPACE(_JOB_FDS.size))
    return message, _JOB_FDS.unpack(control[0][2])


def numbers_of(job: bytes) -> tuple[int, int]:
    """The size of a job's program, and its limit of threads."""
    size, threads = _JOB.unpack(job)
    return size, threads


def send_descriptor(channel: socket, fd: int) -> None:
    channel.sendmsg([b"+"], [(SOL_SOCKET, SCM_RIGHTS, _FD.pack(fd))])


def receive_descriptor(channel: socket) -> int | bytes:
    """A descriptor; or what the zygote said in its place, which is nothing where it has gone."""
    message, control, _, _ = channel.recvmsg(MESSAGE_BYTES, CMSG_SPACE(_FD.size))
    return _FD.unpack(control[0][2])[0] if control else message
