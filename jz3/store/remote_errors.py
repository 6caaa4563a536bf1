"""Errors of a shared place (key, bucket, server) as one line with the remedy.

An address is shown without its secrets: user and password, and the query of a signed address.
"""

import errno
import re
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import unquote

from jz3.core.errors import UserError

FOREIGN = {
    "aiohttp": ("ClientError",),
    "asyncssh": ("Error",),
    "azure.core.exceptions": ("AzureError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "fsspec.exceptions": ("FSTimeoutError",),
    "ftplib": ("Error",),
    "gcsfs.retry": ("HttpError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "paramiko.ssh_exception": ("SSHException",),
}
"""Errors of file systems other than OSError, by the module that defines them; most come with extras."""

LEAST_SECRET = 4
"""Characters; a shorter secret would be cut out of ordinary words, too (chosen)."""
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
WHOLE_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+", re.DOTALL)


class RemoteError(UserError):
    """A shared place cannot be read or written."""


@contextmanager
def reaching(url: str) -> Generator[None]:
    """Turn errors of opening, reading and writing a shared place (any fsspec file system) into
    RemoteError.
    """
    try:
        yield
    except UserError:
        raise
    except PermissionError as error:
        raise RemoteError(
            f"{shown(url)} refuses access ({_reason(error, url)}); a key that may list, read and write was "
            f"expected. Check access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and "
            f"AWS_SECRET_ACCESS_KEY."
        ) from error
    except FileNotFoundError as error:
        raise RemoteError(
            f"{shown(url)} does not exist ({_reason(error, url)}); a bucket or folder was expected there. "
            f"Check its name and the network, or make it."
        ) from error
    except (NotImplementedError, ImportError, ValueError) as error:
        raise unusable(url, error) from error
    except (OSError, EOFError, *_foreign()) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RemoteError(
                f"the disk is full between {shown(url)} and here ({_reason(error, url)}); room for a pack of "
                f"60 MB was expected in {tempfile.gettempdir()}, and for the rows there. Free some space."
            ) from error
        raise RemoteError(
            f"{shown(url)} cannot be reached ({_reason(error, url)}); a server was expected there. Check the "
            f"endpoint and the network, then run it again: what is there already is not sent twice."
        ) from error


def unusable(url: str, error: Exception | str) -> RemoteError:
    """The error for an address that cannot be used."""
    return RemoteError(
        f"{shown(url)} cannot be used as a place for rows ({_reason(error, url)}); an address such as "
        f"s3://bucket/rows, or a folder, was expected. Check it, or install what is named."
    )


def shown(text: str) -> str:
    """An address, or a text that contains addresses, without users, passwords and queries."""
    if WHOLE_ADDRESS.fullmatch(text):
        return _without_secrets(text)  # a text with several words
    return ADDRESS.sub(lambda found: _without_secrets(found[0]), text)


def _without_secrets(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if "@" in host:
        rest = f"***@{host.rpartition('@')[2]}{rest[len(host) :]}"
    elif "@" in rest and re.search(r":(?!\d*$)", host):  # not a port: a password with a slash in it
        rest = f"***@{rest.rpartition('@')[2]}"
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{place}" + ("?***" if len(place) < len(rest) else "")


def _foreign() -> tuple[type[Exception], ...]:
    """Error classes of the storage modules that are imported; others cannot have raised anything."""
    return tuple(
        getattr(sys.modules[module], name)
        for module, names in FOREIGN.items()
        if module in sys.modules
        for name in names
    )


def _reason(error: BaseException | str, url: str) -> str:
    """An error's own message, without the secrets of the address."""
    said = str(error).replace(url, shown(url)) if url else str(error)
    for secret in _secrets(url):
        said = said.replace(secret, "***")
    return shown(" ".join(said.split()))[:200] or type(error).__name__


def _secrets(url: str) -> list[str]:
    """The password of an address and the values in its query, both as written and decoded."""
    rest = url.partition("://")[2]
    place, _, query = rest.partition("?")
    user = place.rpartition("@")[0] if "://" in url else ""
    found = [user.partition(":")[2] or user, *(pair.partition("=")[2] for pair in query.split("&"))]
    return [form for secret in found if len(secret) >= LEAST_SECRET for form in (secret, unquote(secret))]
