"""Requests that the problem writer does not answer."""

from typing import Any


class Refused(Exception):  # noqa: N818 (an answer of the protocol, not a failure of ours)
    """A request that gets an error of the OpenAI form."""

    def __init__(self, status: int, code: str, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.parameter = status, code, parameter

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error"
        return {"error": {"message": str(self), "type": kind, "param": self.parameter, "code": self.code}}
