"""What an error of a server means: for this prompt, for every request, or for now.

Servers express it in many ways. Status and code are read first, then the message. If none of them shows
whether other requests would meet the same, the run finds out (jz3/generation/outage.py).

All errors may have been paid for, except the four refusals that come before any work (no key, no money, no
proxy, no room). A 5xx or 408 may come from a gateway after the model has written; so may a 400 or 403 about
output that was moderated.
"""

import json
import re
from collections.abc import Mapping

from jz3.generation.loose import fields_of, list_of
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.pace import asked_wait_s
from jz3.generation.secrets import Mask

LONGEST_ASKED_WAIT_S = 600.0
"""If a server asks for a longer wait, in seconds, the run stops, and its user starts it again (chosen)."""
WORDS_READ = 2_000
"""Characters of an error that are read (chosen)."""
UNPAID = (401, 402, 407, 429)
PASSING = (408, 409, 420, 423, 425, 429, 449, 498, 499)
"""Statuses below 500 that another attempt may not meet; 498 and 499 are a server's that has no room or gave
up.
"""
MONEY_CODES = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_credits",
    "insufficient_funds",
    "exceeded_current_quota_error",
    "account_overdue",
    "arrearage",
)
MONEY = re.compile(
    r"insufficient (?:account )?(?:balance|credit|fund)|credit balance is too low|out of credits"
    r"|(?:payment|billing) (?:is )?required|hard limit|account (?:is|has been) (?:suspended|overdue)",
    re.IGNORECASE,
)
"""Not `exceeded your current quota`: some providers say so about a limit per minute."""
KEY_CODES = (
    "invalid_api_key",
    "account_deactivated",
    "unsupported_country_region_territory",
    "ip_not_authorized",
)
KEY = re.compile(
    r"(?:invalid|incorrect|expired|revoked|missing|unknown|bad|no) (?:api[ _-]?)?key"
    r"|api[ _-]?key (?:is |was )?(?:not valid|invalid|expired|revoked|missing)",
    re.IGNORECASE,
)
MODEL_CODES = ("model_not_found", "model_not_available", "deploymentnotfound", "model_deprecated")
MODEL = re.compile(
    r"\bmodel\b.{0,120}(?:does not exist|doesn't exist|not found|not available|not supported|deprecated)"
    r"|no such model|unknown model|invalid model|deployment .{0,80}does not exist",
    re.IGNORECASE,
)
FIELD_CODES = ("unsupported_parameter", "unknown_parameter")
"""Never about a prompt: a field named with them is one of the request's form."""
VALUE_CODES = ("unsupported_value", "invalid_value", "integer_above_max_value")
PARAMETERS = (
    *(
        "model",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "seed",
        "n",
    ),
    *("reasoning_effort", "reasoning", "thinking", "output_config", "response_format", "text", "system"),
    *("instructions", "store", "chat_template_kwargs", "enable_thinking", "thinking_budget", "extra_body"),
)
"""Fields of requests (jz3/generation/bodies.py), and common ones of `extra_body`."""
PARAMETER = re.compile(
    r"(?:unsupported|unknown|unrecognized|unexpected|invalid|not supported|does not support|not permitted)"
    r"|(?:may|can) only be|must be|should be|cannot (?:both )?be|extra inputs|not allowed|valid range",
    re.IGNORECASE,
)
DISTINCT = (
    "max_completion_tokens|max_output_tokens|max_tokens|budget_tokens|thinking_budget|enable_thinking|thinking"
    "|temperature|top_p|seed|reasoning_effort|output_config|response_format|chat_template_kwargs"
)
NAMED = re.compile(
    rf"(?:^|[\s\"'`(\[.])(?P<name>(?:{DISTINCT})(?:\.\w+)*)(?=[\"'`:.,)\]]|\s+(?:value|is|must|may|can|should|param)|$)"
    rf"|'(?P<quoted>{'|'.join(PARAMETERS)})'"
)
"""A field in an error's message, quoted or followed by what is wrong with it."""
IN_PLACE = {
    "max_tokens": "Declare max_completion_tokens (for `responses` max_output_tokens) instead",
    "max_completion_tokens": "Declare max_tokens instead",
    "max_output_tokens": "Declare another limit",
}
"""What to do if the server has another name for the limit."""
OF_PROMPT = re.compile(r"maximum context|context length|flagged|moderat|content polic", re.IGNORECASE)
"""Words that show that an error is about a prompt, whatever field it names."""
UNKNOWN = re.compile(r"unsupported|not supported|unknown|unrecognized|extra|instead", re.IGNORECASE)
OWN_CODES = (
    "content_filter",
    "content_policy_violation",
    "data_inspection_failed",
    "moderation_blocked",
    "context_length_exceeded",
    "string_above_max_length",
    "invalid_prompt",
)
OWN = re.compile(
    r"\bprompts?\b|\binputs?\b|\bmessages?\b|moderat|content (?:management |filter|polic)|flagged|safety"
    r"|inappropriate|sensitive|maximum context|context length|too (?:long|large|many tokens)",
    re.IGNORECASE,
)


