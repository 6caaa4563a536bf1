"""Work for the workers of the tests. Actors of Ray import it, so it is not a test file."""

import os
import signal
import time
from pathlib import Path

from jz3.workers.batch import Workers

IN_PROCESS = Workers(count=1, threads=1, gpus=0, address=None)


class Squares:
    """Squares numbers; notes each batch in `folder`; at -1 the process ends as if out of memory."""

    def __init__(self, folder: Path, seconds: float = 0.0):
        self.folder, self.seconds = folder, seconds

    def __call__(self, batch):
        time.sleep(self.seconds)
        numbers = [row["n"] for row in batch]
        with (self.folder / "batches").open("a") as file:
            file.write(f"{os.getpid()} {numbers}\n")
        if -1 in numbers:
            os.kill(os.getpid(), signal.SIGKILL)
        return [{"square": n * n} for n in numbers]


class Noted:
    """Notes in `folder` each process that opens it, like an engine that loads its model; adds `more`."""

    def __init__(self, folder: Path, more: int):
        self.folder, self.more, self.opened = folder, more, False

    def __eq__(self, other):
        return isinstance(other, Noted) and (self.folder, self.more) == (other.folder, other.more)

    def __hash__(self):
        return hash((self.folder, self.more))

    def __call__(self, batch):
        if not self.opened:
            with (self.folder / "opened").open("a") as file:
                file.write(f"{os.getpid()} {self.more}\n")
        self.opened = True
        return [{"square": row["n"] + self.more} for row in batch]


class Environment:
    """Returns a variable of the worker's environment."""

    def __call__(self, batch):
        return [{"value": os.environ.get(row["name"])} for row in batch]


class Refuses:
    def __call__(self, batch):
        from jz3.core.errors import UserError

        raise UserError("the model is not there; it was expected. Put it there.")


class Unfit:
    """Squares numbers, except in the processes that come first, as many as `unfit`; notes in `folder` each
    batch that a process is given.
    """

    def __init__(self, folder: Path, unfit: int):
        self.folder, self.unfit = folder, unfit

    def __call__(self, batch):
        from jz3.workers.batch import UnfitError

        with (self.folder / "given").open("a") as file:
            file.write(f"{os.getpid()} {len(batch)}\n")
        first = dict.fromkeys(line.split()[0] for line in (self.folder / "given").read_text().splitlines())
        if str(os.getpid()) in list(first)[: self.unfit]:
            raise UnfitError(f"no server starts in process {os.getpid()}; one was expected. Fix it.")
        time.sleep(0.1)
        return [{"square": row["n"] ** 2} for row in batch]


class Poisoned:
    """An engine whose process ends, as if out of memory, at any batch that has the prompt `poison`."""

    def __init__(self):
        self.identity = {"engine": "transformers", "model": "0" * 32, "dtype": "float32"}

    def generate(self, requests, sampling):
        from jz3.generation.engine import Generated

        if any(request.prompt == "poison" for request in requests):
            os.kill(os.getpid(), signal.SIGKILL)
        return [Generated(f"completion {request.seed}", "stop", 10, 5) for request in requests]


class Programming:
    """An engine that writes two programs and, after reading their output, the answer; notes where it
    opens.
    """

    def __init__(self, folder: Path):
        self.folder, self.opened = folder, False
        self.identity = {"engine": "transformers", "model": "1" * 32, "dtype": "float32"}

    def __reduce__(self):
        return Programming, (self.folder,)

    def generate(self, requests, sampling):
        from jz3.generation.engine import Generated

        if not self.opened:
            with (self.folder / "opened").open("a") as file:
                file.write(f"{os.getpid()}\n")
        self.opened = True
        return [
            Generated("\\boxed{7}" if request.prompt.count("```output") == 2 else PROGRAM, "stop", 10, 5)
            for request in requests
        ]


PROGRAM = "```python\nprint(3 + 4)\n```\n"
