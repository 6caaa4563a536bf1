"""A terminal of a given size for a command, so that a test can look at what it draws there."""

import fcntl
import os
import pty
import struct
import termios


def on_terminal(command, columns):
    """The exit status of a command whose output is a terminal with this many columns, and all that it
    wrote.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        named = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        os.execvpe(command[0], command, named)
    said = b""
    try:
        while data := os.read(terminal, 65536):
            said += data
    except OSError:  # on Linux, this means that the other end was closed
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
