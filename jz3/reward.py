r"""The grader as a reward, 1.0 for a right answer and 0.0 for any other, as trainers call it.

verl: `custom_reward_function.path=.../jz3/reward.py custom_reward_function.name=compute_score`.
TRL: `GRPOTrainer(reward_funcs=accuracy_reward, ...)` with a column `answer`, `solution` or `ground_truth`.
NeMo-RL: `verify`, with the signature of the workers of its math environment.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from jz3.public.answers import grade

GOLDS = ("answer", "ground_truth", "gold", "solution")
"""Columns of golds that are searched for, the most certain first."""


def compute_score(
    data_source: str,
    solution_str: str | None,
    ground_truth: Any,  # noqa: ANN401 (as the data set has it)
    extra_info: Mapping[str, Any] | None = None,
) -> float:
    r"""The reward of one response, with the signature that verl calls.

    >>> compute_score("openai/gsm8k", "So it is 6 * 3.\n#### 18", "18")
    1.0
    """
    del extra_info
    return float(grade(_gold(ground_truth), solution_str, benchmark=data_source).equal)


def accuracy_reward(
    prompts: Sequence[Any] | None = None,
    completions: Sequence[Any] = (),
    **columns: Any,  # noqa: ANN401
) -> list[float | None]:
    r"""The reward of each completion of a batch, with the signature that TRL calls. Completions are texts
    or conversations; golds are a column, in which None gives None: TRL leaves the row out.

    Raises ValueError where no column of GOLDS is there, or a gold is neither a text nor a number.

    >>> said = ["It is 4.", [{"role": "assistant", "content": "\\boxed{5}"}]]
    >>> accuracy_reward(completions=said, answer=["4", "4"])
    [1.0, 0.0]
    """
    del prompts
    name = next((name for name in GOLDS if name in columns), None)
    if name is None:
        raise ValueError(
            f"the data set has no gold answers; one of the columns {', '.join(GOLDS)} was expected"
        )
    pairs = zip(columns[name], completions, strict=True)
    return [
        None if gold is None else float(grade(_gold(gold), _text(completion)).equal)
        for gold, completion in pairs
    ]


def verify(
    pred_responses: Sequence[str],
    ground_truths: Sequence[Any],
    return_extracted_answer: bool = False,  # noqa: FBT001, FBT002 (the signature of NeMo-RL)
    **options: Any,  # noqa: ANN401
) -> list[float] | tuple[list[float], list[str | None]]:
    r"""The reward of each response, with the signature that NeMo-RL calls; with the extracted answers, where
    they are asked for.

    >>> verify(["It is 4.", "It is 5."], ["4", "4"], return_extracted_answer=True)
    ([1.0, 0.0], ['4', '5'])
    """
    del options
    pairs = zip(ground_truths, pred_responses, strict=True)
    verdicts = [grade(_gold(gold), response) for gold, response in pairs]
    rewards = [float(verdict.equal) for verdict in verdicts]
    return (rewards, [verdict.extracted for verdict in verdicts]) if return_extracted_answer else rewards


def _text(completion: Any) -> str:  # noqa: ANN401 (a text or messages)
    """What was said last; of parts, such as a text beside an image, the texts."""
    said = completion
    if isinstance(completion, list):
        turns = cast("list[Any]", completion)
        said = turns[-1]["content"] if turns else ""
    if isinstance(said, list):
        parts = [part.get("text") for part in cast("list[Any]", said) if isinstance(part, dict)]
        said = "\n".join(part for part in parts if isinstance(part, str))
    return said or ""


def _gold(value: Any) -> str:  # noqa: ANN401 (as a data set has it)
    """The final answer of a gold as public files have it: after `####`, in a box, or the text itself.

    A number is taken as it is written, a list of one as what is in it. Raises ValueError for what no response
    could equal, which would be a reward of 0 for each.
    """
    from jz3.evaluation.joining import gold_answer

    held = value.tolist() if hasattr(value, "tolist") else value  # arrays and numbers of numpy and torch
    parts = cast("Sequence[Any]", held) if isinstance(held, list | tuple) else ()
    if len(parts) == 1:
        held = parts[0]
    given = isinstance(held, str | int | float | Decimal) and not isinstance(held, bool) and held == held
    if given and str(held).strip():  # NaN, which is not itself, is a missing one
        return gold_answer(str(held))
    raise ValueError(
        f"the gold answer is {held!r:.60}; a text or a number was expected. Name the right column, or leave "
        f"out its row."
    )
