"""Messages between a worker's keeper and its zygote, over sockets that preserve message boundaries.

The keeper reads programs and outputs; the zygote forks. Only descriptors and numbers are passed, never a
program or its output, so that the memory from which the next program is forked contains nothing of them.
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

MESSAGE_BYTES = 1 << 16  # a zygote's description of itself is much smaller
FAILED = b"!"
"""First byte of a zygote's message that a program could not be started; the reason follows."""

_JOB = struct.Struct("=xQQ")  # the first byte is 0, which the zygote looks at
_JOB_FDS = struct.Struct("4i")
_FD = struct.Struct("i")


def make_channel() -> tuple[socket, socket]:
    """Both ends."""
    return socketpair(AF_UNIX, SOCK_SEQPACKET)


def send_job(channel: socket, size: int, threads: int, fds: tuple[int, int, int, int]) -> None:
    """Ask for a process that reads a program of `size` bytes from the first descriptor. The others are its
    standard output, its standard error, and the one on which it reports that its walls stand. `threads` is
    its limit.
    """
    channel.sendmsg([_JOB.pack(size, threads)], [(SOL_SOCKET, SCM_RIGHTS, _JOB_FDS.pack(*fds))])


def job_waits(channel: socket) -> bool:
    """Wait until there is a job, without taking it; False if the keeper has gone."""
    return channel.recv(1, MSG_PEEK) != b""


def receive_job(channel: socket) -> tuple[bytes, tuple[int, ...]]:
    """A job from `send_job`: its packed numbers, and the descriptors."""
    message, control, _, _ = channel.recvmsg(_JOB.size, CMSG_SPACE(_JOB_FDS.size))
    return message, _JOB_FDS.unpack(control[0][2])


def numbers_of(job: bytes) -> tuple[int, int]:
    """The size of a job's program, and its limit of threads."""
    size, threads = _JOB.unpack(job)
    return size, threads


def send_descriptor(channel: socket, fd: int) -> None:
    channel.sendmsg([b"+"], [(SOL_SOCKET, SCM_RIGHTS, _FD.pack(fd))])


def receive_descriptor(channel: socket) -> int | bytes:
    """A descriptor; or the zygote's message instead of one, which is empty if the zygote has gone."""
    message, control, _, _ = channel.recvmsg(MESSAGE_BYTES, CMSG_SPACE(_FD.size))
    return _FD.unpack(control[0][2])[0] if control else message
