"""What the workers of the tests do. Actors of Ray import it: it is no test file."""

import os
import signal
import time
from pathlib import Path


class Squares:
    """Squares numbers; notes each batch in `folder`; at -1 the process ends as it does out of memory."""

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


class Refuses:
    def __call__(self, batch):
        from jz3.core.errors import UserError

        raise UserError("the model is not there; it was expected. Put it there.")


class Poisoned:
    """An engine whose process ends, as out of memory, at any batch that holds the prompt `poison`."""

    def __init__(self):
        self.identity = {"engine": "transformers", "model": "0" * 32, "dtype": "float32"}

    def generate(self, requests, sampling):
        from jz3.generation.api import Generated

        if any(request.prompt == "poison" for request in requests):
            os.kill(os.getpid(), signal.SIGKILL)
        return [Generated(f"completion {request.seed}", "stop", 10, 5) for request in requests]
