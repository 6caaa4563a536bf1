"""Teachers as params.yaml declares them: who is asked, by which API, and which fields a request has.

Fields that a declaration leaves out, or sets to null, are neither sent nor part of a row's key. So endpoints
of reasoning models, which refuse `max_tokens` or `temperature`, get only what they accept.
"""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from jz3.core.params import Params
from jz3.generation.bodies import FIELDS, LIMITS, OURS, Api

Provider = Literal["writer", "openai", "azure", "vllm", "deepseek", "anthropic"]


class RequestFields(Params):
    """Fields sent in addition to model and prompt. A field that is missing or null is not sent."""

    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of an answer, including thoughts; exactly one of these three names is given."""
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """The same limit, under the name for OpenAI's reasoning chat models."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """The same limit, under the name of the Responses API."""
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: Literal["drawn"] | None = None
    """`drawn` sends each prompt's own seed."""
    system: str | None = Field(default=None, min_length=1)
    """The operator's text before the prompt."""
    reasoning_effort: str | None = Field(default=None, min_length=1)
    """`low`, `medium`, `high` ...: whatever the model accepts."""
    thinking: dict[str, JsonValue] | None = None
    """`{type: enabled, budget_tokens: 8000}` for Anthropic, `{type: enabled}` for DeepSeek."""
    response_format: dict[str, JsonValue] | None = None
    extra_body: dict[str, JsonValue] | None = None
    """Further fields of the body, such as `chat_template_kwargs` of vLLM."""

    @model_validator(mode="after")
    def _asks_what_can_be_read(self) -> "RequestFields":
        limits = [name for name in LIMITS if getattr(self, name) is not None]
        if len(limits) != 1:
            raise ValueError(f"one of {', '.join(LIMITS)} is needed, and {len(limits)} are there")
        wrong = sorted(set(self.extra_body or {}) & (OURS | set(self.sent)))
        if wrong:
            raise ValueError(f"extra_body may not hold {', '.join(wrong)}, which jz3 sets itself")
        return self

    @property
    def sent(self) -> dict[str, Any]:
        """The fields of a request, all but the seed as they are sent."""
        fields = {name: getattr(self, name) for name in RequestFields.model_fields}
        return {name: value for name, value in fields.items() if value is not None}


class Teacher(Params):
    """Who is asked, and how."""

    share: float = Field(gt=0)
    """Its share of the prompts, in proportion to the others'; drawn by hash."""
    provider: Provider
    """The service that answers. `writer` is the built-in problem writer, which the stage serves itself."""
    model: str = Field(min_length=1)
    api: Api
    """`chat` (Chat Completions), `responses` (OpenAI's Responses) or `messages` (Anthropic's)."""
    account: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    """The environment's ACCOUNT_BASE_URL and ACCOUNT_API_KEY give its address and key."""
    request: RequestFields

    @model_validator(mode="after")
    def _fits_the_api(self) -> "Teacher":
        wrong = sorted(set(self.request.sent) - FIELDS[self.api])
        if wrong:
            has = ", ".join(sorted(FIELDS[self.api]))
            raise ValueError(f"the API {self.api} has no field {', '.join(wrong)}; it has {has}")
        return self
