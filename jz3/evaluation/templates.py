"""How an item is put to a model, with worked examples before it or none, and where its answer ends.

jiuzhang       ## Question / ## Solution: a natural-language answer
jiuzhang_tora  ## Question / ## Code Solution: text, program, output, closing sentence
cot            Question: / Answer: for base models, which learn the form from the examples
chat           a conversation in the model's own chat template, for instruct models

The first three, their stop words and the two blank lines between examples are the released code's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jz3.evaluation.letters import LETTERS
from jz3.evaluation.shots import Shot
from jz3.generation.engine import Prompt, Turn
from jz3.text.training_text import BEFORE_QUESTION, BEFORE_SOLUTION

BETWEEN = "\n\n\n"
"""Two blank lines between an example and the next text (released code)."""

TemplateName = Literal["jiuzhang", "jiuzhang_tora", "cot", "chat"]


@dataclass(frozen=True)
class Template:
    """The text before a question and before its answer, and the strings at which the model is stopped."""

    name: TemplateName
    before_question: str
    before_answer: str
    stop: tuple[str, ...]

    def text(self, question: str, shots: Sequence[Shot]) -> str:
        """The prompt for a model that continues a text, without trailing blanks, as in the released code."""
        examples = "".join(f"{self._posed(shot.question)}{shot.solution}{BETWEEN}" for shot in shots)
        return examples + self._posed(question).rstrip(" ")

    def _posed(self, question: str) -> str:
        return f"{self.before_question}{question}{self.before_answer}"


JIUZHANG = Template("jiuzhang", BEFORE_QUESTION, BEFORE_SOLUTION["cot"], ("\n\n## Question",))
JIUZHANG_TORA = Template(
    "jiuzhang_tora",
    BEFORE_QUESTION,
    BEFORE_SOLUTION["tool"],
    ("\n\n## Question", "\n\n---", "```output"),
)
COT = Template("cot", "Question: ", "\nAnswer: ", ("\n\nQuestion:",))
CHAT = Template("chat", "", "", ())

TEMPLATES: dict[TemplateName, Template] = {
    template.name: template for template in (JIUZHANG, JIUZHANG_TORA, COT, CHAT)
}

ASK_FOR_BOX = "Reason step by step, and put the final answer within \\boxed{}."
"""A chat model's instruction, given once before the first question (chosen; the usual words of
Qwen2.5-Math).
"""


def prompt(template: Template, question: str, choices: list[str] | None, shots: Sequence[Shot]) -> Prompt:
    """What the model reads before it answers."""
    posed = shown(question, choices)
    if template is not CHAT:
        return template.text(posed, shots)
    exchanged = [
        turn for shot in shots for turn in (Turn("user", shot.question), Turn("assistant", shot.solution))
    ]
    first, *rest = [*exchanged, Turn("user", posed)]
    return (Turn("user", f"{ASK_FOR_BOX}\n\n{first.content}"), *rest)


def shown(question: str, choices: list[str] | None) -> str:
    """A question with its choices on a separate line: `Answer Choices: (A) 3 (B) 4`."""
    if not choices:
        return question
    lettered = " ".join(f"({letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{question}\nAnswer Choices: {lettered}"
