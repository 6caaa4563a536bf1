"""The address and key for requests."""

import os
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from jz3.core.errors import UserError

DEFAULTS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Endpoint:
    """An address and its key. The key is needed only if the store lacks an answer, and is never shown."""

    base_url: str | None
    """None means the provider's own."""
    api_key: str | None = field(repr=False)
    named: tuple[str, str] = ("OPENAI_BASE_URL", "OPENAI_API_KEY")
    """The variables that address and key were read from, for messages."""
    client: Literal["openai", "anthropic"] = "openai"
    """The package used to talk to it; its default address applies if none is given."""

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        return self.base_url is not None and urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def shown(self) -> str:
        """The address for a message, without any secrets in it."""
        parts = urlsplit(self.base_url or DEFAULTS[self.client])
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def must_be_usable(self) -> None:
        """Raise UserError, without showing key or password, if address or key cannot be used."""
        wrong = _wrong_address(self.base_url) if self.base_url is not None else None
        if wrong:
            raise UserError(
                f"{self.named[0]} {wrong}; an address such as http://127.0.0.1:8000/v1 was expected. Correct "
                f"it, and put a key into {self.named[1]}."
            )
        key = self.api_key
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise UserError(
                f"{self.named[1]} holds a blank, a line break or a letter that no key has; printable ASCII "
                f"was expected. Copy it again, without quotes and line breaks."
            )


def endpoint_of(account: str, client: Literal["openai", "anthropic"]) -> Endpoint:
    """Read ACCOUNT_BASE_URL and ACCOUNT_API_KEY from the environment, with the account's name in place of
    ACCOUNT.
    """
    named = (f"{account}_BASE_URL", f"{account}_API_KEY")
    return Endpoint(os.environ.get(named[0]), os.environ.get(named[1]), named, client)


def _wrong_address(address: str) -> str | None:
    """What is wrong with an address, without quoting it: it may contain a password."""
    if not address.isprintable() or " " in address:
        return "holds a blank or a line break"
    try:
        parts: SplitResult = urlsplit(address)
        port = parts.port
    except ValueError as error:
        return "is not an address" if "@" in address else f"is not an address ({error})"
    if parts.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no host"
    if "@" in parts.netloc:
        return "holds a name or a password"
    if parts.query or parts.fragment:
        return "has something after its path"
    return None
