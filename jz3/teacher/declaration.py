"""Teachers as params.yaml declares them: who is asked, by which API, and which fields a request has.

Fields that a declaration does not name, or names with null, are neither sent nor part of a row's key. So the
endpoints of models that reason, which refuse `max_tokens` or `temperature`, get what they take.
"""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from jz3.core.params import Params
from jz3.generation.bodies import FIELDS, LIMITS, OURS, Api

Provider = Literal["writer", "openai", "azure", "vllm", "deepseek", "anthropic"]


class RequestFields(Params):
    """What is sent beside model and prompt. What is absent is not sent: null is no value but none."""

    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of an answer, including thoughts; exactly one of these three names is given."""
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """The same, as OpenAI's chat models that reason call it."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """The same, as the Responses API calls it."""
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: Literal["drawn"] | None = None
    """`drawn` sends each prompt's own seed."""
    system: str | None = Field(default=None, min_length=1)
    """A text of the operator before the prompt."""
    reasoning_effort: str | None = Field(default=None, min_length=1)
    """`low`, `medium`, `high` ...: as the model has it."""
    thinking: dict[str, JsonValue] | None = None
    """`{type: enabled, budget_tokens: 8000}` of Anthropic, `{type: enabled}` of DeepSeek."""
    response_format: dict[str, JsonValue] | None = None
    extra_body: dict[str, JsonValue] | None = None
    """More fields of the body, such as `chat_template_kwargs` of vLLM."""

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
        """The fields that a request has, all but the seed as they are sent."""
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
    """ACCOUNT_BASE_URL and ACCOUNT_API_KEY of the environment say where it is and with what key."""
    request: RequestFields

    @model_validator(mode="after")
    def _fits_the_api(self) -> "Teacher":
        wrong = sorted(set(self.request.sent) - FIELDS[self.api])
        if wrong:
            has = ", ".join(sorted(FIELDS[self.api]))
            raise ValueError(f"the API {self.api} has no field {', '.join(wrong)}; it has {has}")
        return self
