r"""The grader as a reward, 1.0 for a right answer and 0.0 for any other, as trainers call it.

verl: `custom_reward_function.path=.../jz3/reward.py custom_reward_function.name=compute_score`.
TRL: `GRPOTrainer(reward_funcs=accuracy_reward, ...)` with a column `answer`, `solution` or `ground_truth`.
NeMo-RL: `verify`, with the signature of the workers of its math environment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jz3.public.answers import grade

GOLDS = ("answer", "ground_truth", "gold", "solution")
"""Columns of golds that are looked for, the surest first."""


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Mapping[str, Any] | None = None
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
) -> list[float]:
    r"""The reward of each completion of a batch, with the signature that TRL calls. Completions are texts
    or conversations; golds are a column.

    Raises ValueError where no column of GOLDS is there.

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
    return [float(grade(_gold(str(gold)), _text(completion)).equal) for gold, completion in pairs]


def verify(
    pred_responses: Sequence[str],
    ground_truths: Sequence[str],
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
    verdicts = [grade(_gold(str(gold)), response) for gold, response in pairs]
    rewards = [float(verdict.equal) for verdict in verdicts]
    return (rewards, [verdict.extracted for verdict in verdicts]) if return_extracted_answer else rewards


def _text(completion: Any) -> str:  # noqa: ANN401 (a text or messages)
    return completion if isinstance(completion, str) else str(completion[-1]["content"] or "")


def _gold(text: str) -> str:
    """The final answer of a gold as public files have it: after `####`, in a box, or the text itself."""
    from jz3.evaluation.joining import gold_answer

    return gold_answer(text)
