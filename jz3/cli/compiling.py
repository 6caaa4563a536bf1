"""Who waits for machine code is told so."""

from collections.abc import Generator
from contextlib import contextmanager

from jz3.cli.output import remark

COMPILING = "compiling the code that reads and compares texts: some 20 s of CPU, once; later runs find it"
"""Measured on one core (22.7 s of CPU, 3.1 s once compiled): the steps of `jz3 curate` together."""


@contextmanager
def compiling_is_said() -> Generator[None]:
    """Say it once, as soon as numba compiles a function that it does not find beside its module."""
    from numba.core import event

    class Said(event.Listener):
        said = False

        def on_start(self, event: event.Event) -> None:  # noqa: ARG002 (numba passes it)
            if not self.said:
                self.said = True
                remark(COMPILING)

        def on_end(self, event: event.Event) -> None:
            """Each function ends; what is said is said at the first."""

    with event.install_listener("numba:compile", Said()):
        yield