def refusal(status: int, content: bytes, headers: Mapping[str, str], mask: Mask) -> Setback | Stop:
    """What an HTTP error means."""
    return meaning(status, _read(content), asked_wait_s(headers), mask)


def meaning(status: int, said: object, wait_s: float | None, mask: Mask) -> Setback | Stop:
    """The meaning of an error that was parsed already: an object of JSON, or a text."""
    error = _Error(said)
    shown = mask.line(f"HTTP {status}: {error.words}" if error.words else f"HTTP {status}")
    stop = _stop(status, error, shown, mask)
    if stop is not None:
        return stop
    if wait_s is not None and wait_s > LONGEST_ASKED_WAIT_S:
        return Stop(
            f"the server asks to wait for {wait_s:,.0f} s ({shown}); the longest wait is "
            f"{LONGEST_ASKED_WAIT_S:,.0f} s"
        )
    again = status in PASSING or status >= 500 or status < 400
    return Setback(
        f"no such model or path, or not for this request ({shown})" if status == 404 else shown,
        again=again,
        paid=status not in UNPAID,
        wait_s=wait_s,
        busy=status == 429 or status >= 500,
        own=not again and (status in (413, 451) or error.code in OWN_CODES or bool(OWN.search(error.words))),
    )


def _stop(status: int, error: "_Error", shown: str, mask: Mask) -> Stop | None:
    """Why every request would meet the same, if status, code or message say so."""
    if status >= 500 or status < 400 or status == 408:
        return None
    if status == 402 or error.code in MONEY_CODES or error.kind in MONEY_CODES or MONEY.search(error.words):
        return Stop(f"the account has no money left ({shown}); credit was expected. Top it up")
    if status == 401 or error.code in KEY_CODES or (status in (400, 403) and KEY.search(error.words)):
        return Stop(f"the server refuses the key ({shown}); a valid one was expected in OPENAI_API_KEY")
    if status == 407:
        return Stop(f"the proxy refuses ({shown}); its name and password were expected in https_proxy")
    if status == 429 or error.code in OWN_CODES:
        return None
    if error.code in MODEL_CODES or (status in (400, 404) and MODEL.search(error.words)):
        return Stop(f"the server has no such model or path ({shown}); one that serves `model` was expected")
    field = _refused_field(error)
    if field is not None:
        return Stop(
            f"the server refuses the field {mask.line(field)!r}, which every request has ({shown}); fields "
            f"and values that it accepts were expected. {_remedy(field, error)}"
        )
    return None


def _remedy(field: str, error: "_Error") -> str:
    if field in IN_PLACE and UNKNOWN.search(f"{error.words} {error.code}"):
        return IN_PLACE[field]
    return "In the teacher's declaration, remove it or give it a value that the server accepts"


def _refused_field(error: "_Error") -> str | None:
    """The field of every request that an error is about; None if it is about something else."""
    if error.code in FIELD_CODES and error.parameter:
        return error.parameter
    if OF_PROMPT.search(error.words):
        return None
    first = error.parameter.partition(".")[0]
    named = NAMED.search(error.words)
    field = error.parameter if first in PARAMETERS else named and (named["name"] or named["quoted"])
    refused = error.code in (*FIELD_CODES, *VALUE_CODES) or PARAMETER.search(error.words)
    return field if refused else None


class _Error:
    """Code, type, parameter and message of an error, wherever a server puts them."""

    def __init__(self, said: object) -> None:
        inner: object = fields_of(said).get("error", said)
        fields = fields_of(inner) or fields_of(said)
        self.code = str(fields.get("code") or "").lower()
        self.kind = str(fields.get("type") or "").lower()
        self.parameter = str(fields.get("param") or _place(fields.get("detail")))
        message = fields.get("message") or fields.get("detail") or inner
        self.words = _words(message)[:WORDS_READ]
        if self.code and not self.code.isdigit() and self.code not in self.words.lower():
            self.words = f"{self.words} ({self.code})"


def _place(detail: object) -> str:
    """The field that FastAPI's errors name, such as `["body", "seed"]`."""
    first = fields_of(next(iter(list_of(detail)), None))
    place = [part for part in list_of(first.get("loc")) if isinstance(part, str) and part != "body"]
    return place[0] if place else ""


def _words(message: object) -> str:
    try:
        return message if isinstance(message, str) else json.dumps(message) if message else ""
    except RecursionError:
        return ""


def _read(content: bytes) -> object:
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
