"""Requests as they are sent: the bodies of Chat Completions, the Responses API and Anthropic's Messages.

Fields that a request does not have are not sent. Sources: the references of OpenAI for `chat/completions` and
`responses`, and of Anthropic for `messages`.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

import orjson

Api = Literal["chat", "responses", "messages"]
PATHS: dict[Api, str] = {"chat": "/chat/completions", "responses": "/responses", "messages": "/v1/messages"}
"""Paths after the base URL, which includes the version of the API for OpenAI's but not for Anthropic's."""
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Names of the limit on the tokens of an answer, including thoughts."""
SEED_LIMIT = 1 << 31
"""Servers accept seeds of at least 32 bits with a sign; vLLM accepts 64."""
FIELDS: dict[Api, frozenset[str]] = {
    "chat": frozenset(
        ("max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "system", "reasoning_effort",
         "thinking", "response_format", "extra_body")
    ),
    "responses": frozenset(
        ("max_output_tokens", "temperature", "top_p", "system", "reasoning_effort", "response_format",
         "extra_body")
    ),
    "messages": frozenset(
        ("max_tokens", "temperature", "top_p", "system", "reasoning_effort", "thinking", "response_format",
         "extra_body")
    ),
}  # fmt: skip
"""Fields of a declaration that each API has a place for."""
OURS = frozenset(
    ("model", "messages", "input", "instructions", "n", "stream", "stream_options", "background", "store",
     "tools", "best_of")
)  # fmt: skip
"""Fields that `extra_body` may not set: they are set here, or would bring another kind of answer."""


def body_of(api: Api, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request, from its model, its prompt and the fields that it has."""
    write = {"chat": _chat, "responses": _response, "messages": _message}[api]
    return _merged(write(asked), asked.get("extra_body", {}))


def _chat(asked: Mapping[str, Any]) -> dict[str, Any]:
    system = [{"role": "system", "content": asked["system"]}] if "system" in asked else []
    plain = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed")
    return {
        "model": asked["model"],
        "messages": [*system, {"role": "user", "content": asked["prompt"]}],
        **_of(asked, *plain),
        "n": 1,
        **_of(asked, "reasoning_effort", "thinking", "response_format"),
    }


def _response(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A body of the Responses API. The provider is told not to keep the answer: the row store has it."""
    effort, form = asked.get("reasoning_effort"), asked.get("response_format")
    return {
        "model": asked["model"],
        **({"instructions": asked["system"]} if "system" in asked else {}),
        "input": asked["prompt"],
        **_of(asked, "temperature", "top_p", "max_output_tokens"),
        **({"reasoning": {"effort": effort}} if effort is not None else {}),
        **({"text": {"format": form}} if form is not None else {}),
        "store": False,
    }


def _message(asked: Mapping[str, Any]) -> dict[str, Any]:
    effort, form = asked.get("reasoning_effort"), asked.get("response_format")
    output = {name: value for name, value in (("effort", effort), ("format", form)) if value is not None}
    return {
        "model": asked["model"],
        **_of(asked, "system"),
        "messages": [{"role": "user", "content": asked["prompt"]}],
        **_of(asked, "temperature", "top_p", "max_tokens", "thinking"),
        **({"output_config": output} if output else {}),
    }


def _of(asked: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: asked[name] for name in names if name in asked}


def _merged(body: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The body with more fields; objects that both have, such as `reasoning`, are merged."""
    for name, value in more.items():
        own: object = body.get(name)
        both = isinstance(own, dict) and isinstance(value, dict)
        inner = cast("dict[str, Any]", own)
        body[name] = _merged(dict(inner), cast("dict[str, Any]", value)) if both else value
    return body


def body_bytes(body: Mapping[str, Any]) -> bytes:
    """A request as bytes. Lone surrogates, which occur in texts of the web, are sent as escapes."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def batch_line(key: str, api: Api, body: Mapping[str, Any]) -> bytes:
    """The request as a line of a batch file."""
    line = {"custom_id": key, "method": "POST", "url": batch_endpoint(api), "body": body}
    return json.dumps(line, ensure_ascii=True).encode() + b"\n"


def batch_endpoint(api: Api) -> str:
    """The path that a batch file names: all lines of a file go to one."""
    return f"/v1{PATHS[api]}"
