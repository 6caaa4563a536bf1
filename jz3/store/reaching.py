"""What can go wrong between here and a shared place, as one line with the remedy: key, bucket, server."""

from collections.abc import Generator
from contextlib import contextmanager

from jz3.core.errors import UserError


class RemoteError(UserError):
    """A shared place cannot be read or written."""


@contextmanager
def reaching(url: str) -> Generator[None]:
    """Around reads and writes of a shared place (any fsspec file system)."""
    unreachable = _unreachable()
    try:
        yield
    except PermissionError as error:
        raise RemoteError(
            f"{url} refuses access ({_reason(error)}); a key that may list, read and write was expected. "
            f"Check access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except FileNotFoundError as error:
        raise RemoteError(
            f"{url} does not exist ({_reason(error)}); a bucket or folder was expected there. "
            f"Check its name, or make it."
        ) from error
    except unreachable as error:
        raise RemoteError(
            f"{url} cannot be reached ({_reason(error)}); a server was expected there. Check the "
            f"endpoint and the network, then run it again: what is there already is not sent twice."
        ) from error


def _unreachable() -> tuple[type[Exception], ...]:
    """What libraries raise for a server that does not answer; botocore comes with the extra `s3`."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, ClientError)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
